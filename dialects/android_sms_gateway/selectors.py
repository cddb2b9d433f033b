"""A licence's messages and its phones, as this vendor's clients ask for it."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from dialects.android_sms_gateway import words
from dialects.android_sms_gateway.requests import MessageQuery, device_id
from licenses.sender import Sender
from messaging import selectors
from messaging.models import Batch, Message
from messaging.states import FailureReason, MessageState


def batches(sender: Sender, wanted: MessageQuery) -> QuerySet[Batch]:
    """Return the batches that a query is about, in its order."""
    found = selectors.batches(sender.license_id, words.NAME)
    if wanted.start:
        found = found.filter(created_at__gte=wanted.start.at)
    if wanted.to:
        found = found.filter(created_at__lt=wanted.to.at)
    if wanted.state:
        found = found.filter(in_state(wanted.state))
    if wanted.device_id is not None:
        device = device_id(wanted.device_id)
        found = found.filter(messages__attempts__device=device).distinct()
    return found.order_by("pk" if wanted.sort == "created_at" else "-pk")


def in_state(wanted: str) -> Q:
    """Select the batches for which `states.of_all` says this: the same rules, for the database."""
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
_OPTED_OUT = Q(status=MessageState.CANCELLED.value, failure_reason=FailureReason.OPTED_OUT.value)
_CANCELLING = Q(status=MessageState.LEASED.value, cancel_requested=True)


def _any_in(*wanted: str) -> Exists:
    """Tell whether any message of the batch is in one of these states."""
    statuses = [status.value for status, word in words.STATES.items() if word in wanted]
    condition = Q(status__in=statuses) & ~_OPTED_OUT & ~_CANCELLING
    if words.OPTED_OUT in wanted:
        condition |= _OPTED_OUT
    if words.CANCELLING in wanted:
        condition |= _CANCELLING
    return Exists(Message.objects.filter(condition, batch=OuterRef("pk")))
