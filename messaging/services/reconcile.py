"""Bring attempts and messages to the state that their events say: the only way reports move them.

The state of an attempt is a fold over the set of its events (messaging.fold), so duplicates,
reordering and reports that come a month late cannot matter.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping

from messaging import event_log, moves, wakeup
from messaging.event_log import ReportedAttempt
from messaging.fold import Fold, fold
from messaging.leases import AttemptKey
from messaging.moves import AttemptChange, LockedMessage
from messaging.states import TRANSITIONS, WAITING, AttemptState, MessageState, proves_sending
from messaging.transitions import (
    Cause,
    StateTransition,
    called_off_by,
    end,
    is_in_doubt,
    may_resend,
    overdue_by,
)

# How long a message rests after its first, second, … release.
BACK_OFF = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15))

_WITH_A_PHONE = frozenset({MessageState.LEASED, MessageState.SENDING, MessageState.UNCERTAIN})


def reconcile(keys: Collection[AttemptKey], license_ids: Collection[int], now: dt.datetime) -> None:
    """Fold these attempts' events anew, and move them and their messages, which are these licences'.

    Call inside a transaction, after the new events are written.
    """
    if keys:
        messages = moves.lock({key.message_id for key in keys}, license_ids)
        settle(messages, event_log.attempts(messages), keys, now)


def settle(
    messages: Mapping[int, LockedMessage],
    attempts: Mapping[AttemptKey, ReportedAttempt],
    keys: Collection[AttemptKey],
    now: dt.datetime,
) -> None:
    """Reconcile locked messages, given all their attempts and the reports of each: see `reconcile`."""
    of_message: defaultdict[int, list[ReportedAttempt]] = defaultdict(list)
    for attempt in attempts.values():
        of_message[attempt.key.message_id].append(attempt)
    first, later = _one_of_each_message(keys)
    wanted: list[StateTransition] = []
    changed: list[AttemptChange] = []
    for key in first:
        message, attempt = messages[key.message_id], attempts[key]
        folded = fold(attempt.reports)
        in_doubt = is_in_doubt(of_message[message.id])
        transition = _transition(message, attempt, folded, now, in_doubt=in_doubt)
        if transition is not None:
            wanted.append(transition)
        is_resent = transition is not None and transition.cause is Cause.RESEND
        after = AttemptChange(
            message.id, attempt.id, folded.state, attempt.is_superseded or is_resent
        )
        if after != (message.id, attempt.id, attempt.state, attempt.is_superseded):
            changed.append(after)
    moved = moves.move(wanted, now, changed)
    waiting = {transition.message_id for transition in wanted if transition.to_state in WAITING}
    for license_id in {messages[message_id].license_id for message_id in moved & waiting}:
        wakeup.after_commit(license_id)
    reconcile(later, {message.license_id for message in messages.values()}, now)


def _one_of_each_message(
    keys: Collection[AttemptKey],
) -> tuple[list[AttemptKey], list[AttemptKey]]:
    """Return the first attempt of each message, and the others: they see what the first has moved."""
    first: dict[int, AttemptKey] = {}
    later = []
    for key in sorted(set(keys)):
        if first.setdefault(key.message_id, key) != key:
            later.append(key)
    return list(first.values()), later


def _transition(
    message: LockedMessage,
    attempt: ReportedAttempt,
    folded: Fold,
    now: dt.datetime,
    *,
    in_doubt: bool,
) -> StateTransition | None:
    """Return what this attempt's fold does to its message; None: nothing.

    Only the newest attempt moves its message, and a proof of sending always does. A release does so
    once: told again it must not bring back what has been cancelled since.
    """
    is_current = attempt.key.n == message.attempt_n and not attempt.is_superseded
    if not (is_current or proves_sending(folded.state)):
        return None
    if folded.state is AttemptState.RELEASED:
        is_news = attempt.state != AttemptState.RELEASED
        return _released(message, attempt, folded, now, in_doubt=in_doubt) if is_news else None
    is_with_a_phone = message.status in _WITH_A_PHONE
    if folded.state is AttemptState.UNCERTAIN and is_with_a_phone and may_resend(message, now):
        before = MessageState(message.status)
        return StateTransition(
            message.id, message.license_id, before, MessageState.PENDING, Cause.RESEND
        )
    return _reported(message, attempt, folded)


def _reported(
    message: LockedMessage, attempt: ReportedAttempt, folded: Fold
) -> StateTransition | None:
    """Return the move to what was reported, where TRANSITIONS lets it count."""
    before, after = MessageState(message.status), MessageState(folded.state.value)
    reason = folded.reason if after is MessageState.FAILED else ""
    is_another_reason = after == before and reason not in {"", message.failure_reason}
    if not (is_another_reason or after in TRANSITIONS[before]):
        return None
    return StateTransition(
        message.id,
        message.license_id,
        before,
        after,
        Cause.ATTEMPT,
        str(attempt.key.n),
        failure_reason=reason,
        parts=folded.parts,  # as the phone split it, which may not be as we counted
    )


def _released(
    message: LockedMessage,
    attempt: ReportedAttempt,
    folded: Fold,
    now: dt.datetime,
    *,
    in_doubt: bool,
) -> StateTransition | None:
    """Requeue a message that the phone never started and never will, or end it if it may not be sent."""
    if message.status not in {MessageState.LEASED, MessageState.UNCERTAIN}:
        return None
    if cause := called_off_by(message) or overdue_by(message, now):
        return end(message, cause, is_in_doubt=in_doubt)
    rest = BACK_OFF[min(attempt.key.n, len(BACK_OFF)) - 1]
    return StateTransition(
        message.id,
        message.license_id,
        MessageState(message.status),
        MessageState.SCHEDULED,
        Cause.RELEASED,
        folded.reason,
        failure_reason="",
        due_at=now + rest,
    )
