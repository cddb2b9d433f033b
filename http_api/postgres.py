"""A connection to PostgreSQL that does not wait for ever for a server that is frozen.

The kernel ends a connection whose peer does not acknowledge (TCP time-outs in the settings). A server
that is stopped, or stands behind a proxy that is, acknowledges and never answers; libpq has no time-out
for that. So one thread looks at what runs, and shuts the socket of what has run for too long: its thread
meets OperationalError, as it does where a server dies. Whether a commit was done stays unknown then.

Behind a pooler (PgBouncer in transaction mode) each transaction may run in another of the server's
sessions, which are everybody's: nothing may be left in one, no SET and no prepared statement.
Raw SQL: who has the session, and PostgreSQL's settings.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from typing import Any
from weakref import WeakSet

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, connection, cursor

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_SLOW_CONNECT_SECONDS = 1.0
_REST_SECONDS = 2.0

_limit: float | None = None  # of this process
_running: dict[int, tuple[float, Connection]] = {}  # until when, by the connection's id
_open: WeakSet[Connection] = WeakSet()
_resting_until = 0.0
_watcher: threading.Thread | None = None


def limit_statements(seconds: float) -> None:
    """From now on no statement of this process may take longer. Migrations know no limit."""
    global _limit, _watcher
    _limit = seconds
    if _watcher is None:
        _watcher = threading.Thread(target=_look_forever, name="postgres-watch", daemon=True)
        _watcher.start()


class Connection(connection):
    _is_pooled: bool | None = None
    first = ""  # SQL before the first statement of each transaction

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Connect. Where that failed slowly a moment ago it fails at once: each thread of a web process
        would wait for `connect_timeout`, request after request."""
        global _resting_until
        began = time.monotonic()
        if began < _resting_until:
            raise psycopg2.OperationalError("PostgreSQL did not answer a moment ago")
        try:
            super().__init__(*arguments, **options)
        except psycopg2.OperationalError:
            if time.monotonic() - began > _SLOW_CONNECT_SECONDS:
                _resting_until = time.monotonic() + _REST_SECONDS
            raise
        _open.add(self)

    @property
    def is_pooled(self) -> bool:
        """True where a pooler has the session: who runs statements is not who was connected to."""
        if self._is_pooled is None:
            with self.cursor() as asking:
                asking.execute("SELECT pg_backend_pid()")
                self._is_pooled = asking.fetchone() != (self.get_backend_pid(),)
        return self._is_pooled

    def set_for_good(self, **settings: str) -> None:
        """Set these of PostgreSQL's settings for all statements of this connection."""
        scope = "LOCAL" if self.is_pooled else "SESSION"
        sql = "".join(f"SET {scope} {name} = '{value}';" for name, value in settings.items())
        if self.is_pooled:
            self.first = sql
        else:
            with self.cursor() as cursor:
                cursor.execute(sql)

    def commit(self) -> None:
        with _Watched(self):
            super().commit()

    def rollback(self) -> None:
        with _Watched(self):
            super().rollback()

    def cut(self) -> None:
        """Shut the socket, whatever its thread is waiting for."""
        with (
            contextlib.suppress(psycopg2.InterfaceError, OSError),  # it ended in this moment
            socket.socket(fileno=os.dup(self.fileno())) as copy,
        ):
            copy.shutdown(socket.SHUT_RDWR)


class Cursor(cursor):
    def execute(self, sql: Any, *arguments: Any) -> None:
        connection: Any = self.connection
        if connection.first and connection.get_transaction_status() == TRANSACTION_STATUS_IDLE:
            sql = (
                connection.first + sql if isinstance(sql, str) else connection.first.encode() + sql
            )
        with _Watched(connection):
            super().execute(sql, *arguments)

    def executemany(self, *arguments: Any) -> None:
        with _Watched(self.connection):
            super().executemany(*arguments)


FACTORIES = {"connection_factory": Connection, "cursor_factory": Cursor}  # for psycopg2.connect


class _Watched:
    """A class, not a generator: this is in the way of each statement."""

    __slots__ = ("_connection",)

    def __init__(self, watched: Any) -> None:
        self._connection = watched

    def __enter__(self) -> None:
        if _limit is not None:
            _running[id(self._connection)] = time.monotonic() + _limit, self._connection

    def __exit__(self, *_: object) -> None:
        _running.pop(id(self._connection), None)


def _look_forever() -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        now = time.monotonic()
        for key, (until, overdue) in list(_running.items()):
            if now > until:
                _running.pop(key, None)
                overdue.cut()
                logger.error("PostgreSQL is silent: its connections are made anew")
                for other in list(
                    _open
                ):  # at rest, and as dead: its next user is not to wait for that
                    if id(other) not in _running:
                        other.cut()
