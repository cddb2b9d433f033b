"""Responses of the message routes. The types make the OpenAPI schema; mypy holds the code to them."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from http_api.answers import RowId, UtcTime
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.times import utc, utc_or_none
from messaging import segments, selectors
from messaging.drafts import Draft
from messaging.models import Encoding, InboundMessage, Message, OptOut, StateChange, Thread
from messaging.rules import SkipReason
from messaging.services.accept import AcceptResult, Preview, Skip
from messaging.states import WAITING, MessageState
from messaging.threads import Line


class Accepted(TypedDict):
    """The answer to a single message: the documented keys and no others."""

    id: RowId
    external_id: str | None
    phone: str
    message: str
    status: MessageState
    send_after: str | None  # as the client wrote it, or the next opening of the sending hours
    created_at: UtcTime


class SkippedMessage(TypedDict):
    index: int
    reason: SkipReason
    external_id: str | None
    errors: NotRequired[dict[str, Any]]


class BatchAnswer(TypedDict):
    created_count: int
    skipped_count: int
    skipped: list[SkippedMessage]


class Refusal(TypedDict):
    message: str
    code: ErrorCode
    errors: dict[str, Any]


class MessagePreview(TypedDict):
    """The outcome of a send that is not made."""

    phone: str  # in E.164
    encoding: Encoding
    parts: int
    forces_unicode: list[str]  # the characters for which it is `ucs2`, each once
    starts_at: (
        UtcTime | None
    )  # the earliest moment at which a phone may send it; None where refused
    opted_out: bool
    remaining_today: int | None  # before it; None: no limit
    would_be_accepted: bool
    refusal: Refusal | None  # the body of the error


class MessageRead(Accepted):
    """A message on our own read routes: the documented keys and what became of it."""

    send_before: str | None
    priority: int
    parts: int
    encoding: Encoding
    sent_at: UtcTime | None
    delivered_at: UtcTime | None
    failure_reason: str | None
    cancel_requested: bool


# `from` is a word of Python.
TimelineEntry = TypedDict("TimelineEntry", {"from": str, "to": str, "at": UtcTime, "cause": str})


class MessageWithTimeline(MessageRead):
    timeline: list[TimelineEntry]
    details_ended: bool  # the timeline was deleted, long after the end


class InboundRead(TypedDict):
    id: RowId
    sender: str
    text: str
    device_id: RowId
    sim: int | None
    sent_at: UtcTime | None  # when the network's centre took it in, where the phone knows
    arrived_at: UtcTime | None  # when it reached the phone, by the phone's clock
    received_at: UtcTime  # when the phone told the server


class ThreadRead(TypedDict):
    id: RowId
    phone: str  # a number, or a sender's name, which cannot be answered
    last_at: UtcTime  # when they were last heard, or written to by hand
    unread: int
    archived: bool
    assignee: str | None  # the log-in name of who sees to it


class ThreadPage(TypedDict):
    next: str | None
    results: list[ThreadRead]


class LineRead(TypedDict):
    """Something that was said: a message of yours, or a received SMS."""

    at: UtcTime
    message: MessageRead | None
    sms: InboundRead | None


class TalkPage(TypedDict):
    next: str | None  # what is older
    results: list[LineRead]


class OptOutRead(TypedDict):
    phone: str
    source: OptOut.Source
    created_at: UtcTime


class MessagePage(TypedDict):
    next: str | None
    results: list[MessageRead]


class InboxPage(TypedDict):
    next: str | None
    results: list[InboundRead]


class OptOutPage(TypedDict):
    next: str | None
    results: list[OptOutRead]


def _shown_status(status: str) -> MessageState:
    """`scheduled` and `pending` both show as `pending`."""
    return MessageState.PENDING if status in WAITING else MessageState(status)


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


def preview(draft: Draft, judged: Preview, remaining: int | None) -> MessagePreview:
    segmentation, refusal = segments.segment(draft.text), judged.refusal
    return {
        "phone": draft.phone,
        "encoding": Encoding(segmentation.encoding),
        "parts": segmentation.parts,
        "forces_unicode": segments.beyond_gsm7(draft.text),
        "starts_at": utc(judged.message.due_at) if judged.message else None,
        "opted_out": judged.is_opted_out,
        "remaining_today": remaining,
        "would_be_accepted": refusal is None,
        "refusal": None if refusal is None else _refusal(refusal),
    }


def _refusal(error: ApiError) -> Refusal:
    return {"message": error.message, "code": error.code, "errors": error.errors}


def batch(result: AcceptResult) -> BatchAnswer:
    return {
        "created_count": len(result.created),
        "skipped_count": len(result.skipped),
        "skipped": [_skipped(skip) for skip in result.skipped],
    }


def _skipped(skip: Skip) -> SkippedMessage:
    shown: SkippedMessage = {
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
        "send_before": utc_or_none(message.send_before),
        "priority": message.priority,
        "parts": message.parts,
        "encoding": Encoding(message.encoding),
        "sent_at": utc_or_none(message.sent_at),
        "delivered_at": utc_or_none(message.delivered_at),
        "failure_reason": message.failure_reason or None,
        "cancel_requested": message.cancel_requested,
    }


def message_with_timeline(row: Message, changes: list[StateChange]) -> MessageWithTimeline:
    timeline: list[TimelineEntry] = [
        {
            "from": change.from_state,
            "to": change.to_state,
            "at": utc(change.at),
            "cause": change.cause,
        }
        for change in changes
    ]
    return {
        **message(row),
        "timeline": timeline,
        "details_ended": selectors.details_ended(row, changes),
    }


def inbound(message: InboundMessage) -> InboundRead:
    return {
        "id": message.pk,
        "sender": message.sender,
        "text": message.text,
        "device_id": message.device_id,
        "sim": message.sim,
        "sent_at": utc_or_none(message.sent_at),
        "arrived_at": utc_or_none(message.arrived_at),
        "received_at": utc(message.received_at),
    }


def opt_out(row: OptOut) -> OptOutRead:
    return {
        "phone": row.phone,
        "source": OptOut.Source(row.source),
        "created_at": utc(row.created_at),
    }


def thread(found: Thread) -> ThreadRead:
    return {
        "id": found.pk,
        "phone": found.phone,
        "last_at": utc(found.last_at),
        "unread": found.unread,
        "archived": found.is_archived,
        "assignee": found.assignee.get_username() if found.assignee else None,
    }


def line(said: Line) -> LineRead:
    return {
        "at": utc(said.at),
        "message": message(said.message) if said.message else None,
        "sms": inbound(said.sms) if said.sms else None,
    }
