"""Which figure a state belongs to, and of which days: in UTC, as messages are counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from http_api import clock
from messaging.states import MessageState

SERIES_OF = {
    MessageState.DELIVERED.value: "delivered",
    MessageState.SENT.value: "sent",
    MessageState.UNDELIVERED.value: "failed",
    MessageState.FAILED.value: "failed",
    MessageState.EXPIRED.value: "failed",
    MessageState.UNCERTAIN.value: "uncertain",
}


def today() -> dt.date:
    return clock.now().date()


def last_days(number: int) -> list[dt.date]:
    return [today() - dt.timedelta(days=back) for back in reversed(range(number))]


def delivery_rate(totals: Mapping[str, int]) -> int | None:
    """Return how many per cent were delivered, of those of which that is known; None: of none."""
    known = totals["delivered"] + totals["failed"]
    return round(100 * totals["delivered"] / known) if known else None
