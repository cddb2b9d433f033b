"""A web process's ear on a Redis channel: who waits is woken by what any process publishes.

A lost wake-up costs patience, nothing else: waiters look by themselves, and often while Redis is gone. A
connection that is silent and open counts as gone after two silences.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import redis.asyncio
from django.conf import settings

logger = logging.getLogger(__name__)

# Seconds without data after which the Redis connection is pinged; after as many again it is dead.
SILENCE = 5.0

# How often waiters look by themselves while Redis is gone, in seconds.
LOOK_WITHOUT_REDIS = 5.0


class Subscription:
    """`wake` is called with each number that is published, `wake_all` where some may be missed."""

    def __init__(
        self, channel: str, wake: Callable[[int], None], wake_all: Callable[[], None], who: str
    ) -> None:
        """`who` waits, for the log."""
        self._channel, self._wake, self._wake_all, self._who = channel, wake, wake_all, who
        self._listener: asyncio.Task[None] | None = None
        self._is_told_gone = False
        self.is_up = False

    def patience(self, otherwise: float) -> float:
        """Return for how many seconds a waiter need not look by itself."""
        return otherwise if self.is_up else LOOK_WITHOUT_REDIS

    def start(self) -> None:
        self._listener = asyncio.create_task(self._listen_forever(), name=self._channel)

    async def stop(self) -> None:
        while self._listener is not None and not self._listener.done():
            self._listener.cancel()  # again and again: redis-py loses a cancel while it connects
            await asyncio.wait({self._listener}, timeout=0.1)

    async def _listen_forever(self) -> None:
        while True:
            try:
                await self._listen()
            except (redis.RedisError, OSError) as error:
                if self.is_up:
                    words = "Redis is gone (%s): %s look every 5 s"
                    logger.warning(words, type(error).__name__, self._who)
                    self.is_up, self._is_told_gone = False, True
                    self._wake_all()
                await asyncio.sleep(1)

    async def _listen(self) -> None:
        connection = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=SILENCE, socket_timeout=SILENCE
        )
        async with connection, connection.pubsub(ignore_subscribe_messages=False) as pubsub:
            await pubsub.subscribe(self._channel)
            is_asked = False
            while True:
                message = await self._next(pubsub)
                if message is None:
                    if is_asked:
                        raise redis.ConnectionError("silent")
                    await pubsub.ping()
                    is_asked = True
                    continue
                is_asked = False
                if message["type"] == "subscribe":
                    if self._is_told_gone:
                        logger.info("Redis is back: it wakes %s again", self._who)
                    self.is_up, self._is_told_gone = True, False
                    self._wake_all()  # whatever was published before
                elif message["type"] == "message":
                    self._wake(int(message["data"]))

    async def _next(self, pubsub: Any) -> dict[str, Any] | None:
        """Return what Redis says next, or None after a silence.

        redis-py says None at once where its own check of a silent connection has failed: to ask again
        would never yield to anything else on this event loop.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        message: dict[str, Any] | None = await pubsub.get_message(timeout=SILENCE)
        if message is None and loop.time() - began < SILENCE / 2:
            raise redis.ConnectionError("the connection does not answer")
        return message
