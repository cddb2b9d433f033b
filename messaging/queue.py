"""Raw SQL: what moves messages through the queue once messaging.intake has put them there; each
statement says what it promises.

Time always comes in as a parameter: the database's clock is never asked (http_api.clock).
LIMITs are literals: with a prepared parameter the planner guesses, and a claim becomes a scan.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import connection

# An attempt that was gone past may have sent this message (messaging.services.settle.is_in_doubt).
_IN_DOUBT = """
    EXISTS (SELECT FROM messaging_attempt AS a
        WHERE a.message_id = m.id AND a.is_superseded AND a.state <> 'released')"""

# --- claiming ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in a phone's hands, with the fencing number of this attempt."""

    message_id: int
    attempt: int
    phone: str
    text: str
    sim: int | None
    priority: int
    any_hour: bool
    send_before: dt.datetime | None
    leased_until: dt.datetime
    is_called_off: bool = False  # cancelled, or settled otherwise, since it was claimed


def promote(now: dt.datetime, *, license_id: int | None = None) -> int:
    """scheduled → pending for at most 1,000 messages that are due; answers how many.

    Run before each claim of a licence, and for all licences by the clock. Rows that another
    promotion holds are skipped: they are being promoted.
    """
    mine = "" if license_id is None else "AND license_id = %(license_id)s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH due AS (
                SELECT id FROM messaging_message
                WHERE status = 'scheduled' {mine} AND due_at <= %(now)s
                ORDER BY due_at LIMIT 1000 FOR UPDATE SKIP LOCKED),
            promoted AS (
                UPDATE messaging_message AS m SET status = 'pending'
                FROM due WHERE m.id = due.id RETURNING m.id)
            INSERT INTO messaging_statechange (message_id, from_state, to_state, at, cause)
            SELECT id, 'scheduled', 'pending', %(now)s, 'due' FROM promoted
            """,
            {"now": now, "license_id": license_id},
        )
        return int(cursor.rowcount)


def claim(
    *,
    license_id: int,
    device_id: int,
    install_id: str,
    claim_pk: int,
    limit: int,
    only_any_hour: bool,
    now: dt.datetime,
    leased_until: dt.datetime,
) -> tuple[list[Claimed], int]:
    """pending → leased for at most `limit` messages, highest priority first, then oldest.

    No row is ever given to two claims (FOR UPDATE SKIP LOCKED; the unique (message, n) backs it).
    Opt-outs and deadlines are checked once more: such a message ends as cancelled or expired here,
    or as uncertain where an earlier attempt may have sent it.
    Answers what was leased, in order, and how many rows were looked at.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH candidate AS (
                SELECT id, CASE
                    WHEN EXISTS (SELECT FROM messaging_optout AS o
                        WHERE o.account_id = m.account_id AND o.phone = m.phone) THEN 'cancelled'
                    WHEN send_before <= %(now)s THEN 'expired'
                    ELSE 'leased' END AS verdict
                FROM messaging_message AS m
                WHERE license_id = %(license_id)s AND status = 'pending'
                    {"AND any_hour" if only_any_hour else ""}
                ORDER BY priority DESC, id LIMIT {int(limit)} FOR UPDATE SKIP LOCKED),
            judged AS (
                SELECT id, verdict, CASE WHEN verdict <> 'leased' AND {_IN_DOUBT}
                    THEN 'uncertain' ELSE verdict END AS outcome
                FROM candidate AS m),
            taken AS (
                UPDATE messaging_message AS m SET
                    status = outcome,
                    attempt_n = attempt_n + (outcome = 'leased')::int,
                    failure_reason = CASE WHEN verdict = 'cancelled' THEN 'opted_out'
                        WHEN outcome = 'uncertain' THEN 'expired' ELSE '' END,
                    cancel_requested = verdict = 'cancelled' AND outcome = 'uncertain',
                    finished_at = CASE WHEN outcome IN ('cancelled', 'expired') THEN %(now)s END
                FROM judged WHERE m.id = judged.id
                RETURNING m.*, verdict),
            attempts AS (
                INSERT INTO messaging_attempt (message_id, n, device_id, install_id, claim_id,
                    leased_at, leased_until, state, is_superseded)
                SELECT id, attempt_n, %(device_id)s, %(install_id)s, %(claim_pk)s,
                    %(now)s, %(leased_until)s, 'leased', false
                FROM taken WHERE verdict = 'leased'),
            history AS (
                INSERT INTO messaging_statechange (message_id, from_state, to_state, at, cause)
                SELECT id, 'pending', status, %(now)s,
                    CASE verdict WHEN 'leased' THEN 'claim' WHEN 'cancelled' THEN 'opted_out'
                        ELSE 'send_before' END
                FROM taken)
            SELECT id, attempt_n, phone, text, sim, priority, any_hour, send_before,
                %(leased_until)s, verdict
            FROM taken
            """,
            {
                "license_id": license_id,
                "device_id": device_id,
                "install_id": install_id,
                "claim_pk": claim_pk,
                "now": now,
                "leased_until": leased_until,
            },
        )
        rows = cursor.fetchall()
    leased = [Claimed(*row[:-1]) for row in rows if row[-1] == "leased"]
    # RETURNING keeps no order.
    leased.sort(key=lambda claimed: (-claimed.priority, claimed.message_id))
    return leased, len(rows)


def claimed_before(claim_pk: int) -> list[Claimed]:
    """What this claim leased and, as far as is known, no phone has started: to hand out again."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.id, a.n, m.phone, m.text, m.sim, m.priority, m.any_hour, m.send_before,
                a.leased_until, m.cancel_requested OR m.status <> 'leased'
            FROM messaging_attempt AS a JOIN messaging_message AS m ON m.id = a.message_id
            WHERE a.claim_id = %s AND a.n = m.attempt_n AND NOT a.is_superseded
                AND (a.state = 'leased' OR a.state = 'uncertain' AND NOT EXISTS (
                    SELECT FROM messaging_event AS e
                    WHERE e.message_id = m.id AND e.attempt = a.n AND e.type <> 'lease_expired'))
            ORDER BY m.priority DESC, m.id
            """,
            [claim_pk],
        )
        return [Claimed(*row) for row in cursor.fetchall()]


def is_ready(license_id: int, now: dt.datetime, *, only_any_hour: bool) -> bool:
    """Whether a claim of this licence would find anything now."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT EXISTS (SELECT FROM messaging_message
                    WHERE license_id = %(license_id)s AND status = 'pending'
                    {"AND any_hour" if only_any_hour else ""})
                OR EXISTS (SELECT FROM messaging_message
                    WHERE license_id = %(license_id)s AND status = 'scheduled'
                    AND due_at <= %(now)s {"AND any_hour" if only_any_hour else ""})
            """,
            {"license_id": license_id, "now": now},
        )
        return bool(cursor.fetchone()[0])


def next_due(license_id: int, *, before: dt.datetime, only_any_hour: bool) -> dt.datetime | None:
    """When this licence's next scheduled message becomes due, if that is `before`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT due_at FROM messaging_message
            WHERE license_id = %s AND status = 'scheduled' AND due_at < %s
                {"AND any_hour" if only_any_hour else ""}
            ORDER BY due_at LIMIT 1
            """,
            [license_id, before],
        )
        row = cursor.fetchone()
    return row[0] if row else None


# --- changing states ---------------------------------------------------------------------------


def change(changes: Sequence[Change], now: dt.datetime) -> set[int]:
    """Compare-and-set: move each message that is still in `from_state`, and write its history.

    Every change of a state that is not a promotion or a claim goes through here. Answers the ids
    that moved; a change to the same state sets its columns and writes no history.
    """
    if not changes:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH wanted AS (
                SELECT * FROM json_to_recordset(%(changes)s) AS w(id bigint, from_state text,
                    to_state text, cause text, due_at timestamptz, failure_reason text,
                    sent_at timestamptz, delivered_at timestamptz, finished_at timestamptz,
                    cancel_requested bool, parts smallint)),
            moved AS (
                UPDATE messaging_message AS m SET
                    status = w.to_state,
                    due_at = coalesce(w.due_at, m.due_at),
                    failure_reason = coalesce(w.failure_reason, m.failure_reason),
                    sent_at = coalesce(m.sent_at, w.sent_at),
                    delivered_at = coalesce(m.delivered_at, w.delivered_at),
                    finished_at = coalesce(w.finished_at, m.finished_at),
                    cancel_requested = coalesce(w.cancel_requested, m.cancel_requested),
                    parts = coalesce(w.parts, m.parts)
                FROM wanted AS w WHERE m.id = w.id AND m.status = w.from_state
                RETURNING m.id, w.from_state, w.to_state, w.cause),
            history AS (
                INSERT INTO messaging_statechange (message_id, from_state, to_state, at, cause)
                SELECT id, from_state, to_state, %(now)s, cause FROM moved
                WHERE from_state <> to_state)
            SELECT id FROM moved
            """,
            {"changes": json.dumps([asdict(change) for change in changes]), "now": now},
        )
        return {row[0] for row in cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class Change:
    """A move of one message from a state to another, with what is set beside it.

    Times are ISO 8601; None leaves a column as it is. A time of sending, once set, stays.
    """

    id: int
    from_state: str
    to_state: str
    cause: str
    due_at: str | None = None
    failure_reason: str | None = None
    sent_at: str | None = None
    delivered_at: str | None = None
    finished_at: str | None = None
    cancel_requested: bool | None = None
    parts: int | None = None


def set_attempts(states: Iterable[tuple[int, str, bool]]) -> None:
    """Set state and `is_superseded` of attempts by id; the caller holds their messages' rows."""
    rows = [{"id": pk, "state": state, "is_superseded": gone} for pk, state, gone in states]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE messaging_attempt AS a SET state = w.state, is_superseded = w.is_superseded
            FROM json_to_recordset(%s) AS w(id bigint, state text, is_superseded bool)
            WHERE a.id = w.id
            """,
            [json.dumps(rows)],
        )


# --- opt-outs and retention --------------------------------------------------------------------


def cancel_for_opt_out(account_id: int, phone: str, now: dt.datetime) -> int:
    """scheduled, pending → cancelled for all that waits for this recipient, or → uncertain where an
    earlier attempt may have sent it; answers how many.

    What a phone already holds is asked back; it is cancelled when the phone has released it. All
    of it is locked first: what a claim or a release is moving meanwhile is judged by where it ends.
    Inside a transaction.
    """
    concerned = """
        SELECT id, status FROM messaging_message
        WHERE license_id IN (SELECT id FROM licenses_license WHERE account_id = %(account)s)
            AND phone = %(phone)s AND status IN ('scheduled', 'pending', 'leased')
        ORDER BY id FOR UPDATE
        """
    values: dict[str, Any] = {"account": account_id, "phone": phone, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(concerned, values)
        cursor.execute(
            f"""
            WITH concerned AS ({concerned}),
            judged AS (
                SELECT id, status AS before, CASE WHEN {_IN_DOUBT} THEN 'uncertain'
                    ELSE 'cancelled' END AS after
                FROM concerned AS m WHERE status <> 'leased'),
            asked_back AS (
                UPDATE messaging_message AS m SET cancel_requested = true,
                    failure_reason = 'opted_out'
                FROM concerned AS c
                WHERE m.id = c.id AND c.status = 'leased' AND NOT m.cancel_requested),
            ended AS (
                UPDATE messaging_message AS m SET status = after, failure_reason = 'opted_out',
                    cancel_requested = m.cancel_requested OR after = 'uncertain',
                    finished_at = CASE after WHEN 'cancelled' THEN %(now)s END
                FROM judged AS j WHERE m.id = j.id
                RETURNING m.id, before, after)
            INSERT INTO messaging_statechange (message_id, from_state, to_state, at, cause)
            SELECT id, before, after, %(now)s, 'opted_out' FROM ended
            """,
            values,
        )
        return int(cursor.rowcount)


def erase_finished(now: dt.datetime) -> int:
    """Erase phone and text of at most 1,000 messages that finished long enough ago.

    The row stays: its external_id is remembered for ever. Answers how many were erased. What a batch
    was to say goes with them; it was accepted before any of its messages could finish.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE messaging_batch AS b SET text = '' FROM licenses_account AS a
            WHERE a.id = b.account_id AND b.text <> ''
                AND b.created_at < %(now)s - make_interval(days => a.retention_days)
                AND NOT EXISTS (SELECT FROM messaging_message AS m
                    WHERE m.batch_id = b.id AND m.finished_at IS NULL)
            """,
            {"now": now},
        )
        cursor.execute(
            """
            WITH old AS (
                SELECT m.id FROM messaging_message AS m
                JOIN licenses_account AS a ON a.id = m.account_id
                WHERE m.finished_at < %(now)s - make_interval(days => a.retention_days)
                    AND m.phone <> ''
                ORDER BY m.finished_at LIMIT 1000 FOR UPDATE OF m SKIP LOCKED)
            UPDATE messaging_message AS m SET phone = '', text = '' FROM old WHERE m.id = old.id
            """,
            {"now": now},
        )
        return int(cursor.rowcount)


def known_events(device_id: int, event_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these event ids this device has reported before, in messages or inbound SMS."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT event_id FROM messaging_event
            WHERE device_id = %(device)s AND event_id = ANY(%(ids)s::uuid[])
            UNION ALL
            SELECT event_id FROM messaging_inboundmessage
            WHERE device_id = %(device)s AND event_id = ANY(%(ids)s::uuid[])
            """,
            {"device": device_id, "ids": [str(event_id) for event_id in event_ids]},
        )
        return {row[0] for row in cursor.fetchall()}
