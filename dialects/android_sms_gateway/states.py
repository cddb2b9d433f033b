"""A message's state in the vendor's words: for one recipient and for all."""

from __future__ import annotations

from collections.abc import Sequence

from dialects.android_sms_gateway import words
from messaging.models import Message
from messaging.states import MessageState


def of(message: Message) -> str:
    """One recipient's."""
    if message.status == MessageState.LEASED and message.cancel_requested:
        return words.CANCELLING
    if message.is_opted_out:
        return words.OPTED_OUT
    return words.STATES[MessageState(message.status)]


def of_all(states: Sequence[str]) -> str:
    for word in words.ANY_OF:
        if word in states:
            return word
    for word in words.ALL_OF:
        if set(states) == {word}:
            return word
    return words.MIXED
