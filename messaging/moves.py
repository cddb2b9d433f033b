"""Raw SQL: the statements that write a message's state, each with the history that it makes.

Nothing else writes one, and each asks TRANSITIONS (tests/messaging/test_moves.py). Time always comes in
as a parameter: the database's clock is never asked (http_api.clock).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Sequence
from types import EllipsisType
from typing import Any, NamedTuple

from django.db import connection

from http_api.rows import fetch_all
from messaging.leases import DEFAULT_SIM, LeasedMessage, Sim, sim_number
from messaging.message_events import of_move
from messaging.states import FINAL, PROVEN, MessageState
from messaging.transitions import Cause, StateTransition, require_allowed

# Promote up to 1,000 due messages to pending. SKIP LOCKED: locked rows are being promoted already.
PROMOTE = """
    WITH due AS (
        SELECT id FROM messaging_message
        WHERE status = 'scheduled' AND due_at <= %(now)s
            AND (%(license_id)s IS NULL OR license_id = %(license_id)s)
        ORDER BY due_at LIMIT 1000 FOR UPDATE SKIP LOCKED),
    promoted AS (
        UPDATE messaging_message AS m SET status = 'pending'
        FROM due WHERE m.id = due.id RETURNING m.id)
    INSERT INTO messaging_statechange (message_id, from_state, to_state, at, cause)
    SELECT id, 'scheduled', 'pending', %(now)s, %(cause)s FROM promoted
    """

# Lease from the head of a licence's queue, highest priority first, then oldest. No row is ever leased to
# two claims (SKIP LOCKED; the unique (message, n) backs it). Messages whose recipient has opted out or
# whose deadline has passed are locked and returned without an attempt, for the caller to end them. A
# scalar subquery looks for the opt-out: EXISTS may be hashed, which reads all there are at each claim.
LEASE = """
    WITH candidate AS (
        SELECT id, coalesce(expires_at <= %(now)s, false) AS is_overdue,
            coalesce((SELECT true FROM messaging_optout AS o
                WHERE o.account_id = m.account_id AND o.phone = m.phone LIMIT 1), false) AS is_opted_out
        FROM messaging_message AS m
        WHERE license_id = %(license_id)s AND status = 'pending'
            AND (any_hour OR NOT %(only_any_hour)s)
            AND coalesce(sim, %(default_sim)s) <> ALL (%(not_for)s::int[])
            AND (%(only_for)s IS NULL OR coalesce(sim, %(default_sim)s) = %(only_for)s)
        ORDER BY priority DESC, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED),
    leased AS (
        UPDATE messaging_message AS m SET status = 'leased', attempt_n = attempt_n + 1,
            failure_reason = '', cancel_requested = false, finished_at = NULL
        FROM candidate AS c WHERE m.id = c.id AND NOT c.is_overdue AND NOT c.is_opted_out
        RETURNING m.*),
    attempts AS (
        INSERT INTO messaging_attempt (message_id, n, device_id, install_id, claim_id,
            leased_at, leased_until, state, is_superseded)
        SELECT id, attempt_n, %(device_id)s, %(install_id)s, %(claim_pk)s,
            %(now)s, %(leased_until)s, 'leased', false
        FROM leased),
    history AS (
        INSERT INTO messaging_statechange (message_id, from_state, to_state, at, cause)
        SELECT id, 'pending', 'leased', %(now)s, %(cause)s FROM leased)
    SELECT c.id AS message_id, attempt_n AS attempt, phone, text, sim, priority, any_hour, expires_at,
        is_opted_out
    FROM candidate AS c LEFT JOIN leased AS l ON l.id = c.id
    """

# Compare-and-set: each message that is still in `from_state` is moved. One whose state stays has its
# columns set, makes no history and does not finish anew. Its events are recorded, where its account
# keeps them. What is not final has no `finished_at`:
# retention would erase it. A time of sending, once set, stays. Attempts are set without a look: their
# messages' rows are locked.
MOVE = """
    WITH wanted AS (
        SELECT * FROM json_to_recordset(%(transitions)s) AS w(message_id bigint,
            license_id bigint, from_state text, to_state text, cause text, failure_reason text,
            cancel_requested bool, due_at timestamptz, parts smallint, events text[])),
    moved AS (
        UPDATE messaging_message AS m SET
            status = w.to_state,
            failure_reason = coalesce(w.failure_reason, m.failure_reason),
            cancel_requested = coalesce(w.cancel_requested, m.cancel_requested),
            due_at = coalesce(w.due_at, m.due_at),
            parts = coalesce(w.parts, m.parts),
            sent_at = CASE WHEN w.to_state = ANY (%(proven)s) AND m.sent_at IS NULL
                THEN %(now)s ELSE m.sent_at END,
            delivered_at = CASE WHEN w.to_state = 'delivered' AND m.delivered_at IS NULL
                THEN %(now)s ELSE m.delivered_at END,
            finished_at = CASE WHEN w.to_state = w.from_state THEN m.finished_at
                WHEN w.to_state = ANY (%(final)s) THEN %(now)s END
        FROM wanted AS w WHERE m.id = w.message_id AND m.license_id = w.license_id
            AND m.status = w.from_state
        RETURNING m.*, w.from_state, w.to_state, w.cause, w.events),
    history AS (
        INSERT INTO messaging_statechange (message_id, from_state, to_state, at, cause)
        SELECT id, from_state, to_state, %(now)s, cause FROM moved WHERE from_state <> to_state),
    told AS (
        INSERT INTO outbox_event (account_id, license_id, type, at, message_id, data)
        SELECT m.account_id, m.license_id, event.type, %(now)s, m.id, jsonb_build_object(
            'status', m.status, 'failure_reason', m.failure_reason,
            'cancel_requested', m.cancel_requested, 'parts', m.parts,
            'sent_at', m.sent_at, 'delivered_at', m.delivered_at)
        FROM moved AS m
        JOIN licenses_account AS a ON a.id = m.account_id AND a.keeps_events
        CROSS JOIN unnest(m.events) WITH ORDINALITY AS event(type, place)
        ORDER BY m.id, event.place),
    attempts AS (
        UPDATE messaging_attempt AS a SET state = w.state, is_superseded = w.is_superseded
        FROM json_to_recordset(%(attempts)s) AS w(message_id bigint, id bigint,
            state text, is_superseded bool)
        WHERE a.message_id = w.message_id AND a.id = w.id)
    SELECT id FROM moved
    """

# Messages, locked in the order of their ids: whoever locks several does so in this order.
LOCK = """
    SELECT id, license_id, status, attempt_n, failure_reason, cancel_requested, on_uncertain,
        send_before, expires_at
    FROM messaging_message
    WHERE id = ANY (%(ids)s::bigint[]) AND license_id = ANY (%(license_ids)s::bigint[])
    ORDER BY id FOR UPDATE
    """


class LockedMessage(NamedTuple):
    """A row of LOCK."""

    id: int
    license_id: int
    status: str
    attempt_n: int
    failure_reason: str
    cancel_requested: bool
    on_uncertain: str
    send_before: dt.datetime | None
    expires_at: dt.datetime | None


class AttemptChange(NamedTuple):
    """An attempt's new state."""

    message_id: int
    id: int
    state: str
    is_superseded: bool


class Refused(NamedTuple):
    """A pending message that is not leased: its recipient has opted out, or its time is over."""

    message_id: int
    is_opted_out: bool


class _Candidate(NamedTuple):
    """A row of LEASE; without an `attempt` it is locked and not leased."""

    message_id: int
    attempt: int | None
    phone: str
    text: str
    sim: Sim
    priority: int
    any_hour: bool
    expires_at: dt.datetime | None
    is_opted_out: bool

    def leased(self, until: dt.datetime) -> LeasedMessage:
        return LeasedMessage(
            message_id=self.message_id,
            attempt=self.attempt or 0,
            phone=self.phone,
            text=self.text,
            sim=self.sim,
            priority=self.priority,
            any_hour=self.any_hour,
            expires_at=self.expires_at,
            leased_until=until,
        )


def promote(now: dt.datetime, *, license_id: int | None = None) -> int:
    """Let messages that are due become pending, of one licence or of all; return how many did."""
    require_allowed(MessageState.SCHEDULED, MessageState.PENDING)
    with connection.cursor() as cursor:
        cursor.execute(PROMOTE, {"now": now, "license_id": license_id, "cause": Cause.DUE.value})
        return int(cursor.rowcount)


def lease(
    *,
    license_id: int,
    device_id: int,
    install_id: str,
    claim_pk: int,
    limit: int,
    only_any_hour: bool,
    not_for: Sequence[Sim] = (),
    only_for: Sim | EllipsisType = ...,
    now: dt.datetime,
    leased_until: dt.datetime,
) -> tuple[list[LeasedMessage], list[Refused]]:
    """Lease messages; return them, in any order, and those that must not be sent any more, locked: of
    both together at most `limit`.

    Nothing is leased for the SIMs `not_for`, or for another than `only_for`.
    """
    require_allowed(MessageState.PENDING, MessageState.LEASED)
    with connection.cursor() as cursor:
        cursor.execute(
            LEASE,
            {
                "license_id": license_id,
                "device_id": device_id,
                "install_id": install_id,
                "claim_pk": claim_pk,
                "limit": limit,
                "only_any_hour": only_any_hour,
                "not_for": [sim_number(sim) for sim in not_for],
                "only_for": None if only_for is ... else sim_number(only_for),
                "default_sim": DEFAULT_SIM,
                "now": now,
                "leased_until": leased_until,
                "cause": Cause.CLAIM.value,
            },
        )
        candidates = fetch_all(cursor, _Candidate)
    leased = [one.leased(leased_until) for one in candidates if one.attempt is not None]
    refused = [
        Refused(one.message_id, one.is_opted_out) for one in candidates if one.attempt is None
    ]
    return leased, refused


def lock(message_ids: Collection[int], license_ids: Collection[int]) -> dict[int, LockedMessage]:
    """Lock these messages of these licences until the transaction ends; return them by id."""
    if not message_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"ids": list(message_ids), "license_ids": list(license_ids)})
        return {row.id: row for row in fetch_all(cursor, LockedMessage)}


def move(
    wanted: Sequence[StateTransition], now: dt.datetime, attempts: Sequence[AttemptChange] = ()
) -> set[int]:
    """Move messages, and set their attempts; return the ids of those that were still where they had
    been. The caller holds the rows of those whose attempts it sets."""
    if not (wanted or attempts):
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            MOVE,
            {
                "transitions": json.dumps([_as_json(transition) for transition in wanted]),
                "attempts": json.dumps([attempt._asdict() for attempt in attempts]),
                "now": now,
                "proven": sorted(PROVEN),
                "final": sorted(FINAL),
            },
        )
        return {message_id for (message_id,) in cursor.fetchall()}


def _as_json(transition: StateTransition) -> dict[str, Any]:
    return {
        "message_id": transition.message_id,
        "license_id": transition.license_id,
        "from_state": transition.from_state,
        "to_state": transition.to_state,
        "cause": f"{transition.cause} {transition.detail}".strip(),
        "failure_reason": transition.failure_reason,
        "cancel_requested": transition.cancel_requested,
        "due_at": None if transition.due_at is None else transition.due_at.isoformat(),
        "parts": transition.parts,
        "events": of_move(transition.from_state, transition.to_state),
    }
