"""Raw SQL: the log of what phones reported, and what it says of attempts.

The log is append-only. Time always comes in as a parameter: the database's clock is never asked
(http_api.clock).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from http_api.rows import fetch_all
from messaging.events import EventType
from messaging.fold import Report
from messaging.leases import AttemptKey
from messaging.models import Event

# Which of these ids a phone has used before, for inbound SMS or for reports.
KNOWN = """
    SELECT event_id FROM messaging_event
    WHERE device_id = %(device_id)s AND event_id = ANY (%(event_ids)s::uuid[])
    UNION ALL
    SELECT event_id FROM messaging_inboundmessage
    WHERE device_id = %(device_id)s AND event_id = ANY (%(event_ids)s::uuid[])
    """

# Events of a phone, or of the server itself; one whose id the phone has used before is left out.
STORE = """
    INSERT INTO messaging_event (device_id, event_id, type, message_id, attempt, part, parts, code,
        wall_time, quarantine, received_at)
    SELECT device_id, event_id, type, message_id, attempt, part, parts, code,
        wall_time, quarantine, received_at
    FROM json_to_recordset(%(events)s) AS e(device_id bigint, event_id uuid, type text,
        message_id bigint, attempt int, part smallint, parts smallint, code text, wall_time text,
        quarantine text, received_at timestamptz)
    ON CONFLICT (device_id, event_id) DO NOTHING
    RETURNING event_id
    """

# Every attempt of these messages, with each report about it; one of which nothing was said comes once.
ATTEMPTS = """
    SELECT a.id, a.message_id, a.n, a.device_id, a.state, a.is_superseded,
        e.type, e.part, e.parts, e.code
    FROM messaging_attempt AS a
    LEFT JOIN messaging_event AS e ON e.message_id = a.message_id AND e.attempt = a.n
        AND e.message_id = ANY (%(message_ids)s::bigint[]) AND e.quarantine = ''
    WHERE a.message_id = ANY (%(message_ids)s::bigint[])
    """


class _AttemptRow(NamedTuple):
    """A row of ATTEMPTS."""

    id: int
    message_id: int
    n: int
    device_id: int
    state: str
    is_superseded: bool
    type: str | None
    part: int | None
    parts: int | None
    code: str | None


@dataclass(frozen=True, slots=True)
class ReportedAttempt:
    """An attempt as it is stored, and all that was reported of it."""

    id: int
    key: AttemptKey
    device_id: int
    state: str
    is_superseded: bool
    reports: list[Report] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        """Add what was just reported."""
        self.reports.append(Report(EventType(event.type), event.part, event.parts, event.code))


def known(device_id: int, event_ids: Collection[UUID]) -> set[UUID]:
    """Return which of these ids a phone has used before."""
    if not event_ids:
        return set()
    with connection.cursor() as cursor:
        ids = [str(event_id) for event_id in event_ids]
        cursor.execute(KNOWN, {"device_id": device_id, "event_ids": ids})
        return {event_id for (event_id,) in cursor.fetchall()}


_COLUMNS = [field.attname for field in Event._meta.concrete_fields if not field.primary_key]


def store(events: Collection[Event]) -> set[UUID]:
    """Add these events to the log; return the ids of those that are new to it."""
    if not events:
        return set()
    rows = [{column: getattr(event, column) for column in _COLUMNS} for event in events]
    with connection.cursor() as cursor:
        cursor.execute(STORE, {"events": json.dumps(rows, default=str)})
        return {event_id for (event_id,) in cursor.fetchall()}


def attempts(message_ids: Collection[int]) -> dict[AttemptKey, ReportedAttempt]:
    """Return all attempts of these messages, each with its reports."""
    if not message_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(ATTEMPTS, {"message_ids": list(message_ids)})
        rows = fetch_all(cursor, _AttemptRow)
    found: dict[AttemptKey, ReportedAttempt] = {}
    for row in rows:
        key = AttemptKey(row.message_id, row.n)
        if key not in found:
            found[key] = ReportedAttempt(row.id, key, row.device_id, row.state, row.is_superseded)
        if row.type is not None:
            report = Report(EventType(row.type), row.part, row.parts, row.code)
            found[key].reports.append(report)
    return found
