"""The private Redis-compatible server: private, kept over restarts and kills."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis

from smsgate.supervisor.embedded import EmbeddedError, Redis, services
from tests.smsgate.processes import needs_root, private_config, running_in


@contextmanager
def running(data_dir: Path) -> Iterator[Redis]:
    server = Redis(private_config(data_dir))
    server.prepare()
    server.start()
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


@contextmanager
def connected(server: Redis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url()) as client:
        yield client


def test_it_is_kept_over_a_restart(data_dir: Path) -> None:
    with running(data_dir) as server, connected(server) as client:
        client.set("kept", "yes")
    assert not running_in(data_dir)
    with running(data_dir) as server, connected(server) as client:
        assert client.get("kept") == b"yes"


def test_it_is_kept_over_a_kill(data_dir: Path) -> None:
    with running(data_dir) as server, connected(server) as client:
        client.set("kept", "yes")
        assert server.process is not None
        server.process.kill()
        server.process.wait()
    with running(data_dir) as server, connected(server) as client:
        assert client.get("kept") == b"yes"


def test_it_is_private(data_dir: Path) -> None:
    with running(data_dir) as server:
        assert server.process is not None
        process = psutil.Process(server.process.pid)
        assert not process.net_connections("inet")
        assert stat.S_IMODE(server.config.redis_socket.stat().st_mode) == 0o700
        password = (data_dir / "secrets" / "redis_password").read_text().strip()
        assert password not in " ".join(process.cmdline())
        with (
            redis.Redis(unix_socket_path=str(server.config.redis_socket)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()


@needs_root
def test_root_drops_to_a_user_without_rights(data_dir: Path) -> None:
    with running(data_dir) as server:
        assert server.process is not None
        assert 0 not in psutil.Process(server.process.pid).uids()


def test_when_memory_runs_out_throttles_go_and_tasks_stay(data_dir: Path) -> None:
    with running(data_dir) as server, connected(server) as client:
        client.config_set("maxmemory", "3mb")
        client.rpush("celery", "task")
        for n in range(100):
            client.set(f"bucket-{n}", b"x" * 50_000, ex=600)
        assert client.lrange("celery", 0, -1) == [b"task"]
        assert client.info("stats")["evicted_keys"] > 0


def test_one_that_lost_its_supervisor_is_stopped_first(data_dir: Path) -> None:
    with running(data_dir) as orphan:
        assert orphan.process is not None
        with running(data_dir) as server, connected(server) as client:
            assert orphan.process.wait(10) == 0
            assert client.ping()


def test_a_path_too_long_for_a_socket_works(data_dir: Path) -> None:
    with running(data_dir / ("x" * 100)) as server, connected(server) as client:
        assert client.ping()
        stand_in = server.config.redis_socket.parent
        assert stand_in.parent == Path("/tmp")
    stand_in.rmdir()


def test_a_stand_in_that_is_somebody_elses_is_refused(data_dir: Path, tmp_path: Path) -> None:
    server = Redis(private_config(data_dir / ("x" * 100)))
    stand_in = server.config.redis_socket.parent
    stand_in.symlink_to(tmp_path)
    owner = tmp_path.stat().st_uid
    try:
        with pytest.raises(EmbeddedError, match="belongs to somebody else"):
            server.prepare()
    finally:
        stand_in.unlink()
    assert tmp_path.stat().st_uid == owner


def test_without_a_wheel_it_says_what_to_do(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedError, match="set REDIS_URL, or install Valkey"):
        _ = Redis(private_config(data_dir)).program


def test_both_servers_run_for_as_long_as_the_block(data_dir: Path) -> None:
    with services(private_config(data_dir), durable=False) as (database_url, redis_url):
        assert database_url.startswith("postgresql://smsgate:")
        with redis.Redis.from_url(redis_url) as client:
            assert client.ping()
    assert not running_in(data_dir)
