"""The address book: contacts and the groups that orders go to."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import address_book, selectors, services
from contacts.address_book import Entry
from contacts.models import Contact, ContactGroup
from dialects.params import params, read
from dialects.smsend import words
from dialects.smsend.base import VendorViewSet, page_of
from dialects.smsend.requests import Body, Page, PhoneNumber
from http_api.idempotency import idempotent
from http_api.parsing import Decoded
from http_api.shapes import Boolean, Id, Identifier, problem, validated
from licenses.scopes import Scope
from licenses.sender import Sender
from messaging.fields import Phone

Name = Annotated[Identifier, Field(min_length=1, max_length=255)]
HalfName = Annotated[Identifier, Field(max_length=127)]


class NewContact(Body):
    """A person. Address, birthday, email and what else the vendor knows is not kept."""

    phone_number: Phone | None = None
    name: HalfName = ""
    surname: HalfName = ""
    group_ids: Annotated[list[Id], Field(max_length=200)] = []

    @model_validator(mode="after")
    def _has_a_phone(self) -> Self:
        if self.phone_number is None:
            raise problem("give its phoneNumber: contacts here are people who can be sent an SMS")
        return self

    def entry(self) -> Entry:
        name = f"{self.name} {self.surname}".strip()
        return Entry(self.phone_number or "", name or None, tuple(self.group_ids))


class NewContacts(Body):
    contacts: Annotated[list[NewContact], Field(min_length=1, max_length=words.MAX_RECIPIENTS)]
    keep_existing_groups_and_campaigns: Boolean = False


class NewGroup(Body):
    name: Name


class DeleteQuery(Body):
    with_contacts: Annotated[Boolean, Field(alias="deletecontacts")] = False


class GroupPage(Page):
    default_size: ClassVar[int] = words.PAGE_OF_GROUPS


class ContactViewSet(VendorViewSet):
    needs = dict.fromkeys(("create", "list", "retrieve", "fields"), Scope.CONTACTS)

    @idempotent
    def create(self, request: Request) -> Response:
        """One, or with `contacts` several: then all are saved, or none."""
        if "contacts" in params(request):
            bulk = read(request, NewContacts)
            entries = [contact.entry() for contact in bulk.contacts]
            keep = bulk.keep_existing_groups_and_campaigns
            return Response(len(address_book.save(self.sender, entries, keep_groups=keep)))
        entry = read(request, NewContact).entry()
        [saved] = address_book.save(self.sender, [entry], keep_groups=True)
        return self.empty(f"contact/{saved.pk}", status=201)

    def list(self, request: Request) -> Response:
        rows = selectors.contacts(self.sender.account_id).order_by("pk")
        return page_of(read(request, Page), rows, "contacts", _contact)

    def retrieve(self, request: Request, contact_id: str) -> Response:
        found = selectors.contact(self.sender.account_id, int(contact_id))
        return Response(_contact(found))

    def fields(self, request: Request) -> Response:
        """Answer the account's custom fields: always none."""
        return Response([])


class GroupViewSet(VendorViewSet):
    needs = dict.fromkeys(("create", "list", "update", "destroy", "add", "remove"), Scope.CONTACTS)

    @idempotent
    def create(self, request: Request) -> Response:
        name = read(request, NewGroup).name
        return self.empty(f"group/{services.create_group(self.sender, name).pk}", status=201)

    def list(self, request: Request) -> Response:
        rows = selectors.groups(self.sender.account_id).order_by("pk")
        return page_of(read(request, GroupPage), rows, "groups", _group)

    @idempotent
    def update(self, request: Request, group_id: str) -> Response:
        name = read(request, NewGroup).name
        address_book.rename_group(self.sender.account_id, int(group_id), name)
        return self.empty(f"group/{group_id}")

    @idempotent
    def destroy(self, request: Request, group_id: str) -> Response:
        with_contacts = read(request, DeleteQuery).with_contacts
        address_book.delete_group(
            self.sender.account_id, int(group_id), with_contacts=with_contacts
        )
        return self.empty()

    @idempotent
    def add(self, request: Request, group_id: str, contact_id: str = "") -> Response:
        if contact_id:
            mine = _contact_id(self.sender, Decoded(contact_id))
        else:
            mine = _contact_by_phone(self.sender, params(request).get("phoneNumber"))
        address_book.add_to_group(self.sender.account_id, int(group_id), mine)
        return self.empty(f"contact/{mine}")

    @idempotent
    def remove(self, request: Request, group_id: str, contact_id: str) -> Response:
        mine = _contact_id(self.sender, Decoded(contact_id))
        address_book.remove_from_group(self.sender.account_id, int(group_id), mine)
        return self.empty(f"contact/{mine}")


def _contact_id(sender: Sender, named: Decoded) -> int:
    """It is documented as an id, and one client gives the phone; what could be both is an id."""
    if re.fullmatch(r"[1-9][0-9]{0,17}", named):
        return int(named)
    return _contact_by_phone(sender, named)


def _contact_by_phone(sender: Sender, named: Any) -> int:
    phone = validated(PhoneNumber, {"phoneNumber": named}, sender=sender).phone_number
    return selectors.contact_by_phone(sender.account_id, phone).pk


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.pk,
        "phoneNumber": contact.phone,
        "email": "",
        "name": contact.name,
        "surname": "",
        "groupIds": [group.pk for group in contact.groups.all()],
    }


def _group(group: ContactGroup) -> dict[str, Any]:
    return {"id": group.pk, "name": group.name, "description": ""}
