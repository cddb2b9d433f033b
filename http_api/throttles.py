"""How often a licence or a phone may ask, and how many wrong keys one address may try.

Both live in Redis; without it requests pass, and the log says so (http_api.redis).
"""

from __future__ import annotations

import math
import threading
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

import redis
from django.conf import settings

from http_api import clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.redis import with_redis

T = TypeVar("T")

# Token bucket: take several tokens while it is at least half full, else one. Return how many were
# taken and, if none, the milliseconds until there is one.
# KEYS[1] bucket · ARGV: tokens per ms, burst, now in ms, how many are several.
_TAKE = """
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local rate, burst, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local tokens = tonumber(state[1]) or burst
local at = tonumber(state[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
local taken = 0
if tokens >= burst / 2 then taken = tonumber(ARGV[4]) elseif tokens >= 1 then taken = 1 end
redis.call('HSET', KEYS[1], 'tokens', tokens - taken, 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate))
if taken > 0 then return {taken, 0} end
return {0, math.ceil((1 - tokens) / rate)}
"""

# Count wrong keys a minute; past the budget each further one doubles the time to wait, up to an
# hour; more is left only where the clock was put back. Return the milliseconds to wait, or 0.
# KEYS[1] address · ARGV[1] budget a minute.
_COUNT_FAILURE = """
local failures = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 or left > 3600000 then redis.call('PEXPIRE', KEYS[1], 60000) end
local over = failures - tonumber(ARGV[1])
if over <= 0 then return 0 end
local wait = math.min(3600000, 60000 * 2 ^ math.min(over - 1, 6))
redis.call('PEXPIRE', KEYS[1], wait)
return wait
"""


class _Taken(NamedTuple):
    """A row of `_TAKE`."""

    tokens: int
    wait_ms: int


# Tokens that this process prefetched from Redis: bucket → (expires at, tokens left). Asking for each
# request costs as much as the rest of its authentication; what a second does not use up is lost.
_PREFETCHES_PER_BURST = 100
_PREFETCHED_SECONDS = 1.0
_prefetched: dict[str, tuple[float, int]] = {}
_prefetched_lock = threading.Lock()


def license_throttle(license_id: int) -> None:
    """Token bucket a licence: 600 requests a minute, bursts of twice that. Refuse with 429."""
    per_minute = settings.LICENSE_RATE_PER_MINUTE
    throttle(f"license:{license_id}", per_minute, burst=2 * per_minute, whose="This licence")


def device_throttle(device_id: int) -> None:
    """Token bucket a phone: 120 calls a minute, bursts of twice that. Refuses with 429; the phone keeps
    what it has to report, and asks again when it is told to."""
    per_minute = settings.DEVICE_RATE_PER_MINUTE
    throttle(f"device:{device_id}", per_minute, burst=2 * per_minute, whose="This phone")


def throttle(name: str, per_minute: int, *, burst: int, whose: str) -> None:
    """Token bucket of this name. Refuse with 429, where `whose` says who asks too often."""
    now = clock.now().timestamp()
    if per_minute == 0 or _use_prefetched(name, now):
        return
    several = max(1, burst // _PREFETCHES_PER_BURST)
    arguments = per_minute / 60_000, burst, round(now * 1000), several
    taken = _Taken(*_run(_TAKE, f"throttle:{name}", *arguments, otherwise=[1, 0]))
    if taken.tokens == 0:
        seconds = math.ceil(taken.wait_ms / 1000)
        raise ApiError(
            ErrorCode.TOO_MANY_REQUESTS,
            f"{whose} may ask {per_minute} times a minute; try again in {seconds} s.",
            retry_after=seconds,
        )
    with _prefetched_lock:
        _prefetched[name] = now + _PREFETCHED_SECONDS, taken.tokens - 1


def _use_prefetched(name: str, now: float) -> bool:
    """Use one of the prefetched tokens; return False where there is none."""
    with _prefetched_lock:
        until, left = _prefetched.get(name, (0.0, 0))
        if left < 1 or not until - _PREFETCHED_SECONDS <= now < until:
            return False
        _prefetched[name] = until, left - 1
        return True


def record_failed_key(address: str) -> None:
    """Count a wrong key from this address; past the budget refuse with 429 in place of the answer.

    Asked only after a key was found wrong, so it never blocks a request whose key is right: the
    clouds that programs run in share their addresses.
    """
    seconds = _over_budget(f"failed:{address}", settings.FAILED_KEYS_PER_MINUTE)
    if seconds:
        raise ApiError(
            ErrorCode.TOO_MANY_REQUESTS,
            f"Too many wrong keys from this address; try again in {seconds} s.",
            retry_after=seconds,
        )


# Log-in budget of a user name from all addresses, as a multiple of one address's budget.
_ADDRESSES_A_NAME = 5
_NETWORK_KNOWN = 90 * 24 * 3600  # seconds


def login(network: str, name: str) -> int:
    """Count a log-in that is tried; the seconds to wait, or 0 where it may go on.

    `name` is a digest of the user's. A name that is guessed from many networks is closed to all but
    those that its user has logged in from, so that nobody can lock out its user.
    """
    budget = settings.FAILED_KEYS_PER_MINUTE
    if wait := _over_budget(f"login:{network}", budget):
        return wait
    wait = _over_budget(f"user:{name}", budget * _ADDRESSES_A_NAME)
    return 0 if wait and _has_logged_in(network, name) else wait


def logged_in(network: str, name: str) -> None:
    """Remember that the user of this name logs in from this network."""
    with_redis(
        lambda connection: connection.set(f"login:{name}:{network}", 1, ex=_NETWORK_KNOWN),
        otherwise=None,
        purpose="networks of log-ins are not remembered",
    )


def _has_logged_in(network: str, name: str) -> bool:
    return with_redis(
        lambda connection: bool(connection.exists(f"login:{name}:{network}")),
        otherwise=True,
        purpose="log-ins are not throttled",
    )


def _over_budget(name: str, per_minute: int) -> int:
    """Count one more of these; the seconds to wait where they are more than a minute's, else 0."""
    wait_ms = _run(_COUNT_FAILURE, f"throttle:{name}", per_minute, otherwise=0)
    return math.ceil(wait_ms / 1000)


@cache
def _script(source: str, connection: redis.Redis) -> Any:
    return connection.register_script(source)


def _run(source: str, key: str, *arguments: float, otherwise: T) -> T:
    def run(connection: redis.Redis) -> T:
        return cast(T, _script(source, connection)(keys=[key], args=arguments))

    return with_redis(run, otherwise, purpose="requests are not throttled")
