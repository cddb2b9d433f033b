"""The Redis connection that throttles and wake-ups share. Losing Redis slows nothing down.

After a failure Redis is left alone for a second, so that a dead one costs requests no time-outs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

T = TypeVar("T")

_REST_SECONDS = 1.0
_resting_until = 0.0


@cache
def client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, health_check_interval=30
    )


def attempt(work: Callable[[redis.Redis], T], otherwise: T, purpose: str) -> T:
    """Run `work` on Redis; where Redis is gone, say so in the log and answer `otherwise`."""
    global _resting_until
    if time.monotonic() < _resting_until:
        return otherwise
    try:
        return work(client())
    except redis.RedisError as error:
        _resting_until = time.monotonic() + _REST_SECONDS
        logger.warning("Redis is not answering (%s): %s", type(error).__name__, purpose)
        return otherwise
