"""The real web process on a real socket, with a database of its own, and the shipped phone paired.

Celery is not needed: a claim promotes what is due by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import answers, free_port, manage
from tests.smsgate.processes import new_database, wait_until

# The phone's clock runs this fast: its 10 s between two messages are none to wait for.
SPEED = 500


@dataclass(frozen=True)
class Service:
    """The service as its users meet it, and one account of it with a phone."""

    url: str
    keys: dict[str, Any]
    environ: dict[str, str]
    folder: Path
    web: psutil.Process

    def deliver(self) -> None:
        """Let the phone send all that waits, until the network has said that it arrived."""
        self._phone("run", "--speed", str(SPEED), "--until-idle", "--outbox", str(self.outbox))

    def count(self) -> None:
        """Do what Celery would: count the states that messages have reached."""
        manage(self.environ, "shell", "-c", "from messaging import tasks; tasks.count_states()")

    def pair(self) -> None:
        made = json.loads(manage(self.environ, "pair", str(self.keys["license_id"]), "--json"))
        self._phone("pair", made["link"])

    def _phone(self, command: str, *arguments: str) -> None:
        journal = str(self.folder / "phone.sqlite3")
        _run(self.environ, "-m", "phone_simulator", command, "--journal", journal, *arguments)

    @property
    def outbox(self) -> Path:
        return self.folder / "outbox.jsonl"

    def texts_sent(self) -> list[str]:
        """Every SMS that the phone's radio was handed."""
        return [json.loads(line)["text"] for line in self.outbox.read_text().splitlines()]


@contextmanager
def running(folder: Path) -> Iterator[Service]:
    """Gone afterwards, with its database."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with new_database() as database_url:
        environ = os.environ | {
            "DATABASE_URL": database_url,
            "PORT": str(port),
            "PUBLIC_URL": url,
            "LOG_LEVEL": "INFO",
            "FAILED_KEYS_PER_MINUTE": "1000",
        }
        with (folder / "web.log").open("wb") as log:
            web = subprocess.Popen(
                [sys.executable, "-m", "smsgate.web.serve"],
                cwd=PROJECT_DIR, env=environ, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            wait_until(lambda: web.poll() is not None or answers(url), "the web process answers")
            assert web.poll() is None, (folder / "web.log").read_text()
            keys = json.loads(manage(environ, "provision", "Clients", "--json"))
            service = Service(url, keys, environ, folder, psutil.Process(web.pid))
            service.outbox.touch()
            service.pair()
            yield service
        finally:
            web.terminate()
            web.wait(60)


def _run(environ: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT_DIR, env=environ, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, (arguments[:2], done.stdout, done.stderr)
