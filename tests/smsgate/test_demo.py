"""`make demo` as a newcomer has it: also one with settings of their own, or one in a hurry."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from smsgate import config
from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import environment
from tests.smsgate.processes import DEADLINE, running_in


@pytest.mark.parametrize("place", ["environment", "dotenv"])
def test_it_never_touches_a_real_database(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = {
        "DATABASE_URL": "postgresql://u@h/production",
        "REDIS_URL": "redis://h/0",
        "PEPPER_1": "a real one",
        "TRUSTED_PROXIES": "10.0.0.0/8",
    }
    dotenv = tmp_path / ".env"
    if place == "dotenv":
        dotenv.write_text("".join(f"{name}={value}\n" for name, value in real.items()))
    else:
        for name, value in real.items():
            monkeypatch.setenv(name, value)
    environ = environment(tmp_path / "demo" / "data")
    seen = config.load(environ, dotenv)
    assert seen.embedded_postgres
    assert seen.embedded_redis
    assert seen.data_dir == tmp_path / "demo" / "data"
    assert seen.trusted_proxies == ()
    assert environ["PEPPER_1"] == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_everything_and_leaves_nothing(
    number: signal.Signals, data_dir: Path
) -> None:
    data_dir.mkdir()
    env = environment(data_dir / "unused", TMPDIR=str(data_dir))
    del env["DJANGO_SETTINGS_MODULE"]  # pytest-django's
    demo = subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=PROJECT_DIR,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert demo.stdout is not None
        with demo.stdout as output:
            for line in output:
                if line.strip() == "== An account with its keys":
                    break
            demo.send_signal(number)
            rest = output.read()
        demo.wait(DEADLINE)
        left = running_in(data_dir)
    finally:
        for process in running_in(data_dir):
            process.kill()
        demo.kill()
        demo.wait()
    assert demo.returncode == 130
    assert "Interrupted: everything stops" in rest
    assert "Traceback" not in rest
    assert os.listdir(data_dir) == [], "neither its folder nor ours"
    assert left == []
