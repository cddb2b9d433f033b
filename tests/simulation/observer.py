"""Writes into the history whatever has changed in the database: the world's only view of it.

Its four look-ups are raw SQL, since they follow every request that wrote something.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from django.db import connection

from licenses.services import Provisioned
from tests.simulation.history import (
    AttemptBecame,
    Became,
    Changed,
    Ended,
    Entry,
    History,
    Inbox,
    Inserted,
    OptedIn,
    OptedOut,
    Stored,
    WentBack,
)

_WRITES = re.compile(
    r'(INSERT INTO|UPDATE|DELETE FROM) "?messaging_(message|attempt|event|statechange|optout)\b'
    r"|EXECUTE inserts_insert"  # what messaging.inserts has prepared
)

_MESSAGES = """
SELECT m.id, m.license_id, m.external_id, m.phone, m.priority, m.on_uncertain, m.any_hour,
    m.send_before, m.status,
    (SELECT from_state FROM messaging_statechange WHERE message_id = m.id ORDER BY id LIMIT 1)
FROM messaging_message AS m WHERE m.id > %s ORDER BY m.id"""
_STATES = "SELECT id, status FROM messaging_message ORDER BY id"
# What one statement changes has no order among messages.
_CHANGES = """
SELECT id, message_id, from_state, to_state, cause FROM messaging_statechange
WHERE id > %s ORDER BY message_id, id"""
_EVENTS = """
SELECT id, message_id, attempt, type, part, parts, code FROM messaging_event
WHERE id > %s AND quarantine = '' ORDER BY id"""
_ATTEMPTS = """
SELECT a.message_id, a.n, a.state, a.is_superseded, d.license_id
FROM messaging_attempt AS a JOIN licenses_device AS d ON d.id = a.device_id
ORDER BY a.message_id, a.n"""
_OPT_OUTS = "SELECT account_id, phone FROM messaging_optout"
_INBOX = "SELECT sender, text FROM messaging_inboundmessage ORDER BY id"


class Observer:
    """Names messages by their order, since ids differ from run to run."""

    def __init__(
        self, history: History, seconds: Callable[[dt.datetime | None], float | None]
    ) -> None:
        """`seconds` turns a moment into the world's seconds."""
        self._history = history
        self._seconds = seconds
        self._by_license: dict[int, str] = {}
        self._by_account: dict[int, str] = {}
        self.names: dict[int, int] = {}
        self.ids: list[int] = []
        self.states: dict[int, str] = {}
        self._attempts: dict[tuple[int, int], tuple[str, bool]] = {}
        self._tenant_of: dict[int, str] = {}
        self._opted_out: set[tuple[str, str]] = set()
        self._last_message = self._last_change = self._last_event = 0
        self._is_stale = False

    def introduce(self, tenant: str, keys: Provisioned) -> None:
        self._by_license[keys.license_id] = tenant
        self._by_account[keys.account_id] = tenant

    def note_write(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Wraps every statement (connection.execute_wrapper): is there anything new to see?"""
        result = execute(sql, params, many, context)
        if context["cursor"].rowcount > 0 and _WRITES.search(sql):
            self._is_stale = True
        return result

    def look(self, now: float) -> None:
        if not self._is_stale:
            return
        self._is_stale = False
        with connection.connection.cursor() as cursor:  # past the wrapper
            self._note_messages(cursor, now)
            self._note_changes(cursor, now)
            self._note_states(cursor, now)
            self._note_events(cursor, now)
            self._note_attempts(cursor, now)
            self._note_opt_outs(cursor, now)

    def go_back(self, now: float) -> None:
        """See the database as it was: what it lost is written down, and no row of it is met again."""
        with connection.connection.cursor() as cursor:
            cursor.execute("SELECT id, status FROM messaging_message")
            states = dict(cursor.fetchall())
            self._add(
                WentBack(
                    now, frozenset(self.names[pk] for pk in self.states.keys() - states.keys())
                )
            )
            self.states = states
            for (message_id, n), (state, _) in self._attempts.items():
                tenant = self._tenant_of[message_id]
                self._add(AttemptBecame(now, self.names[message_id], n, state, True, tenant))
            self._attempts.clear()
        self._is_stale = True

    def end(self, now: float) -> None:
        self.look(now)
        for message_id, state in self.states.items():
            self._add(Ended(now, self.names[message_id], state))
        with connection.cursor() as cursor:
            cursor.execute(_INBOX)
            self._add(Inbox(now, tuple(cursor.fetchall())))

    def _add(self, entry: Entry) -> None:
        self._history.add(entry)

    def _note_messages(self, cursor: Any, now: float) -> None:
        cursor.execute(_MESSAGES, [self._last_message])
        for pk, license_id, external_id, phone, priority, *more in cursor:
            wish, any_hour, before, status, first = more
            self._last_message = pk
            name = self.names[pk] = len(self.ids)
            self._tenant_of[pk] = self._by_license[license_id]
            self.ids.append(pk)
            # Were it inserted and claimed between two looks, its history says what it was.
            state = self.states[pk] = first or status
            self._add(
                Inserted(
                    now,
                    name,
                    self._by_license[license_id],
                    external_id or "",
                    phone,
                    priority,
                    wish == "resend",
                    any_hour,
                    self._seconds(before),
                    state,
                )
            )

    def _note_changes(self, cursor: Any, now: float) -> None:
        cursor.execute(_CHANGES, [self._last_change])
        for pk, message_id, *change in cursor:
            self._last_change = max(pk, self._last_change)
            self._add(Changed(now, self.names[message_id], *change))

    def _note_states(self, cursor: Any, now: float) -> None:
        cursor.execute(_STATES)
        for pk, status in cursor:
            if self.states[pk] != status:
                self.states[pk] = status
                self._add(Became(now, self.names[pk], status))

    def _note_events(self, cursor: Any, now: float) -> None:
        cursor.execute(_EVENTS, [self._last_event])
        for pk, message_id, *event in cursor:
            self._last_event = pk
            self._add(Stored(now, self.names[message_id], *event))

    def _note_attempts(self, cursor: Any, now: float) -> None:
        cursor.execute(_ATTEMPTS)
        for message_id, n, state, is_superseded, license_id in cursor:
            if self._attempts.get((message_id, n)) != (state, is_superseded):
                self._attempts[message_id, n] = state, is_superseded
                tenant = self._by_license[license_id]
                name = self.names[message_id]
                self._add(AttemptBecame(now, name, n, state, is_superseded, tenant))

    def _note_opt_outs(self, cursor: Any, now: float) -> None:
        cursor.execute(_OPT_OUTS)
        opted_out = {(self._by_account[account_id], phone) for account_id, phone in cursor}
        for tenant, phone in sorted(opted_out - self._opted_out):
            self._add(OptedOut(now, tenant, phone))
        for tenant, phone in sorted(self._opted_out - opted_out):
            self._add(OptedIn(now, tenant, phone))
        self._opted_out = opted_out
