"""What a Redis that is gone, full or a replica costs a request, and what the log says of it."""

from __future__ import annotations

import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis as redis_library

from http_api import redis, throttles
from http_api.redis import with_redis
from smsgate import config
from smsgate.supervisor.embedded.redis import Redis
from tests.conftest import Api, Tenant
from tests.freezing_proxy import FreezingProxy, address_of, freezing_proxy
from tests.smsgate.processes import wait_until

CALL_SECONDS = 2.0  # half a second by its time-out; this machine may be busy


@pytest.fixture
def own_redis(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server of this test's own: the one that all tests share must stay writable."""
    with tempfile.TemporaryDirectory(prefix="smsgate-redis-") as folder:
        socket = Path(folder, "socket")
        server = subprocess.Popen(
            [str(Redis(config.load()).program), "--port", "0", "--unixsocket", str(socket),
             "--dir", folder, "--save", "", "--loglevel", "warning"],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_until(socket.exists, "it listens")
            settings.REDIS_URL = f"unix://{socket}"
            monkeypatch.setenv("REDIS_URL", settings.REDIS_URL)
            redis.client.cache_clear()
            throttles._script.cache_clear()
            yield settings.REDIS_URL
            redis.client().close()
            redis.client.cache_clear()
            throttles._script.cache_clear()
        finally:
            server.kill()
            server.wait()


@pytest.fixture
def proxy(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FreezingProxy]:
    """In front of the tests' Redis; this process's connection leads through it."""
    with freezing_proxy(address_of(os.environ["REDIS_URL"])) as between:
        settings.REDIS_URL = between.url(os.environ["REDIS_URL"])
        redis.client.cache_clear()
        throttles._script.cache_clear()
        monkeypatch.setattr(redis, "_gone_since", None)
        monkeypatch.setattr(redis, "_SECONDS_BETWEEN_PINGS", 0.05)
        assert ping()
        yield between
        between.thaw()
        wait_until(lambda: redis._gone_since is None, "its thread has ended")
        redis.client().close()
    redis.client.cache_clear()


def ping() -> bool:
    return with_redis(lambda client: bool(client.ping()), otherwise=False, purpose="a test waits")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "http_api.redis"]


@pytest.mark.parametrize("fault", ["freeze", "refuse", "lose", "reset"])
def test_only_the_first_request_waits_and_the_log_has_a_line_at_either_end(
    proxy: FreezingProxy, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    caplog.set_level(logging.WARNING)
    getattr(proxy, fault)()
    began = time.monotonic()
    is_away = not ping()
    assert time.monotonic() - began < CALL_SECONDS
    if fault in {"freeze", "refuse"}:
        began = time.monotonic()
        assert not any(ping() for _ in range(1000))
        assert time.monotonic() - began < CALL_SECONDS
        assert is_away
        proxy.thaw()
    wait_until(ping, "it goes on by itself", 10)
    said = lines(caplog)
    assert len(said) == 2 * is_away, said
    if is_away:
        assert said[0].startswith("Redis is gone (")
        assert said[0].endswith("): a test waits")
        assert said[1].startswith("Redis is back after ")


def test_a_frozen_redis_lets_sends_pass(
    proxy: FreezingProxy, api: Api, tenant: Tenant, settings: Any
) -> None:
    settings.LICENSE_RATE_PER_MINUTE = 1
    proxy.freeze()
    began = time.monotonic()
    for number in range(10):
        assert api.post("/api/messages/", tenant.message(f"a-{number}")).status_code == 201
    assert time.monotonic() - began < 2 * CALL_SECONDS
    assert api.client.get("/readyz/").json()["redis"] == "gone"


@contextmanager
def set_on_the_server(**values: Any) -> Iterator[None]:
    client = redis.client()
    before = {name: str(client.config_get(name)[name]) for name in values}
    for name, value in values.items():
        client.config_set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            client.config_set(name, value)


def test_a_full_redis_lets_sends_pass_and_wakes_phones_and_says_so_once(
    own_redis: str, api: Api, tenant: Tenant, settings: Any, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings.LICENSE_RATE_PER_MINUTE = 1
    monkeypatch.setattr(redis, "_complained_at", {})
    with set_on_the_server(**{"maxmemory": 1, "maxmemory-policy": "noeviction"}):
        for number in range(5):
            assert api.post("/api/messages/", tenant.message(f"a-{number}")).status_code == 201
        heard = with_redis(lambda client: client.publish("smsgate:wake", 1), None, "no wake-up")
    assert heard is not None
    said = lines(caplog)
    assert said == ["Redis refuses (OutOfMemoryError): requests are not throttled"]


def test_a_redis_that_became_a_replica_is_looked_for_anew(
    own_redis: str, api: Api, tenant: Tenant, settings: Any, proxy: FreezingProxy,
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """After a failover the name leads to another server, the kept connection to the old one."""
    settings.LICENSE_RATE_PER_MINUTE = 1
    monkeypatch.setattr(redis, "_complained_at", {})
    admin = redis_library.Redis.from_url(own_redis)
    admin.replicaof("127.0.0.1", 1)
    try:
        before = proxy.accepted
        for number in range(3):
            assert api.post("/api/messages/", tenant.message(f"a-{number}")).status_code == 201
        assert proxy.accepted > before
        assert lines(caplog) == ["Redis refuses (ReadOnlyError): requests are not throttled"]
    finally:
        admin.replicaof("NO", "ONE")
        admin.close()
