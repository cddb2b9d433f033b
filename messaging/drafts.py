"""From what a client asked for to a message that can be queued. Pure: no database, no clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from http_api.errors import Refusal
from licenses.auth import Sender
from messaging.models import Message, OnUncertain
from messaging.segments import MAX_PARTS, Segmentation, segment
from messaging.sending_hours import SendingHours
from messaging.states import MessageState

DEFAULT_PRIORITY = 10


@dataclass(frozen=True, slots=True)
class ClientTime:
    """A moment, and how the client wrote it, to answer in its own notation."""

    at: dt.datetime  # aware, UTC
    given: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as asked for; `phone` is in E.164, `text` is final."""

    phone: str
    text: str
    external_id: str | None = None
    repeat_digest: UUID | None = None
    send_after: ClientTime | None = None
    send_before: ClientTime | None = None
    priority: int = DEFAULT_PRIORITY
    sim: int | None = None
    on_uncertain: str = OnUncertain.HOLD
    batch_id: int | None = None


def sending_hours(sender: Sender) -> SendingHours | None:
    """The account's sending hours; None: always open."""
    if sender.opens_at is None or sender.closes_at is None:
        return None
    return SendingHours(sender.opens_at, sender.closes_at, sender.zone)


def segmented(text: str) -> Segmentation:
    """Raises Refusal where it is longer than a message may be."""
    segmentation = segment(text)
    if segmentation.parts > MAX_PARTS:
        raise Refusal.of_field(
            "message", f"has {segmentation.parts} parts; an SMS may have at most {MAX_PARTS}"
        )
    return segmentation


def to_message(sender: Sender, draft: Draft, now: dt.datetime) -> Message:
    """The unsaved message: when it may start, how many parts it has.

    A start in the past means now. Outside the sending hours the start moves to the next opening,
    except where the client's own start lies outside them: it chose that. Raises Refusal.
    """
    segmentation = segmented(draft.text)
    start = max(draft.send_after.at, now) if draft.send_after else now
    _check_deadline(draft, now)
    hours = sending_hours(sender)
    any_hour = bool(hours and draft.send_after and not hours.is_open(draft.send_after.at))
    given = draft.send_after.given if draft.send_after else ""
    send_after = draft.send_after.at if draft.send_after else None
    if hours and not any_hour:
        opening = hours.next_opening(start)
        if opening > start:
            start = opening
            given = given or opening.astimezone(sender.zone).isoformat(timespec="seconds")
    return Message(
        account_id=sender.account_id,
        license_id=sender.license_id,
        batch_id=draft.batch_id,
        external_id=draft.external_id,
        repeat_digest=draft.repeat_digest,
        phone=draft.phone,
        text=draft.text,
        priority=draft.priority,
        sim=draft.sim,
        status=MessageState.PENDING.value if start <= now else MessageState.SCHEDULED.value,
        send_after=send_after,
        send_after_given=given,
        send_before=draft.send_before.at if draft.send_before else None,
        due_at=start,
        any_hour=any_hour,
        on_uncertain=draft.on_uncertain,
        parts=segmentation.parts,
        encoding=segmentation.encoding,
        created_at=now,
    )


def _check_deadline(draft: Draft, now: dt.datetime) -> None:
    if draft.send_before is None:
        return
    if draft.send_before.at <= now:
        raise Refusal.of_field("send_before", "is already past")
    if draft.send_after and draft.send_before.at <= draft.send_after.at:
        raise Refusal.of_field("send_before", "must be after send_after")


def local_day(sender: Sender, message: Message) -> dt.date:
    """The account's local day on which the message may start: the one it counts against."""
    return message.due_at.astimezone(sender.zone).date()
