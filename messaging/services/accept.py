"""Accept messages: every rule that stands between a request and the queue, in API.md's order."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from http_api import clock
from http_api.errors import Refusal
from licenses import limits
from licenses.auth import Sender
from messaging import intake, wakeup
from messaging.drafts import Draft, local_day, sending_hours, to_message
from messaging.models import Message
from messaging.states import WAITING, MessageState

_DEDUPLICATION = frozenset({"message_external_id", "message_repeat_digest"})


@dataclass(frozen=True, slots=True)
class Skip:
    """An item of a bulk that was not queued, and why."""

    index: int
    reason: str
    external_id: str | None = None
    errors: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invalid:
    """An item whose shape was wrong: it takes a place in the batch so that indexes stay true."""

    errors: dict[str, Any]
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    created: list[Message]
    skipped: list[Skip]


# What each reason for skipping says in an error body, and of which field.
_IN_WORDS = {
    "duplicate_external_id": ("external_id", "a message with this external_id already exists"),
    "duplicate_message": ("message", "the same message to this number is already queued"),
    "opted_out": ("phone", "the recipient has opted out"),
    "outside_sending_hours": ("send_after", "it is outside the sending hours; give a send_after"),
}


def accept_one(sender: Sender, draft: Draft) -> Message:
    """Queue one message. Outside the sending hours it waits for the next opening.

    Raises Refusal: `invalid`, `duplicate_external_id` (or `duplicate_message`), `opted_out`,
    `daily_limit_exceeded`. One statement in the usual case.
    """
    message = to_message(sender, draft, clock.now())
    try:
        with savepoint_if_needed():
            used = intake.insert_message(
                message, limit=sender.max_daily_sms, day=local_day(sender, message)
            )
    except IntegrityError as error:
        raise _duplicate(error, draft) from None
    if used is None:
        raise why_not(sender, draft)
    wakeup.after_commit(sender.license_id)
    return message


def savepoint_if_needed() -> AbstractContextManager[Any]:
    """A failed statement spoils a transaction that is already open; on its own it undoes itself."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def _duplicate(error: IntegrityError, draft: Draft) -> Refusal:
    if not _is_duplicate(error):
        raise error
    return _refusal(_reason_of_duplicate(draft))


def _is_duplicate(error: IntegrityError) -> bool:
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) in _DEDUPLICATION


def _reason_of_duplicate(draft: Draft) -> str:
    return "duplicate_message" if draft.external_id is None else "duplicate_external_id"


def _refusal(reason: str) -> Refusal:
    return Refusal.of_field(*_IN_WORDS[reason], code=reason)


def why_not(sender: Sender, draft: Draft) -> Refusal:
    """The first rule that stopped this message, in the documented order."""
    known = _Known.of(sender, [draft])
    reason = known.reason_against(draft)
    return _refusal(reason) if reason else limits.limit_exceeded(sender)


def accept_many(
    sender: Sender,
    items: Sequence[Draft | Invalid],
    *,
    all_or_nothing: bool = False,
    skip_outside_hours: bool = True,
) -> Batch:
    """Queue a batch in one transaction; items that break a rule are skipped with their reason.

    With `all_or_nothing` any skip refuses the whole batch. Raises Refusal: `batch_rejected`,
    `daily_limit_exceeded`; nothing is written then.
    """

    def work() -> Batch:
        with transaction.atomic():
            intake.lock_account(sender.account_id)
            return accept_locked(
                sender,
                items,
                all_or_nothing=all_or_nothing,
                skip_outside_hours=skip_outside_hours,
            )

    # Bulks of an account queue up; a single message may still slip in between look and insert.
    # Each time it does, one item more is known to be a duplicate: this comes to an end.
    for _ in items:
        try:
            return work()
        except IntegrityError as error:
            if not _is_duplicate(error):
                raise
    return work()


def accept_locked(
    sender: Sender,
    items: Sequence[Draft | Invalid],
    *,
    all_or_nothing: bool = False,
    skip_outside_hours: bool = True,
    skip_opted_out: bool = True,
) -> Batch:
    """As `accept_many`, for a caller whose transaction holds the account's lock already.

    Without `skip_opted_out` who has opted out gets a message that is cancelled from the start and
    counts for nothing.
    """
    now = clock.now()
    known = _Known.of(sender, [item for item in items if isinstance(item, Draft)])
    closed = skip_outside_hours and _is_closed(sender, now)
    batch = Batch(created=[], skipped=[])
    for index, item in enumerate(items):
        kept = _judge(sender, index, item, known, closed, now)
        if isinstance(kept, Skip) and kept.reason == "opted_out" and not skip_opted_out:
            assert isinstance(item, Draft)
            kept = _stillborn(sender, item, now)
        (batch.skipped if isinstance(kept, Skip) else batch.created).append(kept)  # type: ignore[arg-type]
    if all_or_nothing and batch.skipped:
        raise rejected(batch.skipped, len(items))
    queued = [message for message in batch.created if message.status in WAITING]
    limits.count(sender, Counter(local_day(sender, message) for message in queued))
    Message.objects.bulk_create(batch.created)
    if queued:
        wakeup.after_commit(sender.license_id)
    return batch


def _is_closed(sender: Sender, now: dt.datetime) -> bool:
    hours = sending_hours(sender)
    return hours is not None and not hours.is_open(now)


def _judge(
    sender: Sender,
    index: int,
    item: Draft | Invalid,
    known: _Known,
    closed: bool,
    now: dt.datetime,
) -> Message | Skip:
    if isinstance(item, Invalid):
        return Skip(index, "invalid", item.external_id, item.errors)
    try:
        message = to_message(sender, item, now)
    except Refusal as refusal:
        return Skip(index, "invalid", item.external_id, refusal.errors)
    reason = known.reason_against(item)
    if reason is None and closed and item.send_after is None:
        reason = "outside_sending_hours"
    known.remember(item)
    return Skip(index, reason, item.external_id) if reason else message


def _stillborn(sender: Sender, item: Draft, now: dt.datetime) -> Message:
    message = to_message(sender, item, now)
    message.status = MessageState.CANCELLED.value
    message.failure_reason = "opted_out"
    message.finished_at = now
    return message


class _Known:
    """What the database knows of a batch's items, fetched once: duplicates and opt-outs."""

    def __init__(self, external_ids: set[str], digests: set[UUID], opted_out: set[str]) -> None:
        self.external_ids = external_ids
        self.digests = digests
        self.opted_out = opted_out

    @classmethod
    def of(cls, sender: Sender, drafts: Sequence[Draft]) -> _Known:
        return cls(
            *intake.taken(
                license_id=sender.license_id,
                account_id=sender.account_id,
                external_ids=[d.external_id for d in drafts if d.external_id is not None],
                digests=[d.repeat_digest for d in drafts if d.repeat_digest is not None],
                phones=list({draft.phone for draft in drafts}),
            )
        )

    def reason_against(self, draft: Draft) -> str | None:
        if draft.external_id in self.external_ids or draft.repeat_digest in self.digests:
            return _reason_of_duplicate(draft)
        if draft.phone in self.opted_out:
            return "opted_out"
        return None

    def remember(self, draft: Draft) -> None:
        """Within a batch the first of two duplicates wins."""
        if draft.external_id is not None:
            self.external_ids.add(draft.external_id)
        if draft.repeat_digest is not None:
            self.digests.add(draft.repeat_digest)


def rejected(skipped: Sequence[Skip], total: int) -> Refusal:
    """The refusal of an all-or-nothing batch: every bad index with what is wrong with it."""
    errors = {str(skip.index): skip.errors or _reason_as_errors(skip) for skip in skipped}
    return Refusal(
        "batch_rejected",
        f"{len(skipped)} of {total} messages cannot be accepted, so none was;"
        " `errors` lists them by index.",
        errors=errors,
    )


def _reason_as_errors(skip: Skip) -> dict[str, Any]:
    name, words = _IN_WORDS[skip.reason]
    return {name: [f"{skip.reason}: {words}"]}
