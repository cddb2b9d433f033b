"""Raw SQL: erase what was kept for its time.

Each statement does a bounded piece, account by account along an index of account and time, since each
has days of its own: what the others keep for longer is not walked. Time always comes in as a parameter:
the database's clock is never asked (http_api.clock).
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from django.db import connection, transaction

from http_api.rows import fetch_all
from messaging.progress import HIGHEST, Walked, advance, take
from messaging.queue_metrics import MOST

PIECE = 2_000

# Phone and text. The row stays: its external_id is remembered for ever.
ERASE_MESSAGES = """
    WITH old AS MATERIALIZED (
        SELECT m.id FROM licenses_account AS a CROSS JOIN LATERAL (
            SELECT id FROM messaging_message
            WHERE account_id = a.id AND phone <> ''
                AND finished_at < %(now)s - a.retention_days * interval '24 hours'
            ORDER BY finished_at LIMIT %(piece)s FOR UPDATE SKIP LOCKED) AS m
        LIMIT %(piece)s)
    UPDATE messaging_message AS m SET phone = '', text = ''
    WHERE m.id = ANY (ARRAY(SELECT id FROM old))
    """

# Texts of batches without an open message. Their age counts from `created_at`: a batch is accepted
# before any of its messages finishes.
ERASE_BATCHES = """
    WITH old AS MATERIALIZED (
        SELECT b.id FROM licenses_account AS a CROSS JOIN LATERAL (
            SELECT id FROM messaging_batch
            WHERE account_id = a.id AND text <> ''
                AND created_at < %(now)s - a.retention_days * interval '24 hours'
                AND NOT EXISTS (SELECT FROM messaging_message AS m
                    WHERE m.batch_id = messaging_batch.id AND m.finished_at IS NULL)
            ORDER BY created_at LIMIT %(piece)s) AS b
        LIMIT %(piece)s)
    UPDATE messaging_batch AS b SET text = ''
    WHERE b.id = ANY (ARRAY(SELECT id FROM old))
    """

DELETE_INBOUND = """
    WITH old AS MATERIALIZED (
        SELECT i.id FROM licenses_account AS a CROSS JOIN LATERAL (
            SELECT id FROM messaging_inboundmessage
            WHERE account_id = a.id
                AND received_at < %(now)s - a.retention_days * interval '24 hours'
            ORDER BY received_at LIMIT %(piece)s) AS i
        LIMIT %(piece)s)
    DELETE FROM messaging_inboundmessage AS i WHERE i.id = ANY (ARRAY(SELECT id FROM old))
    """

# Of whom nothing is left, neither received nor sent by hand.
DELETE_THREADS = """
    WITH old AS MATERIALIZED (
        SELECT t.id FROM licenses_account AS a CROSS JOIN LATERAL (
            (SELECT id FROM messaging_thread
                WHERE account_id = a.id AND unread = 0 AND NOT is_archived
                    AND last_at < %(now)s - a.retention_days * interval '24 hours'
                ORDER BY last_at LIMIT %(piece)s)
            UNION ALL
            (SELECT id FROM messaging_thread
                WHERE account_id = a.id AND unread = 0 AND is_archived
                    AND last_at < %(now)s - a.retention_days * interval '24 hours'
                ORDER BY last_at LIMIT %(piece)s)
            UNION ALL
            (SELECT id FROM messaging_thread
                WHERE account_id = a.id AND unread > 0
                    AND last_at < %(now)s - a.retention_days * interval '24 hours'
                ORDER BY last_at LIMIT %(piece)s)) AS t
        LIMIT %(piece)s)
    DELETE FROM messaging_thread AS t WHERE t.id = ANY (ARRAY(SELECT id FROM old))
    """

# Claims that leased nothing, or whose attempts are gone, from where the last piece ended.
DELETE_CLAIMS = """
    WITH next AS MATERIALIZED (
        SELECT id, claimed_at FROM messaging_claim
        WHERE id > %(last_id)s ORDER BY id LIMIT %(piece)s),
    old AS MATERIALIZED (
        SELECT id FROM next
        WHERE id < coalesce((SELECT min(id) FROM next WHERE claimed_at >= %(before)s), %(highest)s)),
    gone AS (
        DELETE FROM messaging_claim AS c
        WHERE c.id = ANY (ARRAY(SELECT id FROM old))
            AND NOT EXISTS (SELECT FROM messaging_attempt AS a WHERE a.claim_id = c.id))
    SELECT count(*) AS number, max(id) AS last_id FROM old
    """

# How many messages should have been erased, counted up to a limit, and for how long the oldest of them.
OVERDUE = """
    SELECT count(*) AS number, coalesce(max(late), interval '0') AS late FROM (
        SELECT %(now)s - a.retention_days * interval '24 hours' - m.finished_at AS late
        FROM licenses_account AS a CROSS JOIN LATERAL (
            SELECT finished_at FROM messaging_message
            WHERE account_id = a.id AND phone <> ''
                AND finished_at < %(now)s - a.retention_days * interval '24 hours'
            ORDER BY finished_at LIMIT %(most)s) AS m
        LIMIT %(most)s) AS overdue
    """


class Overdue(NamedTuple):
    """A row of OVERDUE."""

    number: int  # MOST: so many or more
    late: dt.timedelta


def erase_messages(now: dt.datetime) -> int:
    """Erase phone and text of finished messages; return of how many."""
    return _erase(ERASE_MESSAGES, now)


def erase_batches(now: dt.datetime) -> int:
    """Erase texts of batches; return of how many."""
    return _erase(ERASE_BATCHES, now)


def delete_inbound(now: dt.datetime) -> int:
    """Delete received SMS; return how many."""
    return _erase(DELETE_INBOUND, now)


def delete_threads(now: dt.datetime) -> int:
    """Delete conversations of which nothing is left; return how many."""
    return _erase(DELETE_THREADS, now)


@transaction.atomic
def delete_claims(before: dt.datetime) -> int:
    """Delete older claims of which no attempt is left; return how many were looked at, each once: those
    with attempts end with these (messaging.details)."""
    progress = take("delete_claims")
    if progress is None:
        return 0
    values: dict[str, Any] = {
        "last_id": progress.last_id,
        "before": before,
        "piece": PIECE,
        "highest": HIGHEST,
    }
    with connection.cursor() as cursor:
        cursor.execute(DELETE_CLAIMS, values)
        walked = fetch_all(cursor, Walked)[0]
    return advance(progress, walked)


def _erase(statement: str, now: dt.datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"now": now, "piece": PIECE})
        return int(cursor.rowcount)


def overdue(now: dt.datetime) -> Overdue:
    """Return how far the erasing of messages is behind."""
    with connection.cursor() as cursor:
        cursor.execute(OVERDUE, {"now": now, "most": MOST})
        return fetch_all(cursor, Overdue)[0]
