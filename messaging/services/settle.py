"""Bring attempts and messages to the state that their events say: the only way reports move them.

The state of an attempt is a fold over the set of its events (messaging.states), so duplicates,
reordering and reports that come a month late cannot matter.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator

from messaging import queue, wakeup
from messaging.models import Attempt, Event, Message, OnUncertain
from messaging.queue import Change
from messaging.states import (
    FINAL,
    RANK,
    TRANSITIONS,
    AttemptState,
    Fold,
    MessageState,
    Report,
    fold,
    proves_sending,
)

# How long a message rests after its first, second, … release.
BACK_OFF = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15))

AttemptKey = tuple[int, int]  # message id, n

_RANK_BY_NAME = {state.value: rank for state, rank in RANK.items()}


def settle(keys: Collection[AttemptKey], now: dt.datetime) -> None:
    """Fold these attempts' events anew and move attempts and messages accordingly.

    Call inside a transaction, after the new events are written. Messages are locked in the order
    of their ids.
    """
    for distinct in _one_attempt_a_message(keys):
        _settle(distinct, now)


def _one_attempt_a_message(keys: Collection[AttemptKey]) -> Iterator[set[AttemptKey]]:
    """Rounds in which no message comes twice: a later attempt sees what an earlier one moved."""
    rest = sorted(set(keys))
    while rest:
        first = dict(reversed(rest))
        yield set(first.items())
        rest = [(message_id, n) for message_id, n in rest if first[message_id] != n]


def _settle(keys: set[AttemptKey], now: dt.datetime) -> None:
    ids = {message_id for message_id, _ in keys}
    messages = {
        message.pk: message
        for message in Message.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    }
    reports = _reports(ids)
    changes: list[Change] = []
    attempt_states: list[tuple[int, str, bool]] = []
    for attempt in Attempt.objects.filter(message_id__in=ids):
        key = (attempt.message_id, attempt.n)
        if key not in keys:
            continue
        folded = fold(reports[key])
        change = _change(messages[attempt.message_id], attempt, folded, now)
        superseded = attempt.is_superseded or (change is not None and change.cause == "resend")
        if (folded.state, superseded) != (attempt.state, attempt.is_superseded):
            attempt_states.append((attempt.pk, folded.state, superseded))
        if change is not None:
            changes.append(change)
    queue.set_attempts(attempt_states)
    for message_id in queue.change(changes, now):
        wakeup.after_commit(messages[message_id].license_id)


def _reports(message_ids: Collection[int]) -> defaultdict[AttemptKey, list[Report]]:
    reports: defaultdict[AttemptKey, list[Report]] = defaultdict(list)
    rows = Event.objects.filter(
        message_id__in=message_ids, attempt__isnull=False, quarantine=""
    ).values_list("message_id", "attempt", "type", "part", "parts", "code")
    for message_id, n, kind, part, parts, code in rows:
        reports[message_id, n].append(Report(kind, part, parts, code))  # type: ignore[index]
    return reports


def _change(message: Message, attempt: Attempt, folded: Fold, now: dt.datetime) -> Change | None:
    """What this attempt's fold does to its message; None: nothing.

    Only the newest attempt moves its message, and a proof of sending always does. A release does so
    once: told again it must not bring back what has been cancelled since.
    """
    is_current = attempt.n == message.attempt_n and not attempt.is_superseded
    if not (is_current or proves_sending(folded.state)):
        return None
    if folded.state is AttemptState.RELEASED:
        is_news = attempt.state != AttemptState.RELEASED
        return _released(message, attempt, folded, now) if is_news else None
    if folded.state is AttemptState.UNCERTAIN and _may_resend(message, now):
        return Change(message.pk, message.status, MessageState.PENDING, "resend")
    return _reported(message, attempt, folded, now)


def _may_resend(message: Message, now: dt.datetime) -> bool:
    """Its owner would rather have it twice than not; a deadline or a cancellation ends that."""
    return (
        message.on_uncertain == OnUncertain.RESEND
        and message.status in {MessageState.LEASED, MessageState.SENDING, MessageState.UNCERTAIN}
        and not message.cancel_requested
        and (message.send_before is None or message.send_before > now)
    )


def _reported(message: Message, attempt: Attempt, folded: Fold, now: dt.datetime) -> Change | None:
    before = MessageState(message.status)
    after = MessageState(folded.state.value)
    reason = folded.reason if after is MessageState.FAILED else ""
    if after == before:
        if reason == message.failure_reason or not reason:
            return None
    elif after not in TRANSITIONS[before] or _rank(after) < _rank(before):
        return None
    moment = now.isoformat()
    return Change(
        message.pk,
        before,
        after,
        cause=f"attempt {attempt.n}",
        failure_reason=reason,
        sent_at=moment if proves_sending(folded.state) else None,
        delivered_at=moment if after is MessageState.DELIVERED else None,
        finished_at=moment if after in FINAL else None,
        parts=folded.parts,  # as the phone split it, which may not be as we counted
    )


def _rank(state: MessageState) -> int:
    """States without a rank (waiting, cancelled, expired) stand below every report."""
    return _RANK_BY_NAME.get(state.value, 0)


def _released(message: Message, attempt: Attempt, folded: Fold, now: dt.datetime) -> Change | None:
    """The phone never started it and never will: back to the queue, unless it should not be sent."""
    if message.status not in {MessageState.LEASED, MessageState.UNCERTAIN}:
        return None
    if message.cancel_requested:
        reason = message.failure_reason or "cancelled"
        return cancellation(message, now, cause=reason, reason=reason)
    if message.send_before and message.send_before <= now:
        return expiry(message, now)
    rest = BACK_OFF[min(attempt.n, len(BACK_OFF)) - 1]
    return Change(
        message.pk,
        message.status,
        MessageState.SCHEDULED,
        cause=f"released {folded.reason}".strip(),
        due_at=(now + rest).isoformat(),
        failure_reason="",
    )


def cancellation(message: Message, now: dt.datetime, *, cause: str, reason: str) -> Change:
    """The end of a message that shall not be sent, unless an earlier attempt may have sent it: then it
    stays called off, whatever is reported of the newest one."""
    if is_in_doubt(message):
        return Change(
            message.pk, message.status, MessageState.UNCERTAIN, cause, failure_reason=reason,
            cancel_requested=True,
        )  # fmt: skip
    return Change(
        message.pk, message.status, MessageState.CANCELLED, cause, failure_reason=reason,
        finished_at=now.isoformat(),
    )  # fmt: skip


def expiry(message: Message, now: dt.datetime) -> Change:
    """The same for one whose deadline passed before it was sent."""
    cause = "send_before"
    if is_in_doubt(message):
        return Change(
            message.pk, message.status, MessageState.UNCERTAIN, cause, failure_reason="expired"
        )
    return Change(
        message.pk,
        message.status,
        MessageState.EXPIRED,
        cause,
        failure_reason="",
        finished_at=now.isoformat(),
    )


def is_in_doubt(message: Message) -> bool:
    """Whether an attempt that its owner or `resend` went past may have sent it: then nothing says
    that it was not sent. The caller holds the message's row. (messaging.queue says the same in SQL.)
    """
    gone_past = message.attempts.filter(is_superseded=True)
    return gone_past.exclude(state=AttemptState.RELEASED).exists()
