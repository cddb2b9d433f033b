"""`GET /companion/wait/`: a phone's long poll, native async. Ten thousand of them are ten thousand
small objects, not threads: one Redis subscription serves them all.

A waiter subscribes first and looks then, so nothing falls between. It looks again when its licence
is woken, when its next scheduled message becomes due, and every 5 s while Redis is gone.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import redis.asyncio
from django.conf import settings

from http_api import clock
from http_api.errors import Refusal
from licenses.auth import device_by_token, sender_of_license
from messaging import queue
from messaging.drafts import sending_hours
from messaging.wakeup import CHANNEL

logger = logging.getLogger(__name__)

LONGEST_WAIT = 55.0  # seconds
LOOK_WITHOUT_REDIS = 5.0

InThread = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the queue found, and when it is worth looking again."""

    is_ready: bool
    next_due: dt.datetime | None


def license_of(token: str) -> int:
    """Runs in a thread. Raises Refusal `device_unknown`."""
    return device_by_token(token).license_id


def look(token: str) -> Look:
    """Runs in a thread: is there something for this phone to claim? Raises `device_unknown`."""
    now = clock.now()
    device = device_by_token(token)
    try:
        sender = sender_of_license(device.license)
    except Refusal:
        return Look(False, None)
    if device.is_paused:
        return Look(False, None)
    hours = sending_hours(sender)
    is_closed = hours is not None and not hours.is_open(now)
    if queue.is_ready(device.license_id, now, only_any_hour=is_closed):
        return Look(True, None)
    due = queue.next_due(
        device.license_id,
        before=now + dt.timedelta(seconds=LONGEST_WAIT),
        only_any_hour=is_closed,
    )
    if is_closed and hours is not None:
        opening = hours.next_opening(now)
        due = min(due, opening) if due else opening
    return Look(False, due)


class Waiters:
    """All waiting phones of this process, by licence, and the one subscription that wakes them."""

    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread
        self._by_license: defaultdict[int, set[asyncio.Event]] = defaultdict(set)
        self._is_subscribed = False
        self._is_closing = False
        self._listener: asyncio.Task[None] | None = None

    async def wait(self, token: str, longest: float = LONGEST_WAIT) -> bool:
        """True as soon as there is something to claim, False after `longest` seconds.

        Raises Refusal `device_unknown`.
        """
        license_id: int = await self._in_thread(license_of, token)
        woken = asyncio.Event()
        self._by_license[license_id].add(woken)
        try:
            return await self._watch(token, woken, longest)
        finally:
            waiters = self._by_license[license_id]
            waiters.discard(woken)
            if not waiters:
                del self._by_license[license_id]

    async def _watch(self, token: str, woken: asyncio.Event, longest: float) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + longest
        while True:
            woken.clear()
            found: Look = await self._in_thread(look, token)
            if found.is_ready:
                return True
            left = deadline - loop.time()
            if left <= 0 or self._is_closing:
                return False
            try:
                await asyncio.wait_for(woken.wait(), min(left, self._patience(found)))
            except TimeoutError:
                continue

    def _patience(self, found: Look) -> float:
        """Seconds until it is worth looking again, unless woken before."""
        patience = LONGEST_WAIT if self._is_subscribed else LOOK_WITHOUT_REDIS
        if found.next_due is not None:
            until_due = (found.next_due - clock.now()).total_seconds()
            patience = min(patience, max(until_due, 0.05))
        return patience

    def start(self) -> None:
        self._listener = asyncio.create_task(self._listen_forever(), name="wake-ups")

    def release(self) -> None:
        """Let all phones go, each with its answer: the process is about to stop."""
        self._is_closing = True
        self._wake(None)

    async def stop(self) -> None:
        self.release()
        while self._listener is not None and not self._listener.done():
            self._listener.cancel()  # again and again: redis-py loses a cancel while it connects
            await asyncio.wait({self._listener}, timeout=0.1)

    async def _listen_forever(self) -> None:
        while True:
            try:
                await self._listen()
            except (redis.RedisError, OSError) as error:
                if self._is_subscribed:
                    logger.warning(
                        "Redis is gone (%s): waiting phones look every 5 s", type(error).__name__
                    )
                self._is_subscribed = False
                self._wake(None)
                await asyncio.sleep(1)

    async def _listen(self) -> None:
        connection = redis.asyncio.Redis.from_url(settings.REDIS_URL)
        async with connection, connection.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(CHANNEL)
            self._is_subscribed = True
            self._wake(None)  # whatever was published before
            while True:
                message = await pubsub.get_message(timeout=None)
                if message is not None:
                    self._wake(int(message["data"]))

    def _wake(self, license_id: int | None) -> None:
        """Let this licence's phones look again; None: all of them."""
        if license_id is None:
            woken = [event for events in self._by_license.values() for event in events]
        else:
            woken = list(self._by_license.get(license_id, ()))
        for event in woken:
            event.set()
