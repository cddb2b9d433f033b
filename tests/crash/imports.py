"""`make crash-import ROWS=100000`: the worker, at times everything, is killed while it imports a file.

In the end each person is there once, each bad row is listed once, and the counts add up. Says how fast
the import was between two kills, and how much memory the worker took for it.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":  # what is imported below asks for settings, but for none of these
    os.environ |= {"SECRET_KEY": "crash", "PEPPER_1": "crash", "REDIS_URL": "redis://127.0.0.1:1"}
    os.environ["DATABASE_URL"] = "postgresql:///none?host=/nowhere"

import psutil

from smsgate.operations.sandbox import free_port
from tests.crash.stack import PATIENCE, Stack, running
from tests.smsgate.processes import wait_until

EVERY = 200  # of the rows one is bad
CHUNK = 500
POWER = (
    4  # of so many kills one takes everything, PostgreSQL too: a supervisor loses its patience else
)

_UPLOAD = """
import pathlib
from contacts import imports
from contacts.services import Consent
data = pathlib.Path({path!r}).read_bytes()
found = imports.upload(1, "PL", data, name="klienci.csv", by="crash")
imports.check(1, found.pk, imports.Choices(found.columns))
imports.start(1, found.pk, Consent("", "crash"))
"""


class Played(NamedTuple):
    kills: int
    rows_a_second: float  # without a kill, of the longest stretch
    memory: float  # MiB above idle, of all processes
    wrong: list[str]


def lines(rows: int) -> bytes:
    """Return a file in cp1250 of which each EVERYth row is bad."""
    body = (
        f"4,85006E+10;Żaneta {row}\n" if row % EVERY == 0 else f"{500_000_000 + row};Żaneta {row}\n"
        for row in range(1, rows + 1)
    )
    return ("telefon;imię\n" + "".join(body)).encode("cp1250")


def play(folder: Path, *, rows: int, kills: int, seed: int) -> Played:
    file = folder / "klienci.csv"
    file.write_bytes(lines(rows))
    at = sorted(random.Random(seed).sample(range(0, rows, CHUNK), kills))
    with running(Stack(folder, free_port())) as stack:
        watch = _Watch(stack)
        assert stack.up is not None
        stack.up.manage("shell", "--verbosity", "0", "--command", _UPLOAD.format(path=str(file)))
        for number, row in enumerate(at, 1):
            wait_until(lambda row=row: watch.row() >= row, f"row {row}", PATIENCE)  # type: ignore[misc]
            if number % POWER == 0:
                stack.kill_everything()
                stack.start()
            else:
                _kill_worker(stack)
        wait_until(lambda: watch.row() < 0, "the end", PATIENCE)
        return Played(kills, watch.fastest, watch.memory, _wrong(stack, rows))


def _kill_worker(stack: Stack) -> None:
    before = stack.pid_of("worker")
    stack.kill("worker")
    wait_until(lambda: stack.pid_of("worker") not in {None, before}, "a new worker", PATIENCE)


class _Watch:
    """Looks how far the import is, how fast it was, and what the service took."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._idle = stack, self._taken(stack)
        self._from: tuple[float, int] | None = None
        self.fastest, self.memory = 0.0, 0.0

    def row(self) -> int:
        """Return the next row; -1 at the end."""
        with self._stack.database() as cursor:
            cursor.execute("SELECT state, next_row FROM contacts_import")
            state, row = next(iter(cursor.fetchall()), ("ready", 0))
        self.memory = max(self.memory, self._taken(self._stack) - self._idle)
        now = time.monotonic()
        if self._from is None or row == self._from[1]:
            self._from = (now, row)
        elif now - self._from[0] > 1:
            self.fastest = max(self.fastest, (row - self._from[1]) / (now - self._from[0]))
            self._from = (now, row)
        return -1 if state == "done" else int(row)

    @staticmethod
    def _taken(stack: Stack) -> float:
        """Return the memory of the worker and of what it started, in MiB."""
        if (pid := stack.pid_of("worker")) is None:
            return 0.0
        try:
            worker = psutil.Process(pid)
            all_of_it = [worker, *worker.children(recursive=True)]
            return sum(one.memory_full_info().pss for one in all_of_it) / 2**20
        except psutil.Error:
            return 0.0


def _wrong(stack: Stack, rows: int) -> list[str]:
    bad = rows // EVERY
    expected: dict[str, tuple[str, Any]] = {
        "people": ("SELECT count(*) FROM contacts_contact", rows - bad),
        "different people": ("SELECT count(DISTINCT phone) FROM contacts_contact", rows - bad),
        "bad rows": ("SELECT count(*) FROM contacts_importproblem", bad),
        "exactly those": (
            f"SELECT count(*) FROM contacts_importproblem WHERE (row - 1) % {EVERY} = 0", bad,
        ),
        "rows done": ("SELECT next_row FROM contacts_import", rows),
        "new": ("SELECT counts ->> 'new' FROM contacts_import", str(rows - bad)),
        "rounded": ("SELECT counts ->> 'rounded' FROM contacts_import", str(bad)),
        "pieces of the file": ("SELECT count(*) FROM contacts_importpiece", 0),
    }  # fmt: skip
    wrong = []
    with stack.database() as cursor:
        for what, (sql, wanted) in expected.items():
            cursor.execute(sql)
            [found] = cursor.fetchone()
            if found != wanted:
                wrong.append(f"{what}: {found}, not {wanted}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="smsgate-import-") as folder:
        played = play(Path(folder), rows=given.rows, kills=given.kills, seed=given.seed)
    print(
        f"{given.rows:,} rows, {played.kills} kills: {played.rows_a_second:,.0f} rows a"
        f" second at best, {played.memory:.0f} MiB above idle"
    )
    for line in played.wrong:
        print(f"WRONG {line}")
    return bool(played.wrong)


if __name__ == "__main__":
    sys.exit(main())
