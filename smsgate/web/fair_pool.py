"""A pool of threads that serves its callers in turns, in place of ThreadPoolExecutor's one line.

Who queues a thousand requests waits for them; everybody else waits for one. A lane bounds how many
threads may be busy with a kind of work in all, and with one caller's. What waits holds no thread.

A place in a lane comes free when the event loop has taken the answer, not before. Threads that compute
keep Python's lock from the loop: were they to go on at once, requests would pile up in the loop, which
knows no turns, and not here.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any


@dataclass(frozen=True, slots=True)
class Lane:
    """A kind of work: how many threads it may have in all, and how many for one caller."""

    name: str
    threads: int
    threads_a_caller: int


class TooLate(Exception):
    """The work waited for longer than anybody waits for an answer: it was not begun."""


@dataclass(slots=True)
class _Job:
    lane: Lane
    caller: Hashable
    work: Callable[[], Any]
    answer: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    queued_at: float


class FairPool:
    """Threads for a fixed set of lanes, which are served in turns as well.

    Jobs that wait for more than `patience` seconds raise TooLate. `at_end` runs in each thread before
    it ends.
    """

    def __init__(
        self,
        threads: int,
        name: str,
        *,
        patience: float = 30.0,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._patience = patience
        self._at_end = at_end
        self._lock = threading.Lock()
        self._waiting: OrderedDict[Lane, OrderedDict[Hashable, deque[_Job]]] = OrderedDict()
        self._busy: Counter[Hashable] = Counter()  # places, by lane and by (lane, caller)
        # One call for each waiting job. A thread that is called while all that waits is in full
        # lanes notes so, and calls again when a thread has come free.
        self._calls: SimpleQueue[bool] = SimpleQueue()
        self._passed_over = 0
        self._threads = [
            threading.Thread(target=self._serve, name=f"{name}_{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, lane: Lane, caller: Hashable, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Return what `work` returns, or raise what it raises, for the running event loop."""
        loop = asyncio.get_running_loop()
        job = _Job(lane, caller, work, loop.create_future(), loop, time.monotonic())
        with self._lock:
            callers = self._waiting.setdefault(lane, OrderedDict())
            callers.setdefault(caller, deque()).append(job)
        self._calls.put(True)
        return job.answer

    def shutdown(self) -> None:
        """End the threads, each after what it does now; return when they have ended."""
        for _ in self._threads:
            self._calls.put(False)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while self._calls.get():
            job = self._take()
            if job is not None:
                self._do(job)
        self._at_end()

    def _take(self) -> _Job | None:
        """Take the next job whose lane and caller have a free thread, lanes and callers in turn."""
        with self._lock:
            for lane, callers in self._waiting.items():
                if self._busy[lane] >= lane.threads:
                    continue
                for caller, jobs in callers.items():
                    if self._busy[lane, caller] >= lane.threads_a_caller:
                        continue
                    job = jobs.popleft()
                    if jobs:
                        callers.move_to_end(caller)
                    else:
                        del callers[caller]
                    self._waiting.move_to_end(lane)
                    self._busy[lane] += 1
                    self._busy[lane, caller] += 1
                    return job
            self._passed_over += 1
            return None

    def _release(self, job: _Job) -> None:
        with self._lock:
            self._busy[job.lane] -= 1
            self._busy[job.lane, job.caller] -= 1
            if not self._busy[job.lane, job.caller]:
                del self._busy[job.lane, job.caller]
            if not self._passed_over:
                return
            self._passed_over -= 1
        self._calls.put(True)

    def _do(self, job: _Job) -> None:
        result: Any = None
        error: BaseException | None = None
        if time.monotonic() - job.queued_at > self._patience:
            error = TooLate()
        elif not job.answer.cancelled():
            try:
                result = job.work()
            except BaseException as raised:
                error = raised
        try:
            job.loop.call_soon_threadsafe(self._answer, job, result, error)
        except RuntimeError:  # the loop has ended: nobody waits
            self._release(job)

    def _answer(self, job: _Job, result: Any, error: BaseException | None) -> None:
        """Run in the event loop."""
        self._release(job)
        if job.answer.cancelled():
            return
        if error is None:
            job.answer.set_result(result)
        else:
            job.answer.set_exception(error)
