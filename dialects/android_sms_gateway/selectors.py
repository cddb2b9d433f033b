"""A licence's messages and its phones, as this vendor's clients ask for it."""

from __future__ import annotations

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import IsNull

from dialects.android_sms_gateway import words
from dialects.android_sms_gateway.requests import MessageQuery, device_id
from http_api.pagination import first
from licenses.sender import Sender
from messaging import selectors
from messaging.models import Attempt, Batch, Message
from messaging.states import FailureReason, MessageState


def batches(sender: Sender, wanted: MessageQuery) -> QuerySet[Batch]:
    """Return the batches that a query is about, in its order."""
    found = selectors.between(
        selectors.batches(sender.license_id, words.NAME),
        wanted.start.at if wanted.start else None,
        wanted.to.at if wanted.to else None,
    ).order_by("pk" if wanted.sort == "created_at" else "-pk")
    if wanted.state or wanted.device_id is not None:
        found = first(found)
    if wanted.state:
        found = found.filter(in_state(wanted.state))
    if wanted.device_id is not None:
        of_phone = Attempt.objects.filter(
            message__batch=OuterRef("pk"), device=device_id(wanted.device_id)
        )
        found = found.filter(IsNull(Subquery(of_phone.values("pk")[:1]), False))
    return found


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


def _any_in(*wanted: str) -> IsNull:
    """Tell whether any message of the batch is in one of these states. A scalar subquery: for EXISTS the
    planner may read the messages of all batches there are."""
    statuses = [status.value for status, word in words.STATES.items() if word in wanted]
    condition = Q(status__in=statuses) & ~_OPTED_OUT & ~_CANCELLING
    if words.OPTED_OUT in wanted:
        condition |= _OPTED_OUT
    if words.CANCELLING in wanted:
        condition |= _CANCELLING
    found = Message.objects.filter(condition, batch=OuterRef("pk"))
    return IsNull(Subquery(found.values("pk")[:1]), False)
