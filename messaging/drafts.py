"""From what a client asked for to a message that can be queued. No query, no clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from http_api.errors import ApiError, Mention
from http_api.shapes import invalid
from licenses.sender import Sender
from messaging.models import Message, OnUncertain
from messaging.segments import LONGEST, MAX_PARTS, Segmentation, at_least_parts, segment
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


@dataclass(frozen=True, slots=True)
class Invalid:
    """An item whose shape was wrong: it takes a place in the list so that indexes stay true."""

    errors: dict[str, Any]
    external_id: str | None = None


Items = Sequence[Draft | Invalid]


def segmented(text: str) -> Segmentation:
    """Raise ApiError where it is longer than a message may be."""
    if len(text) > LONGEST:  # told by its length alone, however much it is
        raise _too_long(f"at least {at_least_parts(len(text))}")
    segmentation = segment(text)
    if segmentation.parts > MAX_PARTS:
        raise _too_long(str(segmentation.parts))
    return segmentation


def _too_long(parts: str) -> ApiError:
    return ApiError.of_field("message", f"has {parts} parts; an SMS may have at most {MAX_PARTS}")


def to_message(sender: Sender, draft: Draft, now: dt.datetime) -> Message:
    """Build the unsaved message, with its start and its number of parts.

    A start in the past means now. Outside the sending hours the start moves to the next opening,
    except where the client's own start lies outside them: it chose that. Raise ApiError.
    """
    segmentation = _checked(draft, now)
    start = max(draft.send_after.at, now) if draft.send_after else now
    hours = sender.hours
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
        expires_at=draft.send_before.at
        if draft.send_before
        else expiry_by_age(sender.max_age_hours, start),
        any_hour=any_hour,
        on_uncertain=draft.on_uncertain,
        parts=segmentation.parts,
        encoding=segmentation.encoding,
        created_at=now,
    )


def expiry_by_age(max_age_hours: int | None, due_at: dt.datetime) -> dt.datetime | None:
    """Return when a message without a `send_before` is too old to be sent; None: never."""
    return None if max_age_hours is None else due_at + dt.timedelta(hours=max_age_hours)


def _checked(draft: Draft, now: dt.datetime) -> Segmentation:
    """Return the text's parts. Raises one ApiError for all that is wrong."""
    late = _problem_of_deadline(draft, now)
    try:
        segmentation = segmented(draft.text)
    except ApiError as error:
        raise (invalid({**error.errors, **late}) if late else error) from None
    if late:
        raise invalid(late)
    return segmentation


def _problem_of_deadline(draft: Draft, now: dt.datetime) -> dict[str, list[str]]:
    if draft.send_before is None:
        return {}
    if draft.send_before.at <= now:
        return {"send_before": ["is already past"]}
    if draft.send_after and draft.send_before.at <= draft.send_after.at:
        return {"send_before": [Mention("must be after {send_after}")]}
    return {}


def local_day(sender: Sender, due_at: dt.datetime) -> dt.date:
    """Return the day, in the account's time zone, whose limit a message due then counts against."""
    return due_at.astimezone(sender.zone).date()
