"""Which events a message's move is told by. Pure."""

from __future__ import annotations

from messaging.states import MessageState
from outbox.types import EventType

_OF_STATE = {
    MessageState.SENT: EventType.MESSAGE_SENT,
    MessageState.DELIVERED: EventType.MESSAGE_DELIVERED,
    MessageState.UNDELIVERED: EventType.MESSAGE_UNDELIVERED,
    MessageState.FAILED: EventType.MESSAGE_FAILED,
    MessageState.EXPIRED: EventType.MESSAGE_EXPIRED,
    MessageState.CANCELLED: EventType.MESSAGE_CANCELLED,
    MessageState.UNCERTAIN: EventType.MESSAGE_UNCERTAIN,
}


def of_move(before: MessageState, after: MessageState) -> list[EventType]:
    """Return the events of a move, in their order. What waits or is with a phone is no event; to leave
    `uncertain` is one of its own, whoever's word ended it."""
    if before == after:
        return []
    resolved = [EventType.MESSAGE_RESOLVED] if before is MessageState.UNCERTAIN else []
    return resolved + ([_OF_STATE[after]] if after in _OF_STATE else [])
