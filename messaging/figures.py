"""What the queue looks like, for metrics. Raw SQL: counts that stay cheap at ten million rows.

Nothing here counts a whole table: gauges count partial indexes and stop at `MOST`; counters read only
the rows that were added since they were read before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

from messaging.states import MessageState

MOST = 100_000  # a gauge that shows this says: so many, or more

# Each of these states has a partial index that holds nothing but its rows.
WATCHED = (
    MessageState.SCHEDULED,
    MessageState.PENDING,
    MessageState.LEASED,
    MessageState.SENDING,
    MessageState.UNCERTAIN,
)

# Rows become visible when their transaction commits, not in the order of their ids: a counter that
# went past one would never see it. None takes so long.
_SETTLED = dt.timedelta(seconds=10)


def depth(state: MessageState) -> int:
    """How many messages are in this state, or MOST. Reads an index and no row."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*) FROM (
                SELECT FROM messaging_message WHERE status = '{state.value}' LIMIT {MOST}
            ) AS found
            """
        )
        return int(cursor.fetchone()[0])


def oldest_due() -> dt.datetime | None:
    """Since when the message at the head of some licence's queue waits: the longest of them.

    Goes from head to head along the claim's index (one for each licence and priority), and reads
    nothing of what waits behind them.
    """
    columns = "SELECT license_id, priority, due_at FROM messaging_message WHERE status = 'pending'"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE head AS (
                ({columns} ORDER BY license_id, priority DESC, id LIMIT 1)
                UNION ALL
                SELECT next.* FROM head CROSS JOIN LATERAL (
                    ({columns} AND license_id = head.license_id AND priority < head.priority
                        ORDER BY priority DESC, id LIMIT 1)
                    UNION ALL
                    ({columns} AND license_id > head.license_id
                        ORDER BY license_id, priority DESC, id LIMIT 1)
                    LIMIT 1) AS next)
            SELECT min(due_at) FROM (SELECT due_at FROM head LIMIT {MOST}) AS heads
            """
        )
        row = cursor.fetchone()
    return row[0]  # type: ignore[no-any-return]


@dataclass(slots=True)
class Tail:
    """Counts what was added to a growing table since this object was made."""

    table: str
    label: str  # an expression: what to count by
    time: str
    _last_id: int | None = None

    def read(self, now: dt.datetime) -> Mapping[str, int]:
        """How many were added since the last call, by label; the first call only begins."""
        with connection.cursor() as cursor:
            if self._last_id is None:
                cursor.execute(f"SELECT coalesce(max(id), 0) FROM {self.table}")
                (self._last_id,) = cursor.fetchone()
                return {}
            cursor.execute(
                f"""
                SELECT label, count(*), max(id) FROM (
                    SELECT id, {self.label} AS label FROM {self.table}
                    WHERE id > %(last)s AND {self.time} < %(settled)s ORDER BY id LIMIT {MOST}
                ) AS added GROUP BY label
                """,
                {"last": self._last_id, "settled": now - _SETTLED},
            )
            rows = cursor.fetchall()
        self._last_id = max([self._last_id, *(row[2] for row in rows)])
        return {label: number for label, number, _ in rows}


def accepted() -> Tail:
    return Tail("messaging_message", "'accepted'", "created_at")


def changes() -> Tail:
    """Changes of messages' states, by the state that was reached."""
    return Tail("messaging_statechange", "to_state", "at")
