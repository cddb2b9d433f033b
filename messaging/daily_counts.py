"""Raw SQL: count messages by licence, day in UTC and the state that they reached, each once.

A task walks what was added to two growing tables, and adds it up with its place in one transaction. A
row becomes visible at its commit, not in the order of its id, so the walk waits until all have ended who
were writing when it looked for the highest id: who has drawn a lower one holds a lock of the table.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from http_api.rows import fetch_all
from messaging.models import DailyCount
from messaging.progress import Walked, advance, take
from messaging.states import MessageState

_NONE_YET = dict.fromkeys([DailyCount.ACCEPTED, *(state.value for state in MessageState)], 0)

PIECE = 20_000

# Writers are waited for that long; then the next tick looks again.
PATIENCE_SECONDS = 2.0
_LOOK_SECONDS = 0.02

WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE relation = %(table)s::regclass AND mode = 'RowExclusiveLock' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND pid IS DISTINCT FROM pg_backend_pid()
    """


@dataclass(frozen=True, slots=True)
class _Tail:
    """A growing table: where it ends, and what of it is counted."""

    table: str
    newest: str
    piece: str  # id, license_id, at, state


# The row without licence and day is the sum of all.
COUNT = """
    WITH piece AS MATERIALIZED (
        {piece}
        ORDER BY id LIMIT %(piece)s),
    counted AS (
        INSERT INTO messaging_dailycount AS c (license_id, day, state, number)
        SELECT license_id, day, state, count(*)
        FROM (SELECT license_id, (at AT TIME ZONE 'UTC')::date AS day, state FROM piece) AS piece
        GROUP BY GROUPING SETS ((license_id, day, state), (state))
        ON CONFLICT (license_id, day, state) DO UPDATE SET number = c.number + excluded.number)
    SELECT count(*) AS number, max(id) AS last_id FROM piece
    """

TAILS = {
    "count_accepted": _Tail(
        table="messaging_message",
        newest="SELECT coalesce(max(id), 0) FROM messaging_message",
        piece="""
        SELECT id, license_id, created_at AS at, 'accepted' AS state FROM messaging_message
        WHERE id > %(last_id)s AND id <= %(settled_id)s
        """,
    ),
    "count_changes": _Tail(
        table="messaging_statechange",
        newest="SELECT coalesce(max(id), 0) FROM messaging_statechange",
        piece="""
        SELECT s.id, m.license_id, s.at, s.to_state AS state FROM messaging_statechange AS s
        JOIN messaging_message AS m ON m.id = s.message_id
        WHERE s.id > %(last_id)s AND s.id <= %(settled_id)s
        """,
    ),
}


def count() -> int:
    """Count a piece of each; return how many rows that were. May run twice at once."""
    return sum(_count(task, tail) for task, tail in TAILS.items())


def _count(task: str, tail: _Tail) -> int:
    settled_id = _settled_id(tail)
    if settled_id is None:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        progress = take(task)
        if progress is None:
            return 0
        values: dict[str, Any] = {
            "last_id": progress.last_id,
            "settled_id": settled_id,
            "piece": PIECE,
        }
        cursor.execute(COUNT.replace("{piece}", tail.piece), values)
        return advance(progress, fetch_all(cursor, Walked)[0])


def _settled_id(tail: _Tail) -> int | None:
    """Return the highest id, once no lower one can come; None: a writer takes long."""
    until = time.monotonic() + PATIENCE_SECONDS
    with connection.cursor() as cursor:
        cursor.execute(tail.newest)
        (newest,) = cursor.fetchone()
        left = _writers(cursor, tail.table)
        while left:
            if time.monotonic() >= until:
                return None
            time.sleep(_LOOK_SECONDS)
            left &= _writers(cursor, tail.table)
    return int(newest)


def _writers(cursor: Any, table: str) -> set[str]:
    cursor.execute(WRITERS, {"table": table})
    return {transaction_id for (transaction_id,) in cursor.fetchall()}


def totals() -> dict[str, int]:
    """Return how many messages were accepted and reached each state, ever."""
    counted = DailyCount.objects.filter(license=None).values_list("state", "number")
    return _NONE_YET | dict(counted)


def of_license(license_id: int) -> dict[str, int]:
    """Return the same of one licence: as of the last count, some seconds ago."""
    days = DailyCount.objects.filter(license_id=license_id)
    return _NONE_YET | dict(days.values_list("state").annotate(Sum("number")))
