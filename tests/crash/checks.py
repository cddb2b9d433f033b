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
    accepted = dict(ledger.accepted)  # before the look: clients go on
    rows = stack.rows()
    ids = {external_id: pk for pk, external_id, _ in rows}
    if len(ids) != len(rows):
        yield "an external_id stands twice in the database"
    for external_id, message_id in accepted.items():
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
    unsaid: set[int] = set().union(*(phone.unreported() for phone in stack.phones))
    for message_id, _, status in stack.rows():
        if status in _PROVEN and message_id not in asked:
            yield f"message {message_id} is {status}, but no radio was asked"
        if message_id in asked - unsaid and status not in _ASKED:
            yield f"message {message_id} was sent, and is {status}"


def nothing_is_surprised(stack: Stack) -> Iterator[str]:
    """A server that is gone is foreseen everywhere: no traceback anywhere, and no word of a loss."""
    log = stack.log
    yield from (line for line in log if "gone back in time" in line)
    for number, line in enumerate(log):
        if line.startswith("Traceback"):
            yield "\n".join(log[number : number + 60])


def accounted(stack: Stack) -> tuple[str, list[str]]:
    """accepted = final + waiting + uncertain, with the sum in words.

    What a phone holds waits there; what nobody holds, and is said to be under way, would be lost.
    """
    rows = stack.rows()
    counts = Counter(MessageState(status) for _, _, status in rows)
    final = sum(counts[MessageState(state)] for state in FINAL)
    waiting = sum(counts[state] for state in WAITING | _UNDER_WAY)
    uncertain = counts[MessageState.UNCERTAIN]
    words = f"{len(rows)} accepted = {final} final + {waiting} waiting + {uncertain} uncertain"
    held: set[int] = set().union(*(phone.holds() for phone in stack.phones))
    lost = [pk for pk, _, status in rows if status in _UNDER_WAY and pk not in held]
    return words, [f"message {pk} is under way, and no phone has it" for pk in lost]
