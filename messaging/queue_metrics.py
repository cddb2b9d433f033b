"""Figures of the queue, for metrics. Raw SQL: counts that stay cheap at ten million rows.

Nothing here counts a whole table: gauges count partial indexes and stop at `MOST`; counters read only
the rows that were added since they were read before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection

from http_api.rows import fetch_all
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

# Rows become visible at commit, not in the order of their ids, so a counter could skip one that commits
# late. It leaves the newest rows for later; no transaction takes this long.
_SETTLED = dt.timedelta(seconds=10)


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


@dataclass(slots=True)
class Tail:
    """Counts what was added to a growing table since this object was made."""

    newest: str  # a statement: the highest id
    added: str  # a statement: how many came after an id, by label
    _last_id: int | None = None

    def read(self, now: dt.datetime) -> dict[str, int]:
        """Return how many were added since the last call, by label; the first call only begins."""
        if self._last_id is None:
            self._last_id = _value(self.newest, {})
            return {}
        values: dict[str, Any] = {"last": self._last_id, "settled": now - _SETTLED, "most": MOST}
        with connection.cursor() as cursor:
            cursor.execute(self.added, values)
            added = fetch_all(cursor, _Added)
        self._last_id = max([self._last_id, *(each.last_id for each in added)])
        return {each.label: each.number for each in added}


class _Added(NamedTuple):
    label: str
    number: int
    last_id: int


def accepted() -> Tail:
    """Count accepted messages."""
    return Tail(
        newest="SELECT coalesce(max(id), 0) FROM messaging_message",
        added="""
        SELECT 'accepted' AS label, count(*) AS number, max(id) AS last_id FROM (
            SELECT id FROM messaging_message
            WHERE id > %(last)s AND created_at < %(settled)s ORDER BY id LIMIT %(most)s
        ) AS added
        HAVING count(*) > 0
        """,
    )


def changes() -> Tail:
    """Count changes of messages' states, by the state that was reached."""
    return Tail(
        newest="SELECT coalesce(max(id), 0) FROM messaging_statechange",
        added="""
        SELECT to_state AS label, count(*) AS number, max(id) AS last_id FROM (
            SELECT id, to_state FROM messaging_statechange
            WHERE id > %(last)s AND at < %(settled)s ORDER BY id LIMIT %(most)s
        ) AS added
        GROUP BY to_state
        """,
    )
