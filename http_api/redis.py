"""The Redis connection that throttles and wake-ups share. Losing Redis slows nothing down.

A circuit breaker: the first failure may cost the request that meets it half a second; from then on
nobody asks, until a thread of its own has had an answer. The log has one line at either end.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SECONDS_BETWEEN_PINGS = 1.0
_SECONDS_BETWEEN_COMPLAINTS = 60.0

_gone_since: float | None = None
_complained_at: dict[str, float] = {}
_state = threading.Lock()


@cache
def client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, health_check_interval=30
    )


def with_redis(work: Callable[[redis.Redis], T], otherwise: T, purpose: str) -> T:
    """Run `work` on Redis; where Redis is gone or refuses, say so in the log and answer `otherwise`."""
    if _gone_since is not None:
        return otherwise
    try:
        return work(client())
    except (redis.ConnectionError, redis.TimeoutError) as error:
        _lost(error, purpose)
    except redis.RedisError as error:
        _refused(error, purpose)
    return otherwise


def _lost(error: redis.RedisError, purpose: str) -> None:
    global _gone_since
    with _state:
        if _gone_since is not None:
            return
        _gone_since = time.monotonic()
    logger.warning("Redis is gone (%s): %s", type(error).__name__, purpose)
    threading.Thread(target=_ping_until_it_answers, name="redis-ping", daemon=True).start()


def _ping_until_it_answers() -> None:
    global _gone_since
    while (since := _gone_since) is not None:
        try:
            # idle connections in the pool may be half-open too
            client().connection_pool.disconnect(inuse_connections=False)
            client().ping()
        except redis.RedisError:
            time.sleep(_SECONDS_BETWEEN_PINGS)
        else:
            _gone_since = None
            logger.warning("Redis is back after %.0f s", time.monotonic() - since)


def _refused(error: redis.RedisError, purpose: str) -> None:
    """Log a refusal once a minute. Redis is up and fast, so the circuit breaker stays closed."""
    if isinstance(error, redis.ReadOnlyError):  # failover: reconnect by name
        client().connection_pool.disconnect(inuse_connections=False)
    kind, now = type(error).__name__, time.monotonic()
    with _state:
        is_new = now - _complained_at.get(kind, -_SECONDS_BETWEEN_COMPLAINTS) >= (
            _SECONDS_BETWEEN_COMPLAINTS
        )
        if is_new:
            _complained_at[kind] = now
    if is_new:
        logger.warning("Redis refuses (%s): %s", kind, purpose)
