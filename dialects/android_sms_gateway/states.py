"""A message's state in the vendor's words: for one recipient and for all."""

from __future__ import annotations

from collections.abc import Sequence

from dialects.android_sms_gateway import words
from messaging.models import Message
from messaging.states import FailureReason, MessageState


def of(message: Message) -> str:
    """One recipient's."""
    if message.status == MessageState.LEASED and message.cancel_requested:
        return words.CANCELLING
    if is_opted_out(message):
        return words.OPTED_OUT
    return words.STATES[MessageState(message.status)]


def is_opted_out(message: Message) -> bool:
    is_cancelled = message.status == MessageState.CANCELLED
    return is_cancelled and message.failure_reason == FailureReason.OPTED_OUT


def of_all(states: Sequence[str]) -> str:
    for word in words.ANY_OF:
        if word in states:
            return word
    for word in words.ALL_OF:
        if set(states) == {word}:
            return word
    return words.MIXED
