"""Raw SQL: count messages by day in UTC and the state that they reached, each once: by licence, and by
phone and SIM.

A task walks what was added to a growing table, and adds it up with its place in one transaction. A
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
from messaging.progress import Walked, advance, last_id, take
from messaging.states import PROVEN, MessageState

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
    piece: str  # id, and what `counted` reads of it
    counted: str


COUNT = """
    WITH piece AS MATERIALIZED (
        {piece}
        ORDER BY id LIMIT %(piece)s),
    counted AS (
        {counted})
    SELECT count(*) AS number, max(id) AS last_id FROM piece
    """

# The row without licence and day is the sum of all.
BY_LICENSE = """
        INSERT INTO messaging_dailycount AS c (license_id, day, state, number)
        SELECT license_id, day, state, count(*)
        FROM (SELECT license_id, (at AT TIME ZONE 'UTC')::date AS day, state FROM piece) AS piece
        GROUP BY GROUPING SETS ((license_id, day, state), (state))
        ON CONFLICT (license_id, day, state) DO UPDATE SET number = c.number + excluded.number
        """

# For the phone that had the message last, at the time. What is told as delivered at once was sent, too.
BY_PHONE = """
        INSERT INTO messaging_phonecount AS c (device_id, day, sim, state, number, parts)
        SELECT a.device_id, (piece.at AT TIME ZONE 'UTC')::date AS day, m.sim, reached.state,
            count(*), sum(m.parts)
        FROM piece JOIN messaging_message AS m ON m.id = piece.message_id
        CROSS JOIN LATERAL (SELECT device_id FROM messaging_attempt AS a
            WHERE a.message_id = piece.message_id AND a.leased_at <= piece.at
            ORDER BY n DESC LIMIT 1) AS a
        CROSS JOIN LATERAL (SELECT to_state AS state UNION SELECT 'sent'
            WHERE to_state = ANY (%(proven)s) AND from_state <> ALL (%(proven)s)) AS reached
        WHERE to_state = ANY (%(by_phones)s)
        GROUP BY a.device_id, day, m.sim, reached.state
        ON CONFLICT (device_id, day, sim, state)
            DO UPDATE SET number = c.number + excluded.number, parts = c.parts + excluded.parts
        """

BY_PHONES = PROVEN | {MessageState.FAILED, MessageState.UNCERTAIN}

NEWEST_CHANGE = "SELECT coalesce(max(id), 0) FROM messaging_statechange"

TAILS = {
    "count_accepted": _Tail(
        table="messaging_message",
        newest="SELECT coalesce(max(id), 0) FROM messaging_message",
        piece="""
        SELECT id, license_id, created_at AS at, 'accepted' AS state FROM messaging_message
        WHERE id > %(last_id)s AND id <= %(settled_id)s
        """,
        counted=BY_LICENSE,
    ),
    "count_changes": _Tail(
        table="messaging_statechange",
        newest=NEWEST_CHANGE,
        piece="""
        SELECT s.id, m.license_id, s.at, s.to_state AS state FROM messaging_statechange AS s
        JOIN messaging_message AS m ON m.id = s.message_id
        WHERE s.id > %(last_id)s AND s.id <= %(settled_id)s
        """,
        counted=BY_LICENSE,
    ),
    "count_by_phone": _Tail(
        table="messaging_statechange",
        newest=NEWEST_CHANGE,
        piece="""
        SELECT id, message_id, at, from_state, to_state FROM messaging_statechange
        WHERE id > %(last_id)s AND id <= %(settled_id)s
        """,
        counted=BY_PHONE,
    ),
}

_OF_CHANGES = [task for task, tail in TAILS.items() if tail.newest == NEWEST_CHANGE]


def count() -> int:
    """Count a piece of each table; return how many rows that were. May run twice at once."""
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
            "proven": list(PROVEN),
            "by_phones": list(BY_PHONES),
        }
        cursor.execute(
            COUNT.replace("{piece}", tail.piece).replace("{counted}", tail.counted), values
        )
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


def counted_id() -> int:
    """Return the id up to which changes of state are counted in each way."""
    return min(last_id(task) for task in _OF_CHANGES)


def totals() -> dict[str, int]:
    """Return how many messages were accepted and reached each state, ever."""
    counted = DailyCount.objects.filter(license=None).values_list("state", "number")
    return _NONE_YET | dict(counted)


def of_license(license_id: int) -> dict[str, int]:
    """Return the same of one licence: as of the last count, some seconds ago."""
    days = DailyCount.objects.filter(license_id=license_id)
    return _NONE_YET | dict(days.values_list("state").annotate(Sum("number")))
