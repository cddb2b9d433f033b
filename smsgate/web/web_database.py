"""The kept database connections of a web process: live at the start of each request, and bounded in
how long they may wait.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any

import psycopg2
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, reset_queries
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from http_api.postgres import limit_statements

# Replace Django's connection checks at the start and end of each request by one check before a thread
# uses its connection: `on_a_live_connection`.
request_started.disconnect(reset_queries)
request_started.disconnect(close_old_connections)
request_finished.disconnect(close_old_connections)

# Time-outs of web requests, each less than the next: PostgreSQL ends a lock wait or a slow statement
# at the cost of one request. If it does not even do that, it is frozen, and http_api.postgres cuts all
# connections of the process. Migrations, the worker's tasks and backups have limits of their own.
LOCK_SECONDS = 2.0
STATEMENT_SECONDS = 10.0
SILENT_SECONDS = 12.0


def bound_waiting() -> None:
    """From the next connection on, no statement of this process may last."""
    connection_created.connect(_bound_in_time)
    limit_statements(SILENT_SECONDS)


def _bound_in_time(connection: BaseDatabaseWrapper, **_: Any) -> None:
    connection.connection.set_for_good(
        lock_timeout=f"{LOCK_SECONDS * 1000:.0f}ms",
        statement_timeout=f"{STATEMENT_SECONDS * 1000:.0f}ms",
    )


def on_a_live_connection(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in this thread, on its kept database connection if that still lives.

    A connection at rest has nothing to read but the end that a restarted PostgreSQL has sent.
    """
    connection.close_if_unusable_or_obsolete()  # after an error
    kept = connection.connection
    if kept is not None and (kept.closed or _has_input(kept)):
        connection.close()
    return function(*arguments)


def _has_input(kept: Any) -> bool:
    """Return whether it can be read, or is broken. Unlike select(), poll() takes any descriptor."""
    try:
        poll = select.poll()
        poll.register(kept, select.POLLIN)
        return bool(poll.poll(0))
    except (OSError, ValueError, psycopg2.Error):
        return True  # better a new connection than one that stays unusable
