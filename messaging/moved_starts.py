"""The waiting messages that other sending hours, or another time zone, move."""

from __future__ import annotations

from collections import Counter

from http_api import clock
from licenses.models import Account
from licenses.sending_hours import sending_hours
from messaging.selectors import MessageFilter, messages
from messaging.states import MessageState

COUNTED = 10_000  # so many are looked at; more than these are "10000+"


def moved_starts(before: Account, after: Account) -> int:
    """Return how many waiting messages a phone may start at another moment by the new hours than by the
    former, of the first `COUNTED`. What its owner has timed outside the hours keeps its moment."""
    now = clock.now()
    former, new = (sending_hours(one.sending_hours, one.zone) for one in (before, after))
    if former == new:
        return 0
    waiting = messages(after.pk, MessageFilter(status=MessageState.PENDING)).filter(any_hour=False)
    starts = Counter(max(due, now) for due in waiting.values_list("due_at", flat=True)[:COUNTED])
    return sum(
        number
        for start, number in starts.items()
        if (former.next_opening(start) if former else start)
        != (new.next_opening(start) if new else start)
    )
