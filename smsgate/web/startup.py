"""The checks before the first request: the schema is there, and so is somebody who may send.

Every start of web processes runs `prepare`; an advisory lock lets one do the work while others wait.
Raw SQL: the lock, and what PostgreSQL allows.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from http_api import clock
from licenses import peppers
from licenses.models import Account
from messaging.services import timelines
from smsgate.web import first_start

logger = logging.getLogger(__name__)

# Any number that nothing else in this database locks.
_LOCK = 5_330_042

DATABASE_PATIENCE = 30.0  # seconds to wait for PostgreSQL to come up
QUIET_SECONDS = 3.0  # then the log says what it waits for


class DatabaseUnreachable(Exception):
    """PostgreSQL did not answer in time; the message is one line."""


def prepare() -> None:
    """Wait for the database, migrate it, and on the very first start make an account.

    Raises DatabaseUnreachable, WrongPepper.
    """
    wait_for_database()
    with _alone():
        if _has_pending_migrations():
            call_command("migrate", interactive=False, verbosity=0)
        peppers.check_and_note()
        if not Account.objects.exists():
            first_start.run()
        timelines.begin_at_start(clock.now())


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock, once nobody has it: in a transaction of a connection of its own, whose end frees it
    also behind a pooler. Asked for again and again: a transaction that waits for it would be waited for
    by CREATE INDEX CONCURRENTLY of the one that has it."""
    with closing(connection.get_new_connection(connection.get_connection_params())) as own:
        while True:
            with own.cursor() as cursor:
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
                if cursor.fetchone()[0]:
                    break
            own.rollback()
            time.sleep(0.1)
        yield


def warn_of_settings(connections: int) -> None:
    """Log which settings will be regretted. `connections`: how many the whole service may open."""
    if not settings.METRICS_TOKEN:
        logger.warning("there are no metrics: set METRICS_TOKEN")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::integer"
            " - current_setting('superuser_reserved_connections')::integer"
        )
        (allowed,) = cursor.fetchone()
    if connections > allowed:
        logger.warning(
            "this service may open %d connections, PostgreSQL allows %d: raise its max_connections,"
            " or set WEB_PROCESSES or WEB_THREADS lower",
            connections,
            allowed,
        )


def wait_for_database(patience: float = DATABASE_PATIENCE) -> None:
    """Return once PostgreSQL answers. Raises DatabaseUnreachable."""
    began = time.monotonic()
    is_told = False
    while True:
        try:
            connection.ensure_connection()
        except OperationalError as error:
            waited = time.monotonic() - began
            if waited > patience:
                raise DatabaseUnreachable(_why(error)) from None
            if waited > QUIET_SECONDS and not is_told:
                logger.warning("%s; trying for %.0f s", _why(error), patience)
                is_told = True
            time.sleep(0.1)
        else:
            return


def _why(error: OperationalError) -> str:
    """Return libpq's reason on one line: it names host, port, user and database, no password."""
    lines = str(error).strip().splitlines() or ["no reason given"]
    advice = "" if settings.EMBEDDED_POSTGRES else "; is DATABASE_URL right?"
    return f"PostgreSQL does not answer: {lines[0]}{advice}"


def wait_until_migrated(patience: float = 120.0) -> None:
    """For processes that do not migrate: return once the web process has. Raises TimeoutError."""
    wait_for_database()
    deadline = time.monotonic() + patience
    while _has_pending_migrations():
        if time.monotonic() > deadline:
            raise TimeoutError("the database was not migrated in time")
        time.sleep(0.2)


def _has_pending_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
