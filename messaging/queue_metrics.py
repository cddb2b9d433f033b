"""Figures of the queue, for metrics. Raw SQL: counts that stay cheap at ten million rows.

Nothing here counts a whole table: gauges count partial indexes and stop at `MOST`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import connection

from messaging.states import MessageState

MOST = 100_000  # counting stops here: a gauge of this value means "at least"

# Each of these states has a partial index that holds nothing but its rows.
WATCHED = (
    MessageState.SCHEDULED,
    MessageState.PENDING,
    MessageState.LEASED,
    MessageState.SENDING,
    MessageState.UNCERTAIN,
)


def depth(state: MessageState) -> int:
    """Return how many messages are in this state, or MOST. Reads an index and no row."""
    number: int = _value(_DEPTH, {"state": state.value, "most": MOST})
    return number


_DEPTH = """
SELECT count(*) FROM (
    SELECT FROM messaging_message WHERE status = %(state)s LIMIT %(most)s
) AS found"""


def oldest_due() -> dt.datetime | None:
    """Return since when the message at the head of some licence's queue waits: the longest of them."""
    since: dt.datetime | None = _value(_OLDEST_DUE, {"most": MOST})
    return since


# From head to head along the claim's index (one for each licence and priority), and nothing of what
# waits behind them.
_OLDEST_DUE = """
WITH RECURSIVE head AS (
    (
        SELECT license_id, priority, due_at FROM messaging_message
        WHERE status = 'pending'
        ORDER BY license_id, priority DESC, id LIMIT 1
    )
    UNION ALL
    SELECT next.* FROM head CROSS JOIN LATERAL (
        (
            SELECT license_id, priority, due_at FROM messaging_message
            WHERE status = 'pending' AND license_id = head.license_id AND priority < head.priority
            ORDER BY priority DESC, id LIMIT 1
        )
        UNION ALL
        (
            SELECT license_id, priority, due_at FROM messaging_message
            WHERE status = 'pending' AND license_id > head.license_id
            ORDER BY license_id, priority DESC, id LIMIT 1
        )
        LIMIT 1
    ) AS next
)
SELECT min(due_at) FROM (SELECT due_at FROM head LIMIT %(most)s) AS heads"""


def _value(statement: str, values: Mapping[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        (value,) = cursor.fetchone()
    return value
