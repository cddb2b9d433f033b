"""Raw SQL: the end of the details of messages that finished long ago.

Details are a message's attempts with their claims, its reports and its changes of state. A message whose
details have ended stays as it is: reports find no attempt, and nobody sends it again. Time always comes
in as a parameter: the database's clock is never asked (http_api.clock).
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from django.db import connection, transaction

from http_api.rows import fetch_all
from messaging.daily_counts import counted_id
from messaging.progress import HIGHEST, Walked, advance, last_id, take

PIECE = 4_000

# The next changes of state, up to the first that is not old. A message's last one makes it final, so
# that one that is not over yet is met again. Nothing ends before it is counted (messaging.daily_counts).
NEXT = """
    WITH next AS MATERIALIZED (
        SELECT id, message_id, at FROM messaging_statechange
        WHERE id > %(last_id)s AND id <= %(counted_id)s ORDER BY id LIMIT %(piece)s),
    old AS (
        SELECT id, message_id FROM next
        WHERE id < coalesce((SELECT min(id) FROM next WHERE at >= %(before)s), %(highest)s))
    SELECT count(*) AS number, max(id) AS last_id,
        coalesce(array_agg(DISTINCT message_id), '{}') AS message_ids
    FROM old
    """

# Locked in the order of their ids, as everybody does: no report moves one of them meanwhile.
LOCK_FINISHED = """
    SELECT id FROM messaging_message AS m
    WHERE id = ANY (%(message_ids)s::bigint[]) AND finished_at < %(before)s
        AND NOT EXISTS (SELECT FROM messaging_statechange AS s
            WHERE s.message_id = m.id AND s.id > %(counted_id)s)
    ORDER BY id FOR UPDATE
    """

DELETE_CHANGES = """
    DELETE FROM messaging_statechange WHERE message_id = ANY (%(message_ids)s::bigint[])
    """

# A quarantined report names a message that may be another's.
DELETE_REPORTS = """
    DELETE FROM messaging_event
    WHERE message_id = ANY (%(message_ids)s::bigint[]) AND quarantine = ''
    """

DELETE_ATTEMPTS = """
    DELETE FROM messaging_attempt WHERE message_id = ANY (%(message_ids)s::bigint[]) RETURNING claim_id
    """

DELETE_CLAIMS = """
    DELETE FROM messaging_claim AS c WHERE id = ANY (%(claim_ids)s::bigint[])
        AND NOT EXISTS (SELECT FROM messaging_attempt AS a WHERE a.claim_id = c.id)
    """

# For how long the next ones should have ended.
LATE = """
    SELECT %(before)s - at FROM messaging_statechange WHERE id > %(last_id)s ORDER BY id LIMIT 1
    """


class _Next(NamedTuple):
    """A row of NEXT."""

    number: int
    last_id: int | None
    message_ids: list[int]


@transaction.atomic
def end_details(before: dt.datetime) -> int:
    """Delete the details of some messages that finished before then; return how much was looked at."""
    progress = take("end_details")
    if progress is None:
        return 0
    values: dict[str, Any] = {
        "last_id": progress.last_id,
        "counted_id": counted_id(),
        "before": before,
        "piece": PIECE,
        "highest": HIGHEST,
    }
    with connection.cursor() as cursor:
        cursor.execute(NEXT, values)
        piece = fetch_all(cursor, _Next)[0]
        cursor.execute(LOCK_FINISHED, values | {"message_ids": piece.message_ids})
        finished = {"message_ids": [message_id for (message_id,) in cursor.fetchall()]}
        cursor.execute(DELETE_CHANGES, finished)
        cursor.execute(DELETE_REPORTS, finished)
        cursor.execute(DELETE_ATTEMPTS, finished)
        claim_ids = {claim_id for (claim_id,) in cursor.fetchall() if claim_id is not None}
        cursor.execute(DELETE_CLAIMS, {"claim_ids": sorted(claim_ids)})
    return advance(progress, Walked(piece.number, piece.last_id))


def late(before: dt.datetime) -> dt.timedelta:
    """Return for how long the oldest details that are left to be looked at should have ended."""
    with connection.cursor() as cursor:
        cursor.execute(LATE, {"before": before, "last_id": last_id("end_details")})
        found = cursor.fetchone()
    return max(dt.timedelta(), found[0]) if found else dt.timedelta()
