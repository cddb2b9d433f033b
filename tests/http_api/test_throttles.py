"""Throttles on a machine whose clock is set: nobody is locked out for hours."""

from __future__ import annotations

import pytest

from http_api import redis, throttles
from http_api.errors import ApiError
from tests.conftest import ManualClock


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_bucket_refills_whatever_the_clock_said_before(
    manual_clock: ManualClock, hours: int
) -> None:
    def asks() -> None:
        throttles.throttle("test", 60, burst=2, whose="It")

    asks()
    asks()
    with pytest.raises(ApiError):
        asks()
    manual_clock.advance(hours=hours)
    if hours < 0:
        with pytest.raises(ApiError) as refused:
            asks()
        assert refused.value.retry_after == 1
    manual_clock.advance(seconds=2)
    asks()


def test_wrong_keys_are_forgotten_after_an_hour_at_most_though_the_clock_was_put_back() -> None:
    throttles.record_failed_key("192.0.2.7")
    (name,) = redis.client().keys("throttle:failed:*")
    redis.client().pexpire(name, 5 * 3_600_000)  # as the server then sees it
    throttles.record_failed_key("192.0.2.7")
    assert 0 < redis.client().pttl(name) <= 60_000
