"""Make the bodies of events: the same at each try, and in the feed.

`data` is what the read route shows of it. Of a message it is put together from its row, for the number
and the text, and from what the event kept of the rest; once they are erased there, they are here too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from typing_extensions import TypedDict

from http_api.answers import Date, RowId, UtcTime
from http_api.times import utc
from messaging import responses
from messaging.models import InboundMessage, Message, OptOut
from messaging.states import MessageState
from outbox.models import Event
from outbox.types import EventType

VERSION = 1


class LimitReached(TypedDict):
    """`data` of `limit.reached`."""

    day: Date  # in the account's time zone
    max_daily_sms: int


class WebhookTested(TypedDict):
    """`data` of `webhook.test`."""

    endpoint: RowId


class EventBody(TypedDict):
    """The body of a webhook, and an entry of the feed."""

    id: RowId  # rising; what `after` of the feed takes
    type: EventType
    version: int
    created_at: UtcTime
    data: Mapping[str, Any] | None  # None: it was deleted since, as a received SMS is by retention


def bodies(account_id: int, events: Sequence[Event]) -> list[EventBody]:
    """Return the bodies of these published events of one account, in a number of queries that does not
    depend on how many there are."""
    messages = Message.objects.filter(
        account_id=account_id, pk__in={e.message_id for e in events if e.message_id}
    ).in_bulk()
    inbound = InboundMessage.objects.filter(
        account_id=account_id, pk__in={e.inbound_id for e in events if e.inbound_id}
    ).in_bulk()
    return [_body(event, messages, inbound) for event in events]


def _body(
    event: Event, messages: Mapping[int, Message], inbound: Mapping[int, InboundMessage]
) -> EventBody:
    return {
        "id": event.number or 0,
        "type": EventType(event.type),
        "version": VERSION,
        "created_at": utc(event.at),
        "data": _data(event, messages, inbound),
    }


def _data(
    event: Event, messages: Mapping[int, Message], inbound: Mapping[int, InboundMessage]
) -> Mapping[str, Any] | None:
    if event.message_id is not None:
        message = messages.get(event.message_id)
        return None if message is None else responses.message(_as_it_was(message, event.data))
    if event.inbound_id is not None:
        received = inbound.get(event.inbound_id)
        return None if received is None else responses.inbound(received)
    if event.type in {EventType.OPT_OUT_CREATED, EventType.OPT_OUT_REMOVED}:
        created_at = dt.datetime.fromisoformat(event.data["created_at"])
        return responses.opt_out(OptOut(**event.data | {"created_at": created_at}))
    return dict(event.data)


def _as_it_was(message: Message, kept: Mapping[str, Any]) -> Message:
    """Return the message as it was when the event happened; what was not kept was as it is accepted."""
    then = copy(message)
    then.status = kept.get("status", MessageState.PENDING.value)
    then.failure_reason = kept.get("failure_reason", "")
    then.cancel_requested = kept.get("cancel_requested", False)
    then.parts = kept.get("parts", message.parts)
    then.sent_at, then.delivered_at = (
        dt.datetime.fromisoformat(value) if (value := kept.get(name)) else None
        for name in ("sent_at", "delivered_at")
    )
    return then
