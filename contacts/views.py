"""The contact, group and template routes of the native API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import (
    address_book,
    imports,
    requests,
    responses,
    selectors,
    services,
    templates,
    workbook,
)
from contacts.models import ContactGroup, Import, Template
from contacts.services import Consent, ContactDraft
from contacts.spreadsheets import Unreadable
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.idempotency import idempotent
from http_api.pagination import Page, first_rows, next_page
from http_api.parsing import FileParser
from http_api.reading import read
from licenses.authentication import KeyPair
from licenses.scopes import Scope, require
from licenses.sender import Sender
from licenses.viewsets import NativeViewSet
from members import audit
from members.audit import Action
from members.programs import actor, recorded
from messaging.drafts import Invalid

# Every key that does not open the door is a 401 here (docs/api.md).
_ALWAYS_401 = {
    ErrorCode.INVALID_KEY: 401,
    ErrorCode.LICENSE_INACTIVE: 401,
    ErrorCode.SUBSCRIPTION_EXPIRED: 401,
}


class ContactViewSet(NativeViewSet):
    """People to send to, known by phone number."""

    needs: ClassVar = dict.fromkeys(
        ("create", "bulk", "list", "retrieve", "partial_update", "destroy", "delete_many", "merge"),
        Scope.CONTACTS,
    )
    queries: ClassVar = {"list": requests.ContactQuery}

    authentication_classes = [KeyPair]
    status_by_code: ClassVar = _ALWAYS_401

    @idempotent
    def create(self, request: Request) -> Response:
        body = read(request, requests.SingleContact)
        draft = body.draft()
        _may_send(self.sender, [draft])
        saved = services.save_contact(
            self.sender,
            draft,
            ignore_foreign_numbers=body.ignore_foreign_numbers,
            callback_url=body.callback_url,
        )
        return Response(responses.contact(saved, draft), status=201 if saved.is_new else 200)

    @idempotent
    def bulk(self, request: Request) -> Response:
        body = read(request, requests.BulkContacts)
        items = body.items()
        _may_send(self.sender, items)
        saved = services.save_contacts(
            self.sender,
            items,
            ignore_foreign_numbers=body.ignore_foreign_numbers,
            callback_url=body.callback_url,
        )
        return Response(responses.contacts(saved), status=201)

    def list(self, request: Request) -> Response:
        wanted = read(request, requests.ContactQuery)
        asked_for, account_id = wanted.filter(), self.sender.account_id
        rows = selectors.found_contacts(account_id, asked_for)
        of_any = None
        if asked_for.search is not None:
            of_any = selectors.found_contacts(account_id, replace(asked_for, search=None))
        return wanted.of(rows, request, responses.found_contact, walked=of_any)

    def retrieve(self, request: Request, contact_id: str) -> Response:
        return self._answer(int(contact_id))

    @idempotent
    def partial_update(self, request: Request, contact_id: str) -> Response:
        wanted = read(request, requests.ChangedContact)
        address_book.change_contact(
            self.sender.account_id,
            int(contact_id),
            name=wanted.name,
            phone=wanted.phone,
            group_ids=wanted.group_ids,
            fields=wanted.fields,
            consent=self._consent(wanted.consent_note) if wanted.consent_note else None,
        )
        return self._answer(int(contact_id))

    @idempotent
    @recorded(Action.CONTACTS_DELETED)
    def destroy(self, request: Request, contact_id: str) -> Response:
        address_book.delete_contact(self.sender.account_id, int(contact_id))
        return Response(status=204)

    @idempotent
    @recorded(Action.CONTACTS_DELETED)
    def delete_many(self, request: Request) -> Response:
        wanted = read(request, requests.ChosenContacts)
        number = address_book.delete_contacts(self.sender.account_id, wanted.ids)
        return Response({"deleted_count": number})

    @idempotent
    @recorded(Action.CONTACTS_DELETED)
    def merge(self, request: Request, contact_id: str) -> Response:
        selectors.contact(self.sender.account_id, int(contact_id))
        wanted = read(request, requests.MergedContacts)
        address_book.merge_contacts(self.sender.account_id, int(contact_id), wanted.ids)
        return self._answer(int(contact_id))

    def _consent(self, note: str) -> Consent:
        return Consent(note, by=services.name_of(self.sender))

    def _answer(self, contact_id: int) -> Response:
        found = selectors.found_contact(self.sender.account_id, contact_id)
        return Response(responses.found_contact(found))


def _may_send(sender: Sender, items: Sequence[ContactDraft | Invalid]) -> None:
    """Require the scope `send` if a contact is to get an SMS; raise ApiError."""
    if any(isinstance(item, ContactDraft) and item.sms is not None for item in items):
        require(sender.scopes, Scope.SEND)


class ImportViewSet(NativeViewSet):
    """Files of people, or of numbers that want no messages, which the worker brings in."""

    needs: ClassVar = dict.fromkeys(
        (
            "create",
            "list",
            "retrieve",
            "partial_update",
            "destroy",
            "start",
            "stop",
            "undo",
            "problems",
        ),
        Scope.CONTACTS,
    )
    queries: ClassVar = {"list": Page, "problems": requests.ProblemQuery}

    authentication_classes = [KeyPair]
    parser_classes = [FileParser]
    status_by_code: ClassVar = _ALWAYS_401

    @idempotent
    def create(self, request: Request) -> Response:
        body = read(request, requests.NewImport)
        upload = body.upload()
        with transaction.atomic(), _file_problems():
            found = imports.upload(
                self.sender.account_id,
                self.sender.country,
                upload.data,
                name=upload.name,
                by=services.name_of(self.sender),
                kind=imports.Kind(body.kind),
                wanted=body.reading(),
                has_header=body.has_header,
            )
            found = imports.check(self.sender.account_id, found.pk, body.choices(found))
            if body.start:
                found = self._started(found.pk, body)
        return Response(responses.found_import(found), status=201)

    def _started(self, import_id: int, body: requests.NewImport | requests.StartedImport) -> Import:
        consent = body.given(by=services.name_of(self.sender))
        with transaction.atomic():
            found = imports.start(self.sender.account_id, import_id, consent)
            audit.record(
                found.account_id, actor(self.sender, self.request.META), Action.IMPORT_STARTED,
                object_id=found.pk, count=found.rows, kind=found.kind,
            )  # fmt: skip
        return found

    def list(self, request: Request) -> Response:
        rows = imports.imports(self.sender.account_id)
        return read(request, Page).of(rows, request, responses.found_import)

    def retrieve(self, request: Request, import_id: str) -> Response:
        found = imports.find(self.sender.account_id, int(import_id))
        return Response(responses.found_import(found))

    @idempotent
    def partial_update(self, request: Request, import_id: str) -> Response:
        body, account_id = read(request, requests.ChangedImport), self.sender.account_id
        with transaction.atomic(), _file_problems():
            found = imports.find(account_id, int(import_id))
            if body.reads_anew:
                found = imports.read_anew(
                    account_id, found.pk, body.reading(), has_header=body.has_header
                )
            found = imports.check(account_id, found.pk, body.choices(found))
        return Response(responses.found_import(found))

    @idempotent
    @recorded(Action.IMPORT_DELETED)
    def destroy(self, request: Request, import_id: str) -> Response:
        imports.delete(self.sender.account_id, int(import_id))
        return Response(status=204)

    @idempotent
    def start(self, request: Request, import_id: str) -> Response:
        found = self._started(int(import_id), read(request, requests.StartedImport))
        return Response(responses.found_import(found))

    @idempotent
    @recorded(Action.IMPORT_STOPPED)
    def stop(self, request: Request, import_id: str) -> Response:
        found = imports.stop(self.sender.account_id, int(import_id))
        return Response(responses.found_import(found))

    @idempotent
    @recorded(Action.IMPORT_UNDONE)
    def undo(self, request: Request, import_id: str) -> Response:
        number = imports.undo(self.sender.account_id, int(import_id))
        return Response({"deleted_count": number})

    def problems(self, request: Request, import_id: str) -> Response:
        wanted = read(request, requests.ProblemQuery)
        found = imports.find(self.sender.account_id, int(import_id))
        rows = imports.problems(found).filter(row__gt=wanted.after)
        page, has_more = first_rows(rows, wanted.limit)
        following = next_page(request, "after", page[-1].row) if has_more else None
        results = [responses.import_problem(row) for row in page]
        return Response({"next": following, "results": results})


@contextmanager
def _file_problems() -> Iterator[None]:
    """Say what is wrong with a file as the API says it."""
    try:
        yield
    except Unreadable as error:
        raise ApiError.of_field("file", str(error)) from None
    except workbook.Busy:
        words = "Another workbook is being read: try again."
        raise ApiError(ErrorCode.UNAVAILABLE, words, retry_after=5) from None


class GroupViewSet(NativeViewSet):
    """Named lists of contacts."""

    needs: ClassVar = dict.fromkeys(
        ("create", "bulk", "list", "retrieve", "partial_update", "destroy", "merge"),
        Scope.CONTACTS,
    )
    queries: ClassVar = {"list": requests.GroupQuery}

    authentication_classes = [KeyPair]
    status_by_code: ClassVar = _ALWAYS_401

    @idempotent
    def create(self, request: Request) -> Response:
        body = read(request, requests.SingleGroup)
        group = services.create_group(self.sender, body.name)
        return Response(responses.group(group, self.sender), status=201)

    @idempotent
    def bulk(self, request: Request) -> Response:
        body = read(request, requests.BulkGroups)
        results = services.get_or_create_groups(self.sender, [group.name for group in body.groups])
        return Response(responses.groups(results), status=201)

    def list(self, request: Request) -> Response:
        wanted = read(request, requests.GroupQuery)
        rows = selectors.groups(self.sender.account_id, wanted.search)
        of_any = None if wanted.search is None else selectors.groups(self.sender.account_id)
        return wanted.of(rows, request, self._shown, walked=of_any)

    def retrieve(self, request: Request, group_id: str) -> Response:
        return Response(self._shown(selectors.group(self.sender.account_id, int(group_id))))

    @idempotent
    def partial_update(self, request: Request, group_id: str) -> Response:
        name = read(request, requests.ChangedGroup).name
        group = address_book.rename_group(self.sender.account_id, int(group_id), name)
        return Response(self._shown(group))

    @idempotent
    @recorded(Action.GROUP_DELETED)
    def destroy(self, request: Request, group_id: str) -> Response:
        address_book.delete_group(self.sender.account_id, int(group_id), with_contacts=False)
        return Response(status=204)

    @idempotent
    @recorded(Action.GROUP_CHANGED)
    def merge(self, request: Request, group_id: str) -> Response:
        selectors.group(self.sender.account_id, int(group_id))
        wanted = read(request, requests.MergedContacts)
        group = address_book.merge_groups(self.sender.account_id, int(group_id), wanted.ids)
        return Response(self._shown(group))

    def _shown(self, group: ContactGroup) -> responses.GroupRead:
        return responses.found_group(group, self.sender)


class TemplateViewSet(NativeViewSet):
    """Texts with variables. Rendering one reads a contact: it needs both keys, as contacts do."""

    needs: ClassVar = dict.fromkeys(
        ("create", "list", "retrieve", "partial_update", "destroy", "render"), Scope.CONTACTS
    )
    queries: ClassVar = {"list": Page}

    authentication_classes = [KeyPair]
    status_by_code: ClassVar = _ALWAYS_401

    @idempotent
    def create(self, request: Request) -> Response:
        body = read(request, requests.NewTemplate)
        return Response(responses.template(self._saved(None, body)), status=201)

    def _saved(
        self, template_id: int | None, body: requests.NewTemplate | requests.ChangedTemplate
    ) -> Template:
        return templates.save(
            self.sender.account_id,
            template_id,
            by=services.name_of(self.sender),
            name=body.name,
            text=body.text,
        )

    def list(self, request: Request) -> Response:
        rows = templates.templates(self.sender.account_id)
        return read(request, Page).of(rows, request, responses.template, long_text="text")

    def retrieve(self, request: Request, template_id: str) -> Response:
        return Response(responses.template(self._found(template_id)))

    def _found(self, template_id: str) -> Template:
        return templates.find(self.sender.account_id, int(template_id))

    @idempotent
    def partial_update(self, request: Request, template_id: str) -> Response:
        body = read(request, requests.ChangedTemplate)
        return Response(responses.template(self._saved(int(template_id), body)))

    @idempotent
    @recorded(Action.TEMPLATE_DELETED)
    def destroy(self, request: Request, template_id: str) -> Response:
        templates.delete(self.sender.account_id, int(template_id))
        return Response(status=204)

    def render(self, request: Request, template_id: str) -> Response:
        template, body = self._found(template_id), read(request, requests.RenderedFor)
        known = templates.values_of(self.sender.account_id, body.phone) if body.phone else {}
        text = templates.render(template, known, body.variables)
        return Response(responses.rendered(text))
