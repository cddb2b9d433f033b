"""SMS that the account's phones received. The vendor names a SIM by its number, which Android does not
tell: here it is named by the id of its phone (`devices` of `/api/me/`)."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, cast

import redis
from django.db.models import QuerySet
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from dialects.params import read
from dialects.smsend import words
from dialects.smsend.base import VendorViewSet, page_of
from dialects.smsend.dates import When, shown
from dialects.smsend.requests import Body, Period
from dialects.smsend.selectors import within
from http_api.errors import ApiError
from http_api.pagination import first_rows
from http_api.redis import with_redis
from http_api.shapes import Integer
from licenses.scopes import Scope
from licenses.sender import Sender
from messaging import selectors
from messaging.models import InboundMessage

_MAX_PHONES = 20

# Expiry of the read mark after its last use; without it all stored messages are answered again.
_MARK_KEPT = dt.timedelta(days=400)


class Limit(Body):
    limit: Annotated[Integer, Field(ge=1, le=words.MAX_INBOUND)] = words.MAX_INBOUND


class InboundHistory(Period):
    # No page may end early: its number says where the next one begins.
    page_size: Annotated[Integer, Field(ge=1, le=words.MAX_INBOUND)] | None = None
    start: Annotated[When, Field(alias="from")]


class InboundViewSet(VendorViewSet):
    needs = dict.fromkeys(("new", "list", "after"), Scope.INBOX)

    def new(self, request: Request, sim: str = "") -> Response:
        """Return what came since this was last asked; all of it where it never was."""
        sender, limit = self.sender, read(request, Limit).limit
        received = _received(sender, sim)
        key = f"smsend:inbox:{sender.license_id}:{','.join(map(str, _phones(sim)))}"
        rows, _ = first_rows(received.filter(pk__gt=_mark(key)).order_by("pk"), limit, "text")
        if rows and request.method == "GET":  # a HEAD is shown none of them
            _set_mark(key, rows[-1].pk)
        return Response([_message(row, sender.zone) for row in rows])

    def list(self, request: Request, sim: str = "") -> Response:
        sender, wanted = self.sender, read(request, InboundHistory)
        zone = wanted.zone or sender.zone
        rows = within(wanted, _received(sender, sim))
        return page_of(wanted, rows, "messages", lambda row: _message(row, zone))

    def after(self, request: Request, sim: str, message_id: str) -> Response:
        sender, limit = self.sender, read(request, Limit).limit
        since = _received(sender, sim).filter(pk__gt=int(message_id)).order_by("pk")
        rows, _ = first_rows(since, limit, "text")
        return Response([_message(row, sender.zone) for row in rows])


def _received(sender: Sender, sim: str) -> QuerySet[InboundMessage]:
    rows = selectors.inbox(sender.account_id)
    if not sim:
        return rows
    return rows.filter(device__in=_phones(sim))


def _phones(sim: str) -> list[int]:
    """Parse distinct phone ids, sorted: another spelling is no other key. Raise ApiError `invalid`."""
    phones = sim.split(",") if sim else []
    if not all(phone.isascii() and phone.isdigit() and len(phone) < 10 for phone in phones):
        raise ApiError.of_field(
            "id_sim", "phones do not tell their SIM's number: give the phone's id, or leave it out"
        )
    if len(phones) > _MAX_PHONES:
        raise ApiError.of_field("id_sim", f"may name at most {_MAX_PHONES} phones")
    return sorted(set(map(int, phones)))


def _mark(key: str) -> int:
    """Return the id of the newest message already answered; 0, so all come again, if Redis lost it."""

    def read(connection: redis.Redis) -> int:
        return int(cast(bytes | None, connection.getex(key, ex=_MARK_KEPT)) or 0)

    return with_redis(read, otherwise=0, purpose="received messages are answered again")


def _set_mark(key: str, newest: int) -> None:
    def write(connection: redis.Redis) -> None:
        connection.set(key, newest, ex=_MARK_KEPT)

    with_redis(write, otherwise=None, purpose="received messages are answered again")


def _message(row: InboundMessage, zone: Any) -> dict[str, Any]:
    """Format a received message; the vendor's fields are in no public document. (guess)"""
    return {
        "id": row.pk,
        "phoneNumber": row.sender,
        "sender": row.sender,
        "text": row.text,
        "receivedDate": shown(row.came_at, zone),
        "sim": str(row.device_id),
    }
