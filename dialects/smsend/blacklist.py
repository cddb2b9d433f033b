"""The vendor's blacklist is our list of opt-outs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import selectors as contacts
from dialects.base import given
from dialects.smsend import words
from dialects.smsend.contacts import PhoneNumber
from dialects.smsend.dates import shown
from dialects.smsend.orders import VendorViewSet
from dialects.smsend.shapes import Body, Id, Number, Period, asked
from http_api.errors import Refusal
from http_api.parsing import ListParser
from http_api.shapes import Identifier, validated
from licenses.auth import Sender, sender_of
from messaging import selectors
from messaging.models import OptOut
from messaging.services import opt_outs


class Numbers(Body):
    """Documented is a bare list; one client wraps it."""

    phone_numbers: Annotated[list[Number], Field(min_length=1, max_length=words.MAX_RECIPIENTS)]


class ContactIds(Body):
    contact_ids: Annotated[list[Id], Field(min_length=1, max_length=words.MAX_RECIPIENTS)]


class BlacklistQuery(Period):
    number: Annotated[Identifier, Field(max_length=32)] = ""
    origins: str = ""


class BlacklistViewSet(VendorViewSet):
    parser_classes = [ListParser]

    def list(self, request: Request) -> Response:
        sender, wanted = sender_of(request), asked(request, BlacklistQuery)
        zone = wanted.zone or sender.zone
        rows = selectors.opt_outs(sender.account_id).filter(phone__contains=wanted.number)
        if wanted.origins:
            asked_for = set(wanted.origins.split(","))
            rows = rows.filter(
                source__in=[ours for ours, theirs in words.ORIGINS.items() if theirs in asked_for]
            )

        def entry(row: OptOut) -> dict[str, Any]:
            return {
                "phoneNumber": row.phone,
                "addedDate": shown(row.created_at, zone),
                "origin": words.ORIGINS[row.source],
            }

        rows = wanted.within(rows, "created_at").order_by("-pk")
        return Response(wanted.of(rows, "blacklist", entry))

    def add(self, request: Request) -> Response:
        """`phoneNumber` in the query string, or, as one client has it, `phoneNumbers` in the body."""
        sender = sender_of(request)

        def work() -> Response:
            if "phoneNumbers" in request.data:
                return _opted_out(sender, _numbers(request, sender))
            phone = asked(request, PhoneNumber).phone_number
            opt_outs.opt_out(sender.account_id, phone, opt_outs.Source.API)
            return Response(True)

        return self.write(request, sender.scope, work)

    def add_several(self, request: Request) -> Response:
        sender = sender_of(request)
        return self.write(
            request, sender.scope, lambda: _opted_out(sender, _numbers(request, sender))
        )

    def add_contact(self, request: Request, contact_id: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            contact = contacts.contact(sender.account_id, int(contact_id))
            opt_outs.opt_out(sender.account_id, contact.phone, opt_outs.Source.API)
            return Response(True)

        return self.write(request, sender.scope, work)

    def add_contacts(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            body = validated(ContactIds, _unwrapped(request, "contactIds"))
            return _opted_out(sender, _phones_of(sender, set(body.contact_ids)))

        return self.write(request, sender.scope, work)

    def remove(self, request: Request, phone: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            number = validated(PhoneNumber, {"phoneNumber": phone}, sender=sender).phone_number
            if not opt_outs.opt_in(sender.account_id, number):
                raise Refusal("not_found", "This number is not on the blacklist.")
            return Response(True)

        return self.write(request, sender.scope, work)


def _opted_out(sender: Sender, phones: list[str]) -> Response:
    return Response(opt_outs.opt_out_all(sender.account_id, phones, opt_outs.Source.API))


def _numbers(request: Request, sender: Sender) -> list[str]:
    """One bad number spoils all of them."""
    return validated(Numbers, _unwrapped(request, "phoneNumbers"), sender=sender).phone_numbers


def _unwrapped(request: Request, name: str) -> dict[str, Any]:
    body = given(request)
    return {name: body.get("items", body.get(name))}


def _phones_of(sender: Sender, contact_ids: set[int]) -> list[str]:
    found = contacts.contacts(sender.account_id).filter(pk__in=contact_ids)
    phones = list(found.values_list("phone", flat=True))
    if missing := len(contact_ids) - len(phones):
        raise Refusal.of_field("contactIds", f"{missing} of these contacts do not exist")
    return phones
