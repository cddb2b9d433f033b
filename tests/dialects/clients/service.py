"""The real web process on a real socket, with a database of its own, and the shipped phone paired.

Celery is not needed: a claim promotes what is due by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

from smsgate.config import PROJECT_DIR
from tests.smsgate.processes import free_port, wait_until

# The phone's clock runs this fast: its 10 s between two messages are none to wait for.
SPEED = 500


@dataclass(frozen=True)
class Service:
    """The service as its users meet it, and one account of it with a phone."""

    url: str
    keys: dict[str, Any]
    environ: dict[str, str]
    folder: Path

    def deliver(self) -> None:
        """Let the phone send all that waits, until the network has said that it arrived."""
        self._phone("run", "--speed", str(SPEED), "--until-idle", "--outbox", str(self.outbox))

    def pair(self) -> None:
        link = _manage(self.environ, "pair", str(self.keys["license_id"]), "--json")["link"]
        self._phone("pair", link)

    def _phone(self, command: str, *arguments: str) -> None:
        journal = str(self.folder / "phone.sqlite3")
        _run(self.environ, "-m", "phone", command, "--journal", journal, *arguments)

    @property
    def outbox(self) -> Path:
        return self.folder / "outbox.jsonl"

    def texts_sent(self) -> list[str]:
        """Every SMS that the phone's radio was handed."""
        return [json.loads(line)["text"] for line in self.outbox.read_text().splitlines()]


@contextmanager
def running(folder: Path, worker: str) -> Iterator[Service]:
    """Gone afterwards, with its database."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with _database(f"clients_{worker}") as database_url:
        environ = os.environ | {
            "DATABASE_URL": database_url,
            "PORT": str(port),
            "PUBLIC_URL": url,
            "LOG_LEVEL": "INFO",
            "FAILED_KEYS_PER_MINUTE": "1000",
        }
        with (folder / "web.log").open("wb") as log:
            web = subprocess.Popen(
                [sys.executable, "-m", "smsgate.serve"],
                cwd=PROJECT_DIR, env=environ, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            wait_until(lambda: web.poll() is not None or _answers(url), "the web process answers")
            assert web.poll() is None, (folder / "web.log").read_text()
            keys = _manage(environ, "provision", "Clients", "--json")
            service = Service(url, keys, environ, folder)
            service.outbox.touch()
            service.pair()
            yield service
        finally:
            web.terminate()
            web.wait(60)


@contextmanager
def _database(name: str) -> Iterator[str]:
    """A new database on the server that the tests run on."""
    given = os.environ["DATABASE_URL"]
    admin = psycopg2.connect(given)
    admin.autocommit = True
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    try:
        with admin.cursor() as cursor:
            cursor.execute(drop)
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            yield urlunsplit(urlsplit(given)._replace(path=f"/{name}"))
            cursor.execute(drop)
    finally:
        admin.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz/", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _manage(environ: dict[str, str], *arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(_run(environ, "manage.py", *arguments))
    return answer


def _run(environ: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT_DIR, env=environ, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, (arguments[:2], done.stdout, done.stderr)
    return done.stdout
