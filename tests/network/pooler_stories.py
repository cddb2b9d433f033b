"""Stories of PgBouncer in transaction mode between the service and its PostgreSQL. `make network`"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from smsgate.operations.sandbox import environment
from smsgate.supervisor.embedded import services
from tests.rolling.web import Web
from tests.smsgate.processes import private_config
from tests.support.pgbouncer import pgbouncer

READY_SECONDS = 30.0
LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


@pytest.fixture
def pooled() -> Iterator[tuple[str, dict[str, str]]]:
    """An empty database: its URL, and the environment of those who reach it through the pooler."""
    with tempfile.TemporaryDirectory(prefix="pooled-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with (
            services(private_config(folder / "servers"), durable=False) as (direct, redis),
            pgbouncer(folder, direct, pool_size=5) as url,
        ):
            yield direct, environment(
                folder / "data", DATABASE_URL=url, REDIS_URL=redis, BIND="127.0.0.1", TLS_PORT="0",
                WEB_PROCESSES="1", SECRET_KEY="pooled", PEPPER_1="pooled",
            )  # fmt: skip


def test_three_that_start_at_once_are_ready_and_leave_no_lock(
    pooled: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    direct, environ = pooled
    webs = [Web(environ, tmp_path / "log") for _ in range(3)]
    began = time.monotonic()
    try:
        for web in webs:
            web.launch()
        for web in webs:
            web.wait_until_ready()
        assert time.monotonic() - began < READY_SECONDS
        webs[0].kill()
        webs[0].start()
        with contextlib.closing(psycopg2.connect(direct)) as connection:
            cursor = connection.cursor()
            cursor.execute(LOCKS)
            assert cursor.fetchone() == (0,)
    finally:
        for web in webs:
            web.stop()
