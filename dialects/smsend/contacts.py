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
from dialects.base import given
from dialects.smsend import words
from dialects.smsend.orders import VendorViewSet
from dialects.smsend.shapes import Body, Id, Number, Page, asked
from http_api.shapes import Boolean, Identifier, problem, validated
from licenses.auth import Sender, sender_of

Name = Annotated[Identifier, Field(min_length=1, max_length=255)]
HalfName = Annotated[Identifier, Field(max_length=127)]


class NewContact(Body):
    """What else the vendor knows of a person (address, birthday, email, …) is not kept."""

    phone_number: Number | None = None
    name: HalfName = ""
    surname: HalfName = ""
    group_ids: Annotated[list[Id], Field(max_length=200)] = []

    @model_validator(mode="after")
    def _has_a_phone(self) -> Self:
        if self.phone_number is None:
            raise problem("give its phoneNumber: contacts here are people who can be sent an SMS")
        return self

    def entry(self) -> Entry:
        assert self.phone_number is not None
        name = f"{self.name} {self.surname}".strip()
        return Entry(self.phone_number, name or None, tuple(self.group_ids))


class NewContacts(Body):
    contacts: Annotated[list[NewContact], Field(min_length=1, max_length=words.MAX_RECIPIENTS)]
    keep_existing_groups_and_campaigns: Boolean = False


class NewGroup(Body):
    name: Name


class PhoneNumber(Body):
    phone_number: Number


class DeleteQuery(Body):
    with_contacts: Annotated[Boolean, Field(alias="deletecontacts")] = False


class GroupPage(Page):
    default_size: ClassVar[int] = words.PAGE_OF_GROUPS


class ContactViewSet(VendorViewSet):
    def create(self, request: Request) -> Response:
        """One, or with `contacts` several: then all are saved, or none."""
        sender = sender_of(request)

        def work() -> Response:
            if "contacts" in request.data:
                bulk = validated(NewContacts, request.data, sender=sender)
                entries = [contact.entry() for contact in bulk.contacts]
                keep = bulk.keep_existing_groups_and_campaigns
                return Response(len(address_book.save(sender, entries, keep_groups=keep)))
            entry = validated(NewContact, request.data, sender=sender).entry()
            [saved] = address_book.save(sender, [entry], keep_groups=True)
            return _empty(request, f"contact/{saved.pk}", status=201)

        return self.write(request, sender.scope, work)

    def list(self, request: Request) -> Response:
        rows = selectors.contacts(sender_of(request).account_id).order_by("pk")
        return Response(asked(request, Page).of(rows, "contacts", _contact))

    def retrieve(self, request: Request, contact_id: str) -> Response:
        found = selectors.contact(sender_of(request).account_id, int(contact_id))
        return Response(_contact(found))

    def fields(self, request: Request) -> Response:
        """The account's own fields: there are none."""
        return Response([])


class GroupViewSet(VendorViewSet):
    def create(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            name = validated(NewGroup, request.data).name
            return _empty(request, f"group/{services.create_group(sender, name).pk}", status=201)

        return self.write(request, sender.scope, work)

    def list(self, request: Request) -> Response:
        rows = selectors.groups(sender_of(request).account_id).order_by("pk")
        return Response(asked(request, GroupPage).of(rows, "groups", _group))

    def update(self, request: Request, group_id: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            name = validated(NewGroup, request.data).name
            address_book.rename_group(sender.account_id, int(group_id), name)
            return _empty(request, f"group/{group_id}")

        return self.write(request, sender.scope, work)

    def destroy(self, request: Request, group_id: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            with_contacts = asked(request, DeleteQuery).with_contacts
            address_book.delete_group(sender.account_id, int(group_id), with_contacts=with_contacts)
            return _empty(request)

        return self.write(request, sender.scope, work)

    def add(self, request: Request, group_id: str, contact_id: str = "") -> Response:
        sender = sender_of(request)

        def work() -> Response:
            mine = _contact_id(sender, contact_id or given(request).get("phoneNumber"))
            address_book.add_to_group(sender.account_id, int(group_id), mine)
            return _empty(request, f"contact/{mine}")

        return self.write(request, sender.scope, work)

    def remove(self, request: Request, group_id: str, contact_id: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            mine = _contact_id(sender, contact_id)
            address_book.remove_from_group(sender.account_id, int(group_id), mine)
            return _empty(request, f"contact/{mine}")

        return self.write(request, sender.scope, work)


def _contact_id(sender: Sender, named: Any) -> int:
    """It is documented as an id, and one client gives the phone; what could be both is an id."""
    if isinstance(named, str) and re.fullmatch(r"[1-9][0-9]{0,17}", named):
        return int(named)
    phone = validated(PhoneNumber, {"phoneNumber": named}, sender=sender).phone_number
    return selectors.contact_by_phone(sender.account_id, phone).pk


def _empty(request: Request, location: str = "", *, status: int = 200) -> Response:
    """The vendor's empty answer, as JSON: one client parses every body."""
    mount = next(mount for mount in words.DIALECT.mounts if request.path.startswith(mount))
    return Response("", status=status, headers={"Location": mount + location} if location else None)


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
