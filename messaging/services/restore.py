"""What must happen to a database that was put back from a backup before anybody works on it.

Between the backup and now phones may have sent what the backup says is waiting, and they have forgotten
it: a tombstone lives until it is acknowledged. So nothing that may have been taken is handed out again
(docs/adr/0007-a-restore-holds-what-may-have-been-sent.md). Raw SQL: whole tables at once, and sequences.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import connection, transaction

# Ids that were given out since the backup are known to phones and programs: they must never name
# another message, phone or account.
MESSAGE_IDS = 100_000_000
OTHER_IDS = 1_000

# Attempts that were made since the backup, too: a message had at most four an hour.
ATTEMPTS = 1_000

# In doubt: everything that was due. What only becomes due later no phone has seen.
_IN_DOUBT = """
    (status IN ('pending', 'leased', 'sending') OR status = 'scheduled' AND due_at <= %(now)s)"""

# Its owner would rather have it twice than not (messaging.services.settle says the same).
_MAY_GO_AGAIN = """
    (on_uncertain = 'resend' AND NOT cancel_requested
        AND (send_before IS NULL OR send_before > %(now)s))"""


@dataclass(frozen=True, slots=True)
class Held:
    uncertain: int  # for their owners to decide
    again: int  # `on_uncertain = resend`: these go again
    scheduled: int  # not due yet: these go when they are


@transaction.atomic
def hold_what_may_have_been_sent(now: dt.datetime) -> Held:
    """Make everything that was due uncertain, and put all numbers out of the reach of old ones."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE messaging_message, messaging_attempt IN EXCLUSIVE MODE")
        cursor.execute(
            """
            WITH open AS (
                UPDATE messaging_attempt SET state = 'uncertain', is_superseded = true
                WHERE state IN ('leased', 'sending') RETURNING message_id, n)
            INSERT INTO messaging_event (device_id, event_id, type, message_id, attempt, code,
                wall_time, quarantine, received_at)
            SELECT NULL, gen_random_uuid(), 'lease_expired', message_id, n, '', '', '', %(now)s
            FROM open
            """,
            {"now": now},
        )
        cursor.execute(
            f"""
            WITH unfinished AS (
                SELECT id, status AS before, CASE
                    WHEN NOT {_IN_DOUBT} THEN status
                    WHEN {_MAY_GO_AGAIN} THEN 'pending'
                    ELSE 'uncertain' END AS after
                FROM messaging_message
                WHERE status IN ('scheduled', 'pending', 'leased', 'sending', 'uncertain')),
            moved AS (
                UPDATE messaging_message AS m
                SET status = after, attempt_n = attempt_n + %(attempts)s
                FROM unfinished AS u WHERE m.id = u.id RETURNING m.id, before, after),
            history AS (
                INSERT INTO messaging_statechange (message_id, from_state, to_state, at, cause)
                SELECT id, before, after, %(now)s, 'restored' FROM moved WHERE before <> after)
            SELECT count(*) FILTER (WHERE after = 'uncertain' AND before <> 'uncertain'),
                count(*) FILTER (WHERE after = 'pending'),
                count(*) FILTER (WHERE after = 'scheduled') FROM moved
            """,
            {"now": now, "attempts": ATTEMPTS},
        )
        held = Held(*cursor.fetchone())
        _put_ids_out_of_reach()
    return held


def _put_ids_out_of_reach() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences"
            " WHERE schemaname = current_schema()"
        )
        for name, last in cursor.fetchall():
            jump = MESSAGE_IDS if name == "messaging_message_id_seq" else OTHER_IDS
            if name.startswith(("django_", "auth_permission", "auth_group")):
                continue  # Django's own, which nobody outside knows; some count in 32 bits
            cursor.execute("SELECT setval(%s, %s)", [name, last + jump])
