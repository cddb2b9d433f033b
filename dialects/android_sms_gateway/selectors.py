"""A licence's messages and its phones, as this vendor's clients ask for it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.lookups import IsNull

from dialects.android_sms_gateway import states, words
from dialects.android_sms_gateway.requests import MessageQuery, device_id
from http_api.pagination import numbered, numbered_of
from licenses.sender import Sender
from messaging import selectors
from messaging.models import Attempt, Batch


def page(sender: Sender, wanted: MessageQuery, size: int) -> tuple[list[Batch], int]:
    """Return the page of batches that a query is about, in its order, and how many there are. Raise
    ApiError `invalid` beyond the last page."""
    mine = selectors.batches(sender.license_id, words.NAME)
    found = selectors.between(
        mine,
        wanted.start.at if wanted.start else None,
        wanted.to.at if wanted.to else None,
    ).order_by("pk" if wanted.sort == "created_at" else "-pk")
    if wanted.state is None and wanted.device_id is None:
        return numbered(found, wanted.rows(size))
    return numbered_of(mine, _in_state(found, wanted), wanted.rows(size))


def _in_state(found: QuerySet[Batch], wanted: MessageQuery) -> list[int]:
    """Return the ids of those in this state and of this phone, for which no index is: of the first."""
    of_phone: Any = Value(True)
    if wanted.device_id is not None:
        attempts = Attempt.objects.filter(
            message=OuterRef("pk"), device=device_id(wanted.device_id)
        )
        of_phone = IsNull(Subquery(attempts.values("pk")[:1]), False)
    messages, _ = selectors.columns_along(
        found, of_phone, "status", "cancel_requested", "failure_reason"
    )
    return [
        batch_id for batch_id, mine in messages.items() if _is_wanted(wanted.state, frozenset(mine))
    ]


@lru_cache(1000)
def _is_wanted(state: str | None, messages: frozenset[tuple[bool, str, bool, str]]) -> bool:
    """Cached, for thousands of batches are alike."""
    is_of_phone = any(message[0] for message in messages)
    return is_of_phone and state in {None, states.of_all([states.shown(*m[1:]) for m in messages])}
