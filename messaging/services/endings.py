"""End messages that shall not be sent any more: by their owner, an opt-out or a deadline, all alike."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from messaging import moves
from messaging.models import Attempt
from messaging.transitions import Cause, Movable, StateTransition, call_off, end, is_in_doubt


def end_all(messages: Iterable[tuple[Movable, Cause | None]], now: dt.datetime) -> set[int]:
    """End locked messages, each by its cause; None: it goes on. Return the ids of those that ended.

    Those that may have been sent become uncertain.
    """
    ending = [(message, cause) for message, cause in messages if cause is not None]
    doubtful = in_doubt([message.id for message, _ in ending])
    return moves.move(
        [end(message, cause, is_in_doubt=message.id in doubtful) for message, cause in ending], now
    )


def call_off_all(
    messages: Sequence[Movable], cause: Cause, now: dt.datetime
) -> list[StateTransition]:
    """End locked messages that wait; ask phones for what they hold. Return what was done."""
    doubtful = in_doubt([message.id for message in messages])
    wanted = [
        transition
        for message in messages
        if (transition := call_off(message, cause, is_in_doubt=message.id in doubtful))
    ]
    moves.move(wanted, now)
    return wanted


def in_doubt(message_ids: Collection[int]) -> set[int]:
    """Return which of these messages may have been sent by a superseded attempt. The caller holds their
    rows."""
    if not message_ids:
        return set()
    by_message: defaultdict[int, list[Attempt]] = defaultdict(list)
    rows = Attempt.objects.filter(message_id__in=message_ids)
    for attempt in rows.only("message_id", "state", "is_superseded"):
        by_message[attempt.message_id].append(attempt)
    return {message_id for message_id, attempts in by_message.items() if is_in_doubt(attempts)}
