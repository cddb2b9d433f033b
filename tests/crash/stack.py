"""The whole service as users run it: `smsgate.supervisor.up`, phones `python -m phone_simulator`."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from smsgate.config import PROJECT_DIR
from smsgate.supervisor.embedded import Postgres
from tests.smsgate.processes import Up, private_config, running_in, wait_until

CHILDREN = ("web", "worker", "beat", "postgres", "redis")
PATIENCE = 120.0
PHONE_SPEED = 120  # twelve messages a second


class PhoneProcess:
    """`python -m phone_simulator run`, started again whenever it is told to."""

    def __init__(self, folder: Path, name: str, journal: Path | None = None) -> None:
        self.journal = journal or folder / f"{name}.sqlite3"
        self.outbox = folder / f"{name}.jsonl"
        self._said = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def pair(self, link: str) -> None:
        command = [
            sys.executable,
            "-m",
            "phone_simulator",
            "pair",
            "--journal",
            str(self.journal),
            link,
        ]
        subprocess.run(command, cwd=PROJECT_DIR, check=True, capture_output=True)

    def start(self, *options: str) -> None:
        command = [sys.executable, "-m", "phone_simulator", "run", "--speed", str(PHONE_SPEED)]
        command += ["--journal", str(self.journal), "--outbox", str(self.outbox), *options]
        with self._said.open("ab") as said:
            self.process = subprocess.Popen(command, cwd=PROJECT_DIR, stdout=said, stderr=said)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def drain(self, seconds: float) -> None:
        """Run until there is nothing left to send or to report, for so long at most."""
        self.start("--until-idle", "--max-seconds", f"{seconds:.0f}")

    def wait(self, seconds: float) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    def starts(self) -> Counter[tuple[int, int]]:
        """What its radio was told to send, by message and attempt."""
        if not self.outbox.exists():
            return Counter()
        lines = map(json.loads, self.outbox.read_text(encoding="utf-8").splitlines())
        return Counter((line["message_id"], line["attempt"]) for line in lines)

    def said(self) -> str:
        return self._said.read_text(encoding="utf-8")

    def holds(self) -> set[int]:
        """The messages that its journal knows: to send, or not yet reported to the end."""
        return self._messages("attempt")

    def unreported(self) -> set[int]:
        """Those of which it knows more than the server has heard."""
        return self._messages("event")

    def _messages(self, table: str) -> set[int]:
        with closing(sqlite3.connect(self.journal)) as journal:
            return {pk for (pk,) in journal.execute(f"SELECT message_id FROM {table}")}


class Stack:
    """One data folder, one supervisor at a time."""

    def __init__(
        self,
        folder: Path,
        port: int,
        data_dir: Path | None = None,
        *,
        database: str = "",
        **environ: str,
    ) -> None:
        """`database`: the URL to look into it by, where the environment names one of its own."""
        self.folder, self.port, self._database = folder, port, database
        self.data_dir = data_dir or folder / "data"
        self.order = folder / "order"
        self._environ = {
            "PORT": str(port),
            "LOG_LEVEL": "WARNING",
            "WEBHOOK_PRIVATE_NETWORKS": "127.0.0.1",
            "LICENSE_RATE_PER_MINUTE": "0",
            "DEVICE_RATE_PER_MINUTE": "0",  # its clock runs fast
            "DJANGO_SETTINGS_MODULE": "tests.crash.settings",
            "CRASH_ORDER": str(self.order),
        } | environ
        self.phones: list[PhoneProcess] = []
        self.up: Up | None = None
        self.license_key = ""  # the first start shows it
        self._lines: list[list[str]] = []  # of each supervisor

    # --- starting --------------------------------------------------------------------------------

    def start(self) -> None:
        self.up = Up(self.data_dir, user=None, before=(), **self._environ)
        self._lines.append(self.up.lines)
        wait_until(
            lambda: self.up is not None and (self.up.said("smsgate is ready") or self.up.ended),
            "ready",
            PATIENCE,
        )
        assert not self.up.ended, self.up.lines
        self.license_key = self.license_key or self.up.license_key

    def restart(self) -> None:
        """As its operator does."""
        assert self.up is not None
        self.up.stop()
        self.start()

    def pair(self, phone: PhoneProcess) -> None:
        """With the account that the first start made."""
        assert self.up is not None
        phone.pair(json.loads(self.up.manage("pair", "1", "--json"))["link"])
        self.phones.append(phone)

    # --- killing ---------------------------------------------------------------------------------

    def pid_of(self, child: str) -> int | None:
        assert self.up is not None
        return self.up.pid_of(child)

    def kill(self, child: str, with_signal: signal.Signals = signal.SIGKILL) -> None:
        if (pid := self.pid_of(child)) is not None:
            os.kill(pid, with_signal)

    def kill_at(self, victim: str, process: str, point: str, patience: float) -> bool:
        """Kill this child when that process comes to that point; False: it did not come there."""
        pid = 0 if victim == process else self.pid_of(victim)
        draft = self.order.with_suffix(".draft")
        draft.write_text(f"{process},{point},{pid}")
        draft.replace(self.order)
        deadline = time.monotonic() + patience
        while self.order.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            self.order.unlink()
        except FileNotFoundError:
            return True
        return False

    def kill_supervisor(self) -> None:
        assert self.up is not None
        self.up.process.kill()
        self.up.process.wait()

    def kill_everything(self) -> None:
        """The power goes."""
        assert self.up is not None
        children = psutil.Process(self.up.process.pid).children(recursive=True)
        self.kill_supervisor()
        for process in children:
            if process.is_running():
                process.kill()
        psutil.wait_procs(children, PATIENCE)
        for phone in self.phones:
            phone.kill()

    # --- looking ---------------------------------------------------------------------------------

    @property
    def log(self) -> list[str]:
        """Every line that the service has ever written."""
        return [line for lines in self._lines for line in lines]

    def rows(self) -> list[tuple[int, str, str]]:
        """Id, external_id and status of every message, from the database itself."""
        with self.database() as cursor:
            cursor.execute("SELECT id, external_id, status FROM messaging_message ORDER BY id")
            return [(int(pk), str(external_id), str(status)) for pk, external_id, status in cursor]

    @contextmanager
    def database(self) -> Iterator[Any]:
        own = Postgres(private_config(self.data_dir))
        connection = psycopg2.connect(self._database or own.url())
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()


@contextmanager
def running(stack: Stack) -> Iterator[Stack]:
    """Started, and certainly gone afterwards with all that it started."""
    try:
        stack.start()
        yield stack
    finally:
        for phone in stack.phones:
            phone.kill()
        if stack.up is not None and not stack.up.ended:
            stack.up.process.terminate()
            try:
                stack.up.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                stack.up.process.kill()
        for process in running_in(stack.data_dir):
            process.kill()


def drain(phones: Sequence[PhoneProcess], seconds: float) -> None:
    for phone in phones:
        phone.kill()
        phone.drain(seconds)
    for phone in phones:
        phone.wait(seconds + PATIENCE)
