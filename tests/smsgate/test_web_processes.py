"""smsgate.web.processes: several web processes at one address, on the real service."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from smsgate.config import PROJECT_DIR
from smsgate.supervisor import listeners
from tests.smsgate.processes import Up, running_in, up, wait_until
from tests.smsgate.test_up import is_kept, post

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("prepare", "code", "serves"),
    [("0", 3, True), ("3", 3, False), ("os.kill(os.getpid(), signal.SIGKILL)", 1, False)],
)
def test_none_serves_before_what_a_start_prepares_is_done(
    prepare: str, code: int, serves: bool
) -> None:
    script = (
        "import os, signal, sys\n"
        "from smsgate.web.processes import Processes\n"
        f"sys.exit(Processes(1, lambda: {prepare}, lambda number: print('serves') or 3).run())\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_DIR, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert finished.returncode == code, finished.stderr
    assert ("serves" in finished.stdout) == serves


def webs(started: Up) -> set[int]:
    """The pids of those that serve."""
    parent = started.pid_of("web")
    return set() if parent is None else {one.pid for one in psutil.Process(parent).children()}


def test_a_dead_web_process_is_replaced_alone_and_loses_nothing_that_was_accepted(
    data_dir: Path,
) -> None:
    with up(data_dir, WEB_PROCESSES="3", LICENSE_RATE_PER_MINUTE="0") as started:
        started.wait_until_ready()
        key, before, parent = started.license_key, webs(started), started.pid_of("web")
        assert len(before) == 3
        victim = min(before)

        def send(number: int) -> str | None:
            with contextlib.suppress(OSError):  # it was being served by the one that was killed
                if post(started, key, f"a-{number}") == 201:
                    return f"a-{number}"
            return None

        with ThreadPoolExecutor(8) as pool:
            answers = [pool.submit(send, number) for number in range(60)]
            os.kill(victim, signal.SIGKILL)
            accepted = [found for answer in answers if (found := answer.result())]
        wait_until(lambda: len(webs(started)) == 3, "there are three again")
        assert webs(started) - before != set()
        assert before - {victim} <= webs(started)
        assert started.pid_of("web") == parent
        assert len(accepted) > 30
        assert [lost for lost in accepted if not is_kept(started, key, lost)] == []
        assert started.stop() == 0
    assert not running_in(data_dir)


def test_web_processes_end_with_the_one_that_forked_them(data_dir: Path) -> None:
    with up(data_dir, WEB_PROCESSES="2") as started:
        started.wait_until_ready()
        before = webs(started)
        started.kill("web")
        wait_until(lambda: not any(map(psutil.pid_exists, before)), "they have ended")
        wait_until(lambda: len(webs(started)) == 2, "others are there")
        assert started.stop() == 0


def test_each_web_process_shows_the_requests_of_all(data_dir: Path) -> None:
    with up(data_dir, WEB_PROCESSES="2", LICENSE_RATE_PER_MINUTE="0") as started:
        started.wait_until_ready()
        key = started.license_key
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda number: post(started, key, f"a-{number}"), range(200))
            assert set(answers) == {201}
        os.kill(min(webs(started)), signal.SIGKILL)
        wait_until(lambda: len(webs(started)) == 2, "there are two again")
        for _ in range(10):  # each over a new connection, to whichever process
            assert counted(started, data_dir) == 200


def test_no_two_requests_have_the_same_id(data_dir: Path) -> None:
    with up(data_dir, WEB_PROCESSES="2") as started:
        started.wait_until_ready()
        ids = [asked(started) for _ in range(40)]  # each over a new connection, to either process
        assert len(set(ids)) == 40
        assert len({each[:6] for each in ids}) == 2


def asked(started: Up) -> str:
    """Return the id of a request."""
    with urllib.request.urlopen(f"{started.url}/healthz/", timeout=20) as response:
        return str(response.headers["X-Request-Id"])


def counted(started: Up, data_dir: Path) -> int:
    """How many messages were posted, as the metrics say."""
    token = (data_dir / "secrets" / "metrics_token").read_text().strip()
    request = urllib.request.Request(
        f"{started.url}/metrics/", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        text = response.read().decode()
    pattern = (
        r'smsgate_request_seconds_count\{method="POST",route="api/messages/",status="201"\} (\S+)'
    )
    [number] = re.findall(pattern, text)
    return round(float(number))


def test_it_warns_of_more_connections_than_postgresql_allows(data_dir: Path) -> None:
    with up(data_dir, WEB_PROCESSES="2", WEB_THREADS="30") as started:
        started.wait_until_ready()
        told = [line for line in started.lines if "this service may open 77 connections" in line]
        assert len(told) == 1
        assert "WEB_PROCESSES" in told[0]


def test_an_address_that_somebody_else_listens_on_is_not_shared() -> None:
    [taken] = listeners.open_all("127.0.0.1", 0, 1)
    port = taken.getsockname()[1]
    with taken, pytest.raises(OSError, match="in use"):
        listeners.open_all("127.0.0.1", port, 2)
    ours = listeners.open_all("127.0.0.1", port, 2)
    try:
        with pytest.raises(OSError, match="in use"):
            listeners.open_all("127.0.0.1", port, 2)
        with socket.create_connection(("127.0.0.1", port)):
            pass
    finally:
        for one in ours:
            one.close()
