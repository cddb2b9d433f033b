"""What became of a message, in the vendor's words: for one recipient, for all, and as a search."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q

from dialects.android_sms_gateway import words
from messaging.models import Message
from messaging.states import MessageState


def of(message: Message) -> str:
    """One recipient's."""
    if message.status == MessageState.LEASED and message.cancel_requested:
        return words.CANCELLING
    if is_opted_out(message):
        return words.OPTED_OUT
    return words.STATES[MessageState(message.status)]


def is_opted_out(message: Message) -> bool:
    return message.status == MessageState.CANCELLED and message.failure_reason == "opted_out"


def of_all(states: Sequence[str]) -> str:
    for word in words.ANY_OF:
        if word in states:
            return word
    for word in words.ALL_OF:
        if set(states) == {word}:
            return word
    return words.MIXED


def batches_in(wanted: str) -> Q:
    """The batches for which `of_all` says this word: the same rules, for the database."""
    if wanted in words.ANY_OF:
        earlier = words.ANY_OF[: words.ANY_OF.index(wanted)]
        return Q(_any_in(wanted)) & ~Q(_any_in(*earlier))
    condition = ~Q(_any_in(*words.ANY_OF))
    for word in words.ALL_OF:
        others = Q(_any_in(*(_WORDS - {word})))
        if word == wanted:
            return condition & ~others
        condition &= others
    return condition


_WORDS = frozenset({*words.STATES.values(), words.CANCELLING})
_OPTED_OUT = Q(status=MessageState.CANCELLED.value, failure_reason="opted_out")
_CANCELLING = Q(status=MessageState.LEASED.value, cancel_requested=True)


def _any_in(*wanted: str) -> Exists:
    """Whether any message of the batch is in one of these states."""
    statuses = [status.value for status, word in words.STATES.items() if word in wanted]
    condition = Q(status__in=statuses) & ~_OPTED_OUT & ~_CANCELLING
    if words.OPTED_OUT in wanted:
        condition |= _OPTED_OUT
    if words.CANCELLING in wanted:
        condition |= _CANCELLING
    return Exists(Message.objects.filter(condition, batch=OuterRef("pk")))
