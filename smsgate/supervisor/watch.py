"""Watch a Celery process from a thread of its own: is Redis there, and does the process work?

Celery is told to notice a broker that died (its transport options in the settings). This is for what
it does not notice: a process that is silent although Redis answers ends, and its supervisor starts
another.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

from redis import Redis

from http_api.redis import with_redis

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0
# Longer than the supervisor asks a child to live before it counts its failures anew.
SILENT_LOOKS = 13


def _write(redis: Redis) -> bool:
    """Write a key: a ping would succeed also if Redis is full, or a read-only replica."""
    return bool(redis.set("smsgate:watch", 1, ex=60))


class Watch:
    """Counts looks, not seconds: a machine that was suspended, or a clock that was set, counts none."""

    def __init__(self) -> None:
        self._silent_looks = 0

    def start(self) -> None:
        threading.Thread(target=self._look_forever, name="watch", daemon=True).start()

    def is_at_work(self, **_: Any) -> None:
        """Celery's signals call this: a task was begun (worker), or published (beat)."""
        self._silent_looks = 0

    def look(self) -> bool:
        """False where the process has been silent for too long although Redis answers."""
        if with_redis(_write, otherwise=False, purpose="the clock's tasks wait"):
            self._silent_looks += 1
        else:
            self._silent_looks = 0
        return self._silent_looks < SILENT_LOOKS

    def _look_forever(self) -> None:
        while self.look():
            time.sleep(_LOOK_SECONDS)
        seconds = SILENT_LOOKS * _LOOK_SECONDS
        logger.error("silent for %.0f s although Redis answers: ending, to begin anew", seconds)
        os._exit(1)  # a stuck process does not heed a signal; its tasks survive a kill
