"""A message's state in the vendor's words: for one recipient and for all."""

from __future__ import annotations

from collections.abc import Sequence

from dialects.android_sms_gateway import words
from messaging.models import Message
from messaging.states import MessageState, is_opted_out


def of(message: Message) -> str:
    """One recipient's."""
    return shown(message.status, message.cancel_requested, message.failure_reason)


def shown(status: str, cancel_requested: bool, failure_reason: str) -> str:
    """The same, of these columns of its message."""
    if status == MessageState.LEASED and cancel_requested:
        return words.CANCELLING
    if is_opted_out(status, failure_reason):
        return words.OPTED_OUT
    return words.STATES[MessageState(status)]


def of_all(states: Sequence[str]) -> str:
    for word in words.ANY_OF:
        if word in states:
            return word
    for word in words.ALL_OF:
        if set(states) == {word}:
            return word
    return words.MIXED
