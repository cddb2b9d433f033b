"""The vendor's blacklist is our list of opt-outs."""

from __future__ import annotations

from typing import Annotated, Any

from django.db.models import QuerySet
from pydantic import BeforeValidator, Field
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import selectors as contacts
from dialects.params import Params, params, read
from dialects.smsend import words
from dialects.smsend.base import VendorViewSet, page_of
from dialects.smsend.dates import shown
from dialects.smsend.requests import Body, Period, PhoneNumber
from dialects.smsend.selectors import within
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.idempotency import idempotent
from http_api.pagination import first
from http_api.parsing import Decoded, ListParser
from http_api.reading import read_fields
from http_api.shapes import Id, Identifier
from licenses.scopes import Scope
from licenses.sender import Sender
from messaging import selectors
from messaging.fields import OptedOutPhone, Phone
from messaging.models import OptOut
from messaging.services import opt_outs


class Numbers(Body):
    """Documented is a bare list; one client wraps it."""

    phone_numbers: Annotated[list[Phone], Field(min_length=1, max_length=words.MAX_RECIPIENTS)]


class Blacklisted(Body):
    """Path of `DELETE blacklist/sms/{phoneNumber}`."""

    phone_number: OptedOutPhone


class ContactIds(Body):
    contact_ids: Annotated[list[Id], Field(min_length=1, max_length=words.MAX_RECIPIENTS)]


def _part_of_phone(value: object) -> object:
    return value.as_phone() if isinstance(value, Decoded) else value


class BlacklistQuery(Period):
    number: Annotated[Identifier, Field(max_length=32), BeforeValidator(_part_of_phone)] = ""
    origins: str = ""


class BlacklistViewSet(VendorViewSet):
    needs = {
        **dict.fromkeys(
            ("list", "add", "add_several", "add_contact", "add_contacts"), Scope.CONTACTS
        ),
        "remove": Scope.MANAGE,
    }
    parser_classes = [ListParser]

    def list(self, request: Request) -> Response:
        sender, wanted = self.sender, read(request, BlacklistQuery)
        zone = wanted.zone or sender.zone
        rows = within(wanted, selectors.opt_outs(sender.account_id))
        if wanted.number or wanted.origins:
            rows = _found(rows, wanted)

        def entry(row: OptOut) -> dict[str, Any]:
            return {
                "phoneNumber": row.phone,
                "addedDate": shown(row.created_at, zone),
                "origin": words.ORIGINS[row.source],
            }

        return page_of(wanted, rows, "blacklist", entry)

    @idempotent
    def add(self, request: Request) -> Response:
        """`phoneNumber` in the query string, or, as one client has it, `phoneNumbers` in the body."""
        if "phoneNumbers" in params(request):
            return _opted_out(self.sender, _numbers(request))
        phone = read(request, PhoneNumber).phone_number
        opt_outs.opt_out(self.sender.account_id, phone, opt_outs.Source.API)
        return Response(True)

    @idempotent
    def add_several(self, request: Request) -> Response:
        return _opted_out(self.sender, _numbers(request))

    @idempotent
    def add_contact(self, request: Request, contact_id: str) -> Response:
        contact = contacts.contact(self.sender.account_id, int(contact_id))
        opt_outs.opt_out(self.sender.account_id, contact.phone, opt_outs.Source.API)
        return Response(True)

    @idempotent
    def add_contacts(self, request: Request) -> Response:
        body = read_fields(request, _unwrapped(request, "contactIds"), ContactIds)
        return _opted_out(self.sender, _phones_of(self.sender, set(body.contact_ids)))

    @idempotent
    def remove(self, request: Request, phone: str) -> Response:
        named = read_fields(request, {"phoneNumber": Decoded(phone)}, Blacklisted)
        if not opt_outs.opt_in(self.sender.account_id, named.phone_number):
            raise ApiError(ErrorCode.NOT_FOUND, "This number is not on the blacklist.")
        return Response(True)


def _found(rows: QuerySet[OptOut], wanted: BlacklistQuery) -> QuerySet[OptOut]:
    """Return those of the newest, and always the one whose whole number was asked for."""
    found = first(rows)
    if wanted.number:
        whole = rows.filter(phone__in=[wanted.number, f"+{wanted.number}"])
        found = found.filter(phone__contains=wanted.number)
        ids = {*whole.values_list("pk", flat=True), *found.values_list("pk", flat=True)}
        found = rows.filter(pk__in=ids)
    if wanted.origins:
        asked_for = set(wanted.origins.split(","))
        sources = [ours for ours, theirs in words.ORIGINS.items() if theirs in asked_for]
        found = found.filter(source__in=sources)
    return found


def _opted_out(sender: Sender, phones: list[str]) -> Response:
    return Response(opt_outs.opt_out_all(sender.account_id, phones, opt_outs.Source.API))


def _numbers(request: Request) -> list[str]:
    """One bad number spoils all of them."""
    return read_fields(request, _unwrapped(request, "phoneNumbers"), Numbers).phone_numbers


def _unwrapped(request: Request, name: str) -> Params:
    given = params(request)
    return {name: given.get("items", given.get(name))}


def _phones_of(sender: Sender, contact_ids: set[int]) -> list[str]:
    found = contacts.contacts(sender.account_id).filter(pk__in=contact_ids)
    phones = list(found.values_list("phone", flat=True))
    if missing := len(contact_ids) - len(phones):
        raise ApiError.of_field("contactIds", f"{missing} of these contacts do not exist")
    return phones
