"""The contact and group routes of the native API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from contacts import requests, responses, services
from contacts.services import ContactDraft
from http_api.error_codes import ErrorCode
from http_api.idempotency import idempotent
from http_api.reading import read
from licenses.authentication import KeyPair
from licenses.scopes import Scope, require
from licenses.sender import Sender
from licenses.viewsets import NativeViewSet
from messaging.drafts import Invalid

# Every key that does not open the door is a 401 here (docs/api.md).
_ALWAYS_401 = {
    ErrorCode.INVALID_KEY: 401,
    ErrorCode.LICENSE_INACTIVE: 401,
    ErrorCode.SUBSCRIPTION_EXPIRED: 401,
}


class ContactViewSet(NativeViewSet):
    """People to send to, known by phone number."""

    needs: ClassVar = {"create": Scope.CONTACTS, "bulk": Scope.CONTACTS}

    authentication_classes = [KeyPair]
    status_by_code: ClassVar = _ALWAYS_401

    @idempotent
    def create(self, request: Request) -> Response:
        body = read(request, requests.SingleContact)
        draft = body.draft()
        _may_send(self.sender, [draft])
        saved = services.save_contact(
            self.sender, draft, ignore_foreign_numbers=body.ignore_foreign_numbers
        )
        return Response(responses.contact(saved, draft), status=201 if saved.is_new else 200)

    @idempotent
    def bulk(self, request: Request) -> Response:
        body = read(request, requests.BulkContacts)
        items = body.items()
        _may_send(self.sender, items)
        saved = services.save_contacts(
            self.sender, items, ignore_foreign_numbers=body.ignore_foreign_numbers
        )
        return Response(responses.contacts(saved), status=201)


def _may_send(sender: Sender, items: Sequence[ContactDraft | Invalid]) -> None:
    """Require the scope `send` if a contact is to get an SMS; raise ApiError."""
    if any(isinstance(item, ContactDraft) and item.sms is not None for item in items):
        require(sender.scopes, Scope.SEND)


class GroupViewSet(NativeViewSet):
    """Named lists of contacts."""

    needs: ClassVar = {"create": Scope.CONTACTS, "bulk": Scope.CONTACTS}

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
