"""What the message routes answer. The types make the OpenAPI schema, and mypy holds the code to them."""

from __future__ import annotations

import datetime as dt
from typing import Any, NotRequired

from typing_extensions import TypedDict

from messaging.models import InboundMessage, Message, OptOut, StateChange
from messaging.services.accept import Batch, Skip
from messaging.states import WAITING, MessageState


class Accepted(TypedDict):
    """The answer to a single message: the documented keys and no others."""

    id: int
    external_id: str | None
    phone: str
    message: str
    status: str
    send_after: str | None  # as the client wrote it, or the next opening of the sending hours
    created_at: str


class Skipped(TypedDict):
    index: int
    reason: str
    external_id: str | None
    errors: NotRequired[dict[str, Any]]


class BatchAnswer(TypedDict):
    created_count: int
    skipped_count: int
    skipped: list[Skipped]


class MessageRead(Accepted):
    """A message on our own read routes: the documented keys and what became of it."""

    send_before: str | None
    priority: int
    parts: int
    encoding: str
    sent_at: str | None
    delivered_at: str | None
    failure_reason: str | None
    cancel_requested: bool


# `from` is a word of Python.
Change = TypedDict("Change", {"from": str, "to": str, "at": str, "cause": str})


class MessageWithTimeline(MessageRead):
    timeline: list[Change]


class InboundRead(TypedDict):
    id: int
    sender: str
    text: str
    device_id: int
    sim: int | None
    received_at: str


class OptOutRead(TypedDict):
    phone: str
    source: str
    created_at: str


class MessagePage(TypedDict):
    next: str | None
    results: list[MessageRead]


class InboxPage(TypedDict):
    next: str | None
    results: list[InboundRead]


class OptOutPage(TypedDict):
    next: str | None
    results: list[OptOutRead]


def utc(moment: dt.datetime) -> str:
    """`2026-04-09T14:32:00Z`."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _utc_or_none(moment: dt.datetime | None) -> str | None:
    return None if moment is None else utc(moment)


def _shown_status(status: str) -> str:
    """`scheduled` and `pending` both show as `pending`."""
    return MessageState.PENDING.value if status in WAITING else str(status)


def accepted(message: Message) -> Accepted:
    return {
        "id": message.pk,
        "external_id": message.external_id,
        "phone": message.phone,
        "message": message.text,
        "status": _shown_status(message.status),
        "send_after": message.send_after_given or None,
        "created_at": utc(message.created_at),
    }


def batch(batch: Batch) -> BatchAnswer:
    return {
        "created_count": len(batch.created),
        "skipped_count": len(batch.skipped),
        "skipped": [_skipped(skip) for skip in batch.skipped],
    }


def _skipped(skip: Skip) -> Skipped:
    shown: Skipped = {
        "index": skip.index,
        "reason": skip.reason,
        "external_id": skip.external_id,
    }
    if skip.errors:
        shown["errors"] = skip.errors
    return shown


def message(message: Message) -> MessageRead:
    return {
        **accepted(message),
        "send_before": _utc_or_none(message.send_before),
        "priority": message.priority,
        "parts": message.parts,
        "encoding": message.encoding,
        "sent_at": _utc_or_none(message.sent_at),
        "delivered_at": _utc_or_none(message.delivered_at),
        "failure_reason": message.failure_reason or None,
        "cancel_requested": message.cancel_requested,
    }


def message_with_timeline(row: Message, changes: list[StateChange]) -> MessageWithTimeline:
    timeline: list[Change] = [
        {
            "from": change.from_state,
            "to": change.to_state,
            "at": utc(change.at),
            "cause": change.cause,
        }
        for change in changes
    ]
    return {**message(row), "timeline": timeline}


def inbound(message: InboundMessage) -> InboundRead:
    return {
        "id": message.pk,
        "sender": message.sender,
        "text": message.text,
        "device_id": message.device_id,
        "sim": message.sim,
        "received_at": utc(message.received_at),
    }


def opt_out(row: OptOut) -> OptOutRead:
    return {"phone": row.phone, "source": row.source, "created_at": utc(row.created_at)}
