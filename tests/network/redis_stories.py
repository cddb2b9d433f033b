"""Stories of a Redis over a network that freezes, dies, resets and refuses. `make network`"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from messaging.tasks import HEARTBEAT
from tests.freezing_proxy import FreezingProxy, address_of, freezing_proxy
from tests.network.calls import NOTICED_SECONDS, ready, send
from tests.smsgate.processes import Up, up, wait_until

DATABASE = 15  # of the tests' Redis: what other tests flush is not this one

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def proxy() -> Iterator[FreezingProxy]:
    with freezing_proxy(address_of(os.environ["REDIS_URL"])) as between:
        yield between


@pytest.fixture(scope="module")
def direct() -> Iterator[redis.Redis]:
    """A connection that no fault meets."""
    with redis.Redis.from_url(os.environ["REDIS_URL"].partition("?")[0], db=DATABASE) as connection:
        connection.flushdb()
        yield connection
        connection.flushdb()


@pytest.fixture(scope="module")
def service(
    proxy: FreezingProxy, direct: redis.Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Up]:
    """Everything that `make up` starts, its Redis behind the proxy."""
    url = f"{proxy.url(os.environ['REDIS_URL']).rpartition('/')[0]}/{DATABASE}"
    folder = Path("/tmp") / f"sms-net-{os.getpid()}"
    with up(folder, REDIS_URL=url, WEB_PROCESSES="1") as started:
        started.wait_until_ready()
        ticks(direct)
        yield started


def ticks(direct: redis.Redis, seconds: float = 60.0) -> None:
    """Return when beat and worker have done a task from now on."""
    direct.delete(HEARTBEAT)
    wait_until(lambda: direct.exists(HEARTBEAT), "beat and worker went on", seconds)


def words(service: Up, process: str, since: int) -> list[str]:
    """What a process's lines said, from line `since` on."""
    lines = [line.split(maxsplit=3) for line in service.lines[since:]]
    return [line[3] for line in lines if len(line) == 4 and line[1] == process]


@pytest.mark.parametrize("fault", ["lose", "reset"])
def test_connections_that_die_are_made_anew(
    service: Up, proxy: FreezingProxy, direct: redis.Redis, fault: str
) -> None:
    send(service, f"{fault} before")
    getattr(proxy, fault)()
    assert send(service, f"{fault} first") < 2
    assert send(service, f"{fault} second") < 1
    ticks(direct, NOTICED_SECONDS)
    wait_until(lambda: ready(service)["redis"] == "ok", "web goes on", NOTICED_SECONDS)
    ticks(direct, NOTICED_SECONDS)


@pytest.mark.parametrize("fault", ["freeze", "refuse"])
def test_a_redis_that_is_away_is_one_line_and_slows_nobody_down(
    service: Up, proxy: FreezingProxy, direct: redis.Redis, fault: str
) -> None:
    since = len(service.lines)
    getattr(proxy, fault)()
    try:
        assert send(service, f"{fault} first") < 2
        for number in range(10):
            assert send(service, f"{fault} {number}") < 0.5
        assert ready(service)["redis"] == "gone"
        for process in ("web", "worker", "beat"):
            _says(service, process, since, "Redis is gone (")
    finally:
        proxy.thaw()
    wait_until(lambda: ready(service)["redis"] == "ok", "web goes on", NOTICED_SECONDS)
    ticks(direct, NOTICED_SECONDS)
    for process in ("web", "worker", "beat"):
        _says(service, process, since, "Redis is back after ")
    warnings = [line for line in service.lines[since:] if " WARNING " in line or " ERROR " in line]
    most = 8  # the web process has two ways to Redis: requests, and the wake-up of waiting phones
    assert len(warnings) <= most, warnings


def _says(service: Up, process: str, since: int, beginning: str) -> None:
    wait_until(
        lambda: any(line.startswith(beginning) for line in words(service, process, since)),
        f"{process}: {beginning}",
        NOTICED_SECONDS,
    )
