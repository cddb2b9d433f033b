"""How often a licence may ask, and how many wrong keys one address may try.

Both live in Redis; without it requests pass, and the log says so (http_api.redis).
"""

from __future__ import annotations

import math
import threading
from functools import cache
from typing import Any, cast

import redis
from django.conf import settings

from http_api import clock
from http_api.errors import Refusal
from http_api.redis import attempt

# Takes tokens from a bucket that refills steadily: a handful while it is at least half full, else one.
# Answers how many as a negative number, or the milliseconds until there is one.
# KEYS[1] bucket · ARGV: tokens per ms, burst, now in ms, handful.
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
if taken > 0 then return -taken end
return math.ceil((1 - tokens) / rate)
"""

# Counts wrong keys a minute; past the budget each further one doubles the time to wait, up to an
# hour. Answers 0, or the milliseconds to wait. KEYS[1] address · ARGV[1] budget a minute.
_COUNT_FAILURE = """
local failures = redis.call('INCR', KEYS[1])
if failures == 1 then redis.call('PEXPIRE', KEYS[1], 60000) end
local over = failures - tonumber(ARGV[1])
if over <= 0 then return 0 end
local wait = math.min(3600000, 60000 * 2 ^ math.min(over - 1, 6))
redis.call('PEXPIRE', KEYS[1], wait)
return wait
"""


# Of a handful, what this process has not used yet: (until when it counts, how many) by bucket. Asking
# Redis for each request costs as much as the rest of its authentication; what a second does not use
# up is lost.
_HANDFULS_A_BURST = 100
_HANDFUL_SECONDS = 1.0
_in_hand: dict[str, tuple[float, int]] = {}
_hand = threading.Lock()


def license_throttle(license_id: int) -> None:
    """Token bucket a licence: 600 requests a minute, bursts of twice that. Refuses with 429."""
    per_minute = settings.LICENSE_RATE_PER_MINUTE
    throttle(f"license:{license_id}", per_minute, burst=2 * per_minute, whose="This licence")


def throttle(name: str, per_minute: int, *, burst: int, whose: str) -> None:
    """Token bucket of this name. Refuses with 429, where `whose` says who asks too often."""
    now = clock.now().timestamp()
    if per_minute == 0 or _has_in_hand(name, now):
        return
    wait = _run(
        _TAKE,
        f"throttle:{name}",
        per_minute / 60_000,
        burst,
        round(now * 1000),
        max(1, burst // _HANDFULS_A_BURST),
    )
    if wait > 0:
        seconds = math.ceil(wait / 1000)
        raise Refusal(
            "too_many_requests",
            f"{whose} may ask {per_minute} times a minute; try again in {seconds} s.",
            retry_after=seconds,
        )
    with _hand:
        _in_hand[name] = now + _HANDFUL_SECONDS, -wait - 1


def _has_in_hand(name: str, now: float) -> bool:
    """Use one of the tokens in hand, if there is one."""
    with _hand:
        until, left = _in_hand.get(name, (0.0, 0))
        if left < 1 or not until - _HANDFUL_SECONDS <= now < until:
            return False
        _in_hand[name] = until, left - 1
        return True


def failed_key(address: str) -> None:
    """Count a wrong key from this address; past the budget refuse with 429 in place of the answer.

    Asked only after a key was found wrong, so it never blocks a request whose key is right: the
    clouds that programs run in share their addresses.
    """
    wait = _run(_COUNT_FAILURE, f"throttle:failed:{address}", settings.FAILED_KEYS_PER_MINUTE)
    if wait:
        seconds = math.ceil(wait / 1000)
        raise Refusal(
            "too_many_requests",
            f"Too many wrong keys from this address; try again in {seconds} s.",
            retry_after=seconds,
        )


@cache
def _script(source: str, connection: redis.Redis) -> Any:
    return connection.register_script(source)


def _run(source: str, key: str, *arguments: float) -> int:
    return attempt(
        lambda connection: cast(int, _script(source, connection)(keys=[key], args=arguments)),
        otherwise=0,
        purpose="requests are not throttled",
    )
