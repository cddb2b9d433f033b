"""A web process that was told to stop answers on for a while; `make restart` replaces all of them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smsgate.config import PROJECT_DIR
from smsgate.supervisor import restart
from smsgate.supervisor.child import Child
from smsgate.supervisor.renewal import Renewal
from smsgate.web.serve import SHUTDOWN_SECONDS
from tests.smsgate.processes import Up, running_in, up, wait_until
from tests.smsgate.test_up import post


def answer(kept: http.client.HTTPConnection, path: str) -> tuple[int, str, str | None]:
    kept.request("GET", path)
    response = kept.getresponse()
    code = json.loads(response.read()).get("message", "")
    return response.status, code, response.getheader("connection")


@pytest.mark.slow
def test_one_that_drains_answers_and_tells_everybody_to_go_elsewhere(data_dir: Path) -> None:
    with up(data_dir, WEB_PROCESSES="1", DRAIN_SECONDS="3") as started:
        started.wait_until_ready()
        kept = http.client.HTTPConnection("127.0.0.1", started.port, timeout=10)
        assert answer(kept, "/readyz/")[::2] == (200, None)
        pid = started.pid_of("web")
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: answer(kept, "/healthz/")[2] == "close", "it drains")
        assert answer(kept, "/readyz/") == (503, "This process is stopping: ask another.", "close")
        assert post(started, started.license_key, "in the last moment") == 201
        assert started.pid_of("web") == pid
        wait_until(lambda: started.said("web ended (signal SIGTERM)"), "it has ended")
        assert started.stop() == 0


@pytest.mark.slow
def test_an_answer_begun_before_the_drain_does_not_end_its_connection(data_dir: Path) -> None:
    """It did not say so: whoever keeps that connection, a balancer above all, asks by it again."""
    with up(data_dir, WEB_PROCESSES="1", DRAIN_SECONDS="3") as started:
        started.wait_until_ready()
        kept = http.client.HTTPConnection("127.0.0.1", started.port, timeout=10)
        key = {"Authorization": f"Bearer {started.license_key}"}
        kept.request("GET", "/api/events/stream/", headers=key)
        stream = kept.getresponse()
        pid = started.pid_of("web")
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        stream.read()  # it ends
        assert stream.getheader("connection") is None
        assert answer(kept, "/readyz/")[::2] == (503, "close")
        assert started.stop() == 0


@pytest.mark.slow
def test_a_kept_connection_whose_stream_ended_holds_no_stop_up(data_dir: Path) -> None:
    with up(data_dir, WEB_PROCESSES="1") as started:
        started.wait_until_ready()
        kept = http.client.HTTPConnection("127.0.0.1", started.port, timeout=10)
        key = {"Authorization": f"Bearer {started.license_key}"}
        kept.request("GET", "/api/events/stream/", headers=key)
        stream = kept.getresponse()
        began = time.monotonic()
        pid = started.pid_of("web")
        assert pid is not None
        os.kill(pid, signal.SIGTERM)
        stream.read()
        wait_until(lambda: started.said("web ended (signal SIGTERM)"), "it has ended")
        assert time.monotonic() - began < SHUTDOWN_SECONDS / 2
        kept.close()
        assert started.stop() == 0


def processes(started: Up) -> list[int | None]:
    return [started.pid_of(name) for name in ("web", "worker", "beat")]


def restarted(data_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "smsgate.supervisor.restart"],
        cwd=PROJECT_DIR, env=os.environ | {"DATA_DIR": str(data_dir)}, timeout=90,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_a_restart_replaces_every_process_but_the_servers(data_dir: Path) -> None:
    assert restarted(data_dir).stderr.startswith("smsgate: it does not run on ")
    with up(data_dir, WEB_PROCESSES="2") as started:
        started.wait_until_ready()
        before, servers = processes(started), [started.pid_of("postgres"), started.pid_of("redis")]
        done = restarted(data_dir)
        assert (done.returncode, done.stdout) == (0, "smsgate: new processes have taken over\n")
        replaced = {None, *before}
        wait_until(lambda: not replaced & set(processes(started)), "others are there")
        assert [started.pid_of("postgres"), started.pid_of("redis")] == servers
        assert started.stop() == 0
    assert not running_in(data_dir)


# --- the rule, over processes that only print ------------------------------------------------------

Start = Callable[[str], subprocess.Popen[str]]


def child(script: str, ready: int | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, str(ready)],
        pass_fds=[] if ready is None else [ready], text=True,
    )  # fmt: skip


SLEEP = "import time; time.sleep(60)"
SERVE_TWO = f"import os, sys; os.write(int(sys.argv[1]), b'..'); {SLEEP}"
DIE_WITH_ONE = "import os, sys; os.write(int(sys.argv[1]), b'.')"


def looked(renewal: Renewal) -> bool:
    deadline = time.monotonic() + 30
    while (done := renewal.look()) is None:
        assert time.monotonic() < deadline
    return done


@pytest.mark.parametrize(("script", "takes_over"), [(SERVE_TWO, True), (DIE_WITH_ONE, False)])
def test_the_old_ones_go_when_all_of_the_new_ones_serve(script: str, takes_over: bool) -> None:
    web, worker = (Child(name, lambda: child(SLEEP)) for name in ("web", "worker"))
    web.launch()
    worker.launch()
    old = [web.process, worker.process]
    renewal = Renewal(web, [worker], lambda ready: child(script, ready), 2)
    try:
        assert looked(renewal) is takes_over
        for one in (web, worker):
            if takes_over:
                assert one.process is not None
                wait_until(lambda: all(each and each.poll() is not None for each in old), "gone")
                one.look_after()
        assert ([web.process, worker.process] == old) is not takes_over
        assert worker.failures == web.failures == 0
    finally:
        for one in (web, worker):
            one.end()
            one.wait(time.monotonic() + 10)


def test_what_it_says_where_nothing_runs_or_another_user_runs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert restart.main() == 1
    assert "`make up` starts it" in capsys.readouterr().err
