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
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from http_api.batching import run_together


@dataclass(frozen=True, slots=True)
class Lane:
    """A kind of work: how many threads it may have in all, and how many for one caller.

    `together`: how many jobs that wait a thread does at once, of several callers, so that what they ask
    of the database goes together (http_api.batching). `a_caller` counts jobs then: others wait for them.
    """

    name: str
    threads: int
    a_caller: int
    together: int = 1

    def __post_init__(self) -> None:
        # Of what waits for such a lane only the first wakes a thread.
        assert self.together == 1 or self.threads == 1


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
    result: Any = None
    error: BaseException | None = None


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
        # Locks that idle threads wait for: to release one wakes its thread, and no other. The last to
        # come is the first to go: its database connection is the warmest.
        self._idle: list[threading.Lock] = []
        self._is_ending = False
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
            is_called = lane.together > 1 and bool(callers)  # by the first of those that wait
            callers.setdefault(caller, deque()).append(job)
            if not is_called and self._has_room(lane) and self._has_room_for(lane, caller):
                self._wake()
        return job.answer

    def shutdown(self) -> None:
        """End the threads, each after what it does now; return when they have ended."""
        with self._lock:
            self._is_ending = True
            while self._idle:
                self._wake()
        for thread in self._threads:
            thread.join()

    def _wake(self) -> None:
        """Let an idle thread look for work; one that is busy looks when it is done. Under the lock."""
        if self._idle:
            self._idle.pop().release()

    def _serve(self) -> None:
        nap = threading.Lock()
        nap.acquire()
        while True:
            with self._lock:
                jobs = self._take()
                if not jobs and self._is_ending:
                    break
                if not jobs:
                    self._idle.append(nap)
            if jobs:
                self._do(jobs)
            else:
                nap.acquire()
        self._at_end()

    def _has_room(self, lane: Lane) -> bool:
        return self._busy[lane] < lane.threads

    def _has_room_for(self, lane: Lane, caller: Hashable) -> bool:
        return self._busy[lane, caller] < lane.a_caller

    def _take(self) -> list[_Job]:
        """Return what a lane with room does next, of the callers whose turn it is; or nothing. Under the
        lock."""
        for lane in self._waiting:
            if self._has_room(lane) and (jobs := self._next_of(lane)):
                self._waiting.move_to_end(lane)
                self._busy[lane] += 1
                return jobs
        return []

    def _next_of(self, lane: Lane) -> list[_Job]:
        """Take a job of each caller in turn, until there are as many as a thread does together."""
        callers, jobs = self._waiting[lane], list[_Job]()
        free = [caller for caller in callers if self._has_room_for(lane, caller)]
        while free and len(jobs) < lane.together:
            caller = free.pop(0)
            jobs.append(callers[caller].popleft())
            self._busy[lane, caller] += 1
            if not callers[caller]:
                del callers[caller]
                continue
            callers.move_to_end(caller)
            if self._has_room_for(lane, caller):
                free.append(caller)
        return jobs

    def _release(self, jobs: Sequence[_Job]) -> None:
        with self._lock:
            lane = jobs[0].lane
            self._busy[lane] -= 1
            for job in jobs:
                self._busy[lane, job.caller] -= 1
                if not self._busy[lane, job.caller]:
                    del self._busy[lane, job.caller]
            if any(self._has_room_for(lane, caller) for caller in self._waiting[lane]):
                self._wake()

    def _do(self, jobs: list[_Job]) -> None:
        works = [partial(self._attempt, job) for job in jobs]
        try:
            if jobs[0].lane.together > 1:
                run_together(works)
            else:
                works[0]()
        except BaseException as error:  # a fault of ours: the lane must not stand still over it
            for job in jobs:
                if job.result is None and job.error is None:
                    job.error = error
        try:
            jobs[0].loop.call_soon_threadsafe(self._answer, jobs)
        except RuntimeError:  # the loop has ended: nobody waits
            self._release(jobs)

    def _attempt(self, job: _Job) -> None:
        if time.monotonic() - job.queued_at > self._patience:
            job.error = TooLate()
        elif not job.answer.cancelled():
            try:
                job.result = job.work()
            except BaseException as error:
                job.error = error

    def _answer(self, jobs: Sequence[_Job]) -> None:
        """Run in the event loop."""
        self._release(jobs)
        for job in jobs:
            if job.answer.cancelled():
                continue
            if job.error is None:
                job.answer.set_result(job.result)
            else:
                job.answer.set_exception(job.error)
