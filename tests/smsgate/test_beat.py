"""smsgate.beat: it publishes names, loads nothing of what they stand for, and leaves them to another."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import redis

from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import environment
from tests.smsgate.processes import new_database, private_config, up, wait_until


def test_beat_loads_no_task_and_no_model(tmp_path: Path) -> None:
    """They are more than half of a process's memory."""
    script = (
        "import sys\n"
        "from smsgate.beat import Clock, app\n"
        "Clock(app=app, quiet=True).init_loader()\n"
        "print(*{'messaging.tasks', 'django.db.models', 'rest_framework'} & set(sys.modules))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT_DIR, capture_output=True, text=True, check=True,
        env=environment(tmp_path, SMSGATE_PROCESS="beat", SECRET_KEY="x" * 50, PEPPER_1="x"),
    )  # fmt: skip
    assert finished.stdout.split() == []


class Ticks(threading.Thread):
    """How often the worker was told to promote, as Redis saw it."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._redis = redis.Redis.from_url(url)
        self.number = 0

    def run(self) -> None:
        with suppress(redis.ConnectionError), self._redis.monitor() as monitor:  # type: ignore[no-untyped-call]  # until it ends
            for command in monitor.listen():
                self.number += command["command"].startswith("SET smsgate:tick ")


@pytest.mark.slow
def test_of_two_services_on_one_database_one_ticks_and_the_other_goes_on() -> None:
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="sms-")))
        given = {"DATABASE_URL": opened.enter_context(new_database()), "WEB_PROCESSES": "1"}
        given |= {"SECRET_KEY": "x", "PEPPER_1": "x"}
        first = opened.enter_context(up(folder / "first", user=None, **given))
        first.wait_until_ready()
        url = private_config(folder / "first").effective_redis_url()
        ticks = Ticks(url)
        ticks.start()
        second = opened.enter_context(up(folder / "second", user=None, REDIS_URL=url, **given))
        second.wait_until_ready()
        wait_until(lambda: ticks.number >= 1, "it has begun")
        before, began = ticks.number, time.monotonic()
        wait_until(lambda: ticks.number >= before + 3, "it ticks")
        assert time.monotonic() - began > 19  # one every ten seconds
        first.kill("beat")
        first.kill("worker")
        before = ticks.number
        wait_until(lambda: ticks.number > before + 1, "it goes on", 60)
