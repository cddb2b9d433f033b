"""What must hold after any crash, read from the database, the clients and the phones' radios."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from messaging.states import FINAL, WAITING, MessageState
from tests.crash.clients import Ledger
from tests.crash.stack import Stack

_UNDER_WAY = {MessageState.LEASED, MessageState.SENDING}
_PROVEN = {MessageState.SENT, MessageState.DELIVERED, MessageState.UNDELIVERED}
# A radio that was asked leaves one of these; anything else would let the message be sent again.
_ASKED = _PROVEN | {MessageState.SENDING, MessageState.UNCERTAIN, MessageState.FAILED}


def accepted_is_kept(stack: Stack, ledger: Ledger) -> Iterator[str]:
    """Every 2xx is in the database, once; every failure was an honest one."""
    rows = stack.rows()
    ids = {external_id: pk for pk, external_id, _ in rows}
    if len(ids) != len(rows):
        yield "an external_id stands twice in the database"
    for external_id, message_id in dict(ledger.accepted).items():
        if external_id not in ids:
            yield f"{external_id} was accepted and is gone"
        elif message_id not in {None, ids[external_id]}:
            yield f"{external_id} was accepted as {message_id}, and is {ids[external_id]}"
    yield from ledger.dishonest


def sent_at_most_once(stack: Stack) -> Iterator[str]:
    starts: Counter[tuple[int, int]] = Counter()
    for phone in stack.phones:
        starts += phone.starts()
    by_message = Counter(message_id for message_id, _ in starts)
    for message_id, count in by_message.items():
        if count > 1 or any(starts[key] > 1 for key in starts if key[0] == message_id):
            yield f"message {message_id} was sent more than once"


def nothing_is_guessed(stack: Stack) -> Iterator[str]:
    """After the phones have said all they know: what they sent, and nothing else, counts as sent."""
    asked = {message_id for phone in stack.phones for message_id, _ in phone.starts()}
    for message_id, _, status in stack.rows():
        if status in _PROVEN and message_id not in asked:
            yield f"message {message_id} is {status}, but no radio was asked"
        if message_id in asked and status not in _ASKED:
            yield f"message {message_id} was sent, and is {status}"


def accounted(stack: Stack) -> tuple[str, list[str]]:
    """accepted = final + waiting + uncertain, with the sum in words."""
    counts = Counter(MessageState(status) for _, _, status in stack.rows())
    final = sum(counts[state] for state in map(MessageState, FINAL))
    waiting = sum(counts[state] for state in WAITING)
    uncertain = counts[MessageState.UNCERTAIN]
    words = f"{counts.total()} accepted = {final} final + {waiting} waiting + {uncertain} uncertain"
    open_ = sum(counts[state] for state in _UNDER_WAY)
    return words, [f"{words} + {open_} that nobody holds"] if open_ else []
