"""A pytest plugin: real PostgreSQL and a real Redis-compatible server for the whole run.

Loaded with `-p`, and at work while it is imported: Django's settings, which pytest-django loads
early, read the URLs from the environment. With DATABASE_URL and REDIS_URL given, those are used instead;
with TESTS_POOLER=1 PgBouncer stands before PostgreSQL.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from smsgate import config
from smsgate.supervisor.embedded import services
from tests.support.pgbouncer import pgbouncer

_running = ExitStack()


def _start() -> None:
    # Byte code is kept even where the shell says not to: rewritten tests in pytest's cache, and our
    # own modules for the many processes that the tests start.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("SECRET_KEY", "only for tests")
    os.environ.setdefault("PEPPER_1", "only for tests")
    os.environ.setdefault("METRICS_TOKEN", "only for tests")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:  # the controller has started them; keep the workers' keys apart
        os.environ["REDIS_URL"] += f"?db={int(worker.removeprefix('gw')) + 1}"
        return
    # A shell's `&` leaves SIGINT ignored, and every program that a test interrupts would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return
    folder = _running.enter_context(tempfile.TemporaryDirectory(prefix="smsgate-tests-"))
    os.environ["DATA_DIR"] = folder
    private = config.load()
    database_url, redis_url = _running.enter_context(services(private, durable=False))
    if os.environ.get("TESTS_POOLER"):
        database_url = _running.enter_context(pgbouncer(Path(folder), database_url))
    os.environ.setdefault("DATABASE_URL", database_url)
    os.environ.setdefault("REDIS_URL", redis_url)


_start()


def pytest_unconfigure(config: pytest.Config) -> None:
    _running.close()
