"""For tests that start the real thing: a clean environment, a supervisor, conditions with deadlines."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg2
import pytest

from smsgate import config
from smsgate.config import PROJECT_DIR, Config
from smsgate.operations.sandbox import Sandbox

DEADLINE = 60.0

is_root = os.geteuid() == 0
needs_root = pytest.mark.skipif(not is_root, reason="only root can become another user")


def private_config(data_dir: Path) -> Config:
    """The configuration of a service that knows only its data folder."""
    return config.load({"DATA_DIR": str(data_dir)}, data_dir / "no-dotenv")


@dataclass(frozen=True)
class OtherUser:
    """Somebody without rights, and a Python that they can run: the venv's may lie in root's home."""

    name: str
    python: str

    @property
    def environ(self) -> dict[str, str]:
        packages = sysconfig.get_path("purelib")
        return {
            "PYTHONPATH": f"{PROJECT_DIR}:{packages}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LD_LIBRARY_PATH": str(Path(self.python).with_name("lib")),  # of a copied interpreter
        }

    @property
    def as_user(self) -> dict[str, Any]:
        entry = pwd.getpwnam(self.name)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def wait_until(is_true: Callable[[], object], what: str, seconds: float = DEADLINE) -> None:
    """Return as soon as it holds."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not is_true():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        pause.wait(0.02)


@contextmanager
def new_database() -> Iterator[str]:
    """On the server that the tests run on; its URL."""
    given, name = os.environ["DATABASE_URL"], f"own_{os.getpid()}_{secrets.token_hex(4)}"
    with contextlib.closing(psycopg2.connect(given)) as admin:
        admin.autocommit = True
        cursor = admin.cursor()
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(given)._replace(path=f"/{name}").geturl()
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def running_in(folder: Path) -> list[psutil.Process]:
    """Everything that works in or for a data folder; also what has lost its parent."""
    found = []
    for process in psutil.process_iter():
        try:
            places = (process.cwd(), process.environ().get("DATA_DIR", ""))
            if any(Path(place).is_relative_to(folder) for place in places):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return [process for process in found if process.pid != os.getpid()]


class Up(Sandbox):
    """`make up` as a user has it: its lines, its exit code, its children."""

    def __init__(
        self,
        data_dir: Path,
        *,
        user: OtherUser | None = None,
        before: Sequence[str] = (),
        **environ: str,
    ) -> None:
        super().__init__(
            data_dir,
            subprocess.PIPE,
            python=[*before, user.python if user else sys.executable],
            as_user=user.as_user if user else None,
            **environ | (user.environ if user else {}),
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines += map(str.rstrip, iter(output.readline, ""))

    def said(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.said("smsgate is ready") or self.ended, "ready")
        assert not self.ended, (self.process.returncode, self.lines)

    @property
    def license_key(self) -> str:
        """Of the account that the first start made and showed."""
        (found,) = re.findall(r"licence key\s+(\w+)", "\n".join(self.lines))
        key: str = found
        return key

    def pid_of(self, name: str) -> int | None:
        """A direct child by the name that its log lines have, if it is alive."""
        program = {"postgres": "postgres", "redis": "valkey-server"}.get(name)
        word = {"web": "smsgate.web.serve"}.get(name, f"smsgate.{name}")
        for process in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if program == process.name() or (program is None and word in process.cmdline()):
                    return process.pid
        return None

    def kill(self, name: str) -> None:
        """Kill -9 it, and return when the supervisor has noticed."""
        pid = self.pid_of(name)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.said(f"{name} ended (signal SIGKILL); again in"), "it was noticed")

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def result(self) -> int:
        """The exit code, when it has ended and all it said was read."""
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    def stop(self) -> int:
        if not self.ended:
            self.process.terminate()
        return self.result()


@contextmanager
def up(
    data_dir: Path, *, user: OtherUser | None = None, before: Sequence[str] = (), **environ: str
) -> Iterator[Up]:
    """A supervisor that is certainly gone afterwards, with all that it started."""
    started = Up(data_dir, user=user, before=before, **environ)
    try:
        yield started
    finally:
        if not started.ended:
            started.process.terminate()
            try:
                started.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                started.process.kill()
        for process in running_in(data_dir):
            process.kill()
