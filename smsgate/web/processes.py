"""Several web processes, forked from one that has loaded everything; a dead one is replaced alone.

What a start prepares is done in one more, and the memory that it takes is gone with it.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess

from smsgate.supervisor import parent
from smsgate.supervisor.parent import CANNOT_START

logger = logging.getLogger(__name__)

_fork = multiprocessing.get_context("fork")

_LOOK_SECONDS = 0.5
_REST_SECONDS = 1.0  # between two starts of one that dies at once

Prepare = Callable[[], int]  # → its exit code
Serve = Callable[[int], int]  # the process's number → its exit code


class Processes:
    """Run `prepare` in a process, then keep `count` that run `serve`, until SIGTERM."""

    def __init__(self, count: int, prepare: Prepare, serve: Serve) -> None:
        self._count, self._prepare, self._serve = count, prepare, serve
        self._preparing: ForkProcess | None = None
        self._running: dict[int, ForkProcess] = {}
        self._started_at: dict[int, float] = {}
        self._is_stopping = False

    def run(self) -> int:
        """Return 0 when told to stop; else the exit code of `prepare`, or CANNOT_START."""
        gc.collect()
        gc.freeze()  # a collector that marks what is there would copy the pages that are shared
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        # Waited for without a thread: a process that has several should not fork.
        supervisor = [descriptor for descriptor in [parent.pipe()] if descriptor is not None]
        self._preparing = _start(self._prepare)
        code = 0
        while not (self._is_stopping or code):
            code = self._look_after()
            sentinels = [process.sentinel for process in self._all()]
            if not {*supervisor}.isdisjoint(wait([*supervisor, *sentinels], _LOOK_SECONDS)):
                self._is_stopping = True
        for process in self._all():
            process.terminate()
        for process in self._all():
            process.join()
        return code

    def _all(self) -> list[ForkProcess]:
        return [*self._running.values(), *([self._preparing] if self._preparing else [])]

    def _look_after(self) -> int:
        if self._preparing is not None:
            code = self._preparing.exitcode
            if code != 0:
                return 0 if code is None else max(code, 1)  # below 0: killed
            self._preparing = None
        for number in range(self._count):
            process = self._running.get(number)
            if process is not None and process.is_alive():
                continue
            if process is not None:
                if process.exitcode == CANNOT_START:
                    return CANNOT_START
                if time.monotonic() < self._started_at[number] + _REST_SECONDS:
                    continue
                logger.warning("web process %d ended (%s): a new one", number, process.exitcode)
            self._started_at[number] = time.monotonic()
            self._running[number] = _start(partial(self._serve, number))
        return 0

    def _on_signal(self, *_: object) -> None:
        self._is_stopping = True


def _start(work: Callable[[], int]) -> ForkProcess:
    process = _fork.Process(target=_run, args=(work,))
    process.start()
    return process


def _run(work: Callable[[], int]) -> None:
    """Run in the new process."""
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    raise SystemExit(work())


def _end_with_parent() -> None:
    process = multiprocessing.parent_process()
    assert process is not None
    wait([process.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
