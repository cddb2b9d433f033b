"""SMS that the account's phones received. The vendor names a SIM by its number, which Android does not
tell: here it is named by the id of its phone (`devices` of `/api/me/`)."""

from __future__ import annotations

from typing import Annotated, Any, cast

import redis
from django.db.models import QuerySet
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from dialects.smsend import words
from dialects.smsend.dates import When, shown
from dialects.smsend.orders import VendorViewSet
from dialects.smsend.shapes import Body, Period, asked
from http_api.errors import Refusal
from http_api.redis import attempt
from http_api.shapes import Integer
from licenses.auth import Sender, sender_of
from messaging import selectors
from messaging.models import InboundMessage


class Limit(Body):
    limit: Annotated[Integer, Field(ge=1, le=words.MAX_INBOUND)] = words.MAX_INBOUND


class InboundHistory(Period):
    start: Annotated[When, Field(alias="from")]


class InboundViewSet(VendorViewSet):
    def new(self, request: Request, sim: str = "") -> Response:
        """What came since this was last asked; all of it where it never was."""
        sender, limit = sender_of(request), asked(request, Limit).limit
        key = f"smsend:inbox:{sender.license_id}:{sim}"
        rows = list(_received(sender, sim).filter(pk__gt=_mark(key)).order_by("pk")[:limit])
        if rows and request.method == "GET":  # a HEAD is shown none of them
            _set_mark(key, rows[-1].pk)
        return Response([_message(row, sender.zone) for row in rows])

    def list(self, request: Request, sim: str = "") -> Response:
        sender, wanted = sender_of(request), asked(request, InboundHistory)
        zone = wanted.zone or sender.zone
        rows = wanted.within(_received(sender, sim), "received_at").order_by("-pk")
        return Response(wanted.of(rows, "messages", lambda row: _message(row, zone)))

    def after(self, request: Request, sim: str, message_id: str) -> Response:
        sender, limit = sender_of(request), asked(request, Limit).limit
        rows = _received(sender, sim).filter(pk__gt=int(message_id)).order_by("pk")[:limit]
        return Response([_message(row, sender.zone) for row in rows])


def _received(sender: Sender, sim: str) -> QuerySet[InboundMessage]:
    rows = selectors.inbox(sender.account_id)
    if not sim:
        return rows
    phones = sim.split(",")
    if not all(phone.isascii() and phone.isdigit() and len(phone) < 10 for phone in phones):
        raise Refusal.of_field(
            "id_sim", "phones do not tell their SIM's number: give the phone's id, or leave it out"
        )
    return rows.filter(device__in=map(int, phones))


def _mark(key: str) -> int:
    """The newest that was answered. Where Redis has lost it, what was answered comes again."""

    def read(connection: redis.Redis) -> int:
        return int(cast(bytes | None, connection.get(key)) or 0)

    return attempt(read, otherwise=0, purpose="received messages are answered again")


def _set_mark(key: str, newest: int) -> None:
    def write(connection: redis.Redis) -> None:
        connection.set(key, newest)

    attempt(write, otherwise=None, purpose="received messages are answered again")


def _message(row: InboundMessage, zone: Any) -> dict[str, Any]:
    """The vendor's fields are in no public document. (guess)"""
    return {
        "id": row.pk,
        "phoneNumber": row.sender,
        "sender": row.sender,
        "text": row.text,
        "receivedDate": shown(row.received_at, zone),
        "sim": str(row.device_id),
    }
