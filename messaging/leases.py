"""Raw SQL: what a phone's claim is remembered by, and what a claim would find.

Time always comes in as a parameter: the database's clock is never asked (http_api.clock).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from http_api.rows import fetch_all, fetch_one

# Insert a claim; return its id, the phone's number of unstarted leases, and whether due messages await
# promotion. No row: the claim is a repetition.
REMEMBER = """
    INSERT INTO messaging_claim (device_id, claim_id, claimed_at)
    VALUES (%(device_id)s, %(claim_id)s, %(now)s)
    ON CONFLICT DO NOTHING
    RETURNING id AS pk,
        (SELECT count(*) FROM messaging_attempt
            WHERE device_id = %(device_id)s AND state = 'leased') AS unstarted,
        EXISTS (SELECT FROM messaging_message
            WHERE license_id = %(license_id)s AND status = 'scheduled' AND due_at <= %(now)s) AS has_due
    """

# What a claim leased and, as far as is known, no phone has started, in the order of its answer.
LEASED_BEFORE = """
    SELECT m.id AS message_id, a.n AS attempt, m.phone, m.text, m.sim, m.priority, m.any_hour,
        m.expires_at, a.leased_until, m.cancel_requested OR m.status <> 'leased' AS is_called_off
    FROM messaging_claim AS c
    JOIN messaging_attempt AS a ON a.claim_id = c.id
    JOIN messaging_message AS m ON m.id = a.message_id
    WHERE c.device_id = %(device_id)s AND c.claim_id = %(claim_id)s
        AND a.n = m.attempt_n AND NOT a.is_superseded
        AND (a.state = 'leased' OR a.state = 'uncertain' AND NOT EXISTS (
            SELECT FROM messaging_event AS e
            WHERE e.message_id = m.id AND e.attempt = a.n AND e.type <> 'lease_expired'))
    ORDER BY m.priority DESC, m.id
    """

# What a claim would find now, and when the next message becomes due, if that is before a certain time.
LOOK_AHEAD = """
    SELECT
        EXISTS (SELECT FROM messaging_message
            WHERE license_id = %(license_id)s AND status = 'pending'
                AND (any_hour OR NOT %(only_any_hour)s)
                AND coalesce(sim, %(default_sim)s) <> ALL (%(not_for)s::int[])) AS has_pending,
        (SELECT due_at FROM messaging_message
            WHERE license_id = %(license_id)s AND status = 'scheduled' AND due_at < %(before)s
                AND (any_hour OR NOT %(only_any_hour)s)
                AND coalesce(sim, %(default_sim)s) <> ALL (%(not_for)s::int[])
            ORDER BY due_at LIMIT 1) AS next_due
    """

Sim = int | None  # a slot; None: the phone's default one, for what names none

# The default SIM as a number: SQL's comparisons know no NULL.
DEFAULT_SIM = -1


def sim_number(sim: Sim) -> int:
    return DEFAULT_SIM if sim is None else sim


class AttemptKey(NamedTuple):
    """An attempt, as a phone names it."""

    message_id: int
    n: int


class LeasedMessage(NamedTuple):
    """A message in a phone's hands, with the fencing number of this attempt."""

    message_id: int
    attempt: int
    phone: str
    text: str
    sim: Sim
    priority: int
    any_hour: bool
    expires_at: dt.datetime | None
    leased_until: dt.datetime
    is_called_off: bool = False  # cancelled, or settled otherwise, since it was leased


class NewClaim(NamedTuple):
    """A row of REMEMBER."""

    pk: int
    unstarted: int
    has_due: bool


class Ahead(NamedTuple):
    """A row of LOOK_AHEAD."""

    has_pending: bool
    next_due: dt.datetime | None


def remember_claim(
    device_id: int, license_id: int, claim_id: UUID, now: dt.datetime
) -> NewClaim | None:
    """Write down that this phone asks for messages; None where it has asked with this id before."""
    with connection.cursor() as cursor:
        cursor.execute(
            REMEMBER,
            {"device_id": device_id, "license_id": license_id, "claim_id": claim_id, "now": now},
        )
        return fetch_one(cursor, NewClaim)


def leased_before(device_id: int, claim_id: UUID) -> list[LeasedMessage]:
    """Return what this claim leased and no phone is known to have started: to hand out again."""
    with connection.cursor() as cursor:
        cursor.execute(LEASED_BEFORE, {"device_id": device_id, "claim_id": claim_id})
        return fetch_all(cursor, LeasedMessage)


def look_ahead(
    license_id: int, *, before: dt.datetime, only_any_hour: bool, not_for: Sequence[Sim] = ()
) -> Ahead:
    """Return whether a claim would find a pending message, and when the next one is due."""
    with connection.cursor() as cursor:
        cursor.execute(
            LOOK_AHEAD,
            {
                "license_id": license_id,
                "before": before,
                "only_any_hour": only_any_hour,
                "not_for": [sim_number(sim) for sim in not_for],
                "default_sim": DEFAULT_SIM,
            },
        )
        return fetch_all(cursor, Ahead)[0]


def in_order(leased: Iterable[LeasedMessage]) -> list[LeasedMessage]:
    """Highest priority first, then oldest: RETURNING keeps no order."""
    return sorted(leased, key=lambda one: (-one.priority, one.message_id))
