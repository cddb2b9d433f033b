"""Does the time of an answer tell a known api_key from an unknown one? `make bench-keys`

Every kind of wrong key pair is checked in random order; the times are compared as dudect does: the
slowest tenth, which is the machine's noise, is left out, and Welch's t says how sure a difference is
(beyond 4.5: there is one). A difference below 10 µs is told and allowed: an address may be wrong twenty
times a minute. An unknown licence costs less than a known one and is shown without
judgement: the message routes answer 404 to it and make no secret of it.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from smsgate import config
from smsgate.supervisor.embedded import services

ROUNDS = int(os.environ.get("ROUNDS", 5_000))
SURE = 4.5
ALLOWED = 10.0  # µs
SECRET = ("unknown api_key", "foreign api_key", "disabled api_key")


@contextmanager
def database() -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="smsgate-bench-") as folder:
        os.environ |= {"DATA_DIR": folder, "LOG_LEVEL": "ERROR", "SMSGATE_PROCESS": "bench"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "smsgate.settings"
        with services(config.load()) as (database_url, redis_url):
            os.environ |= {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
            import django

            django.setup()
            from django.core.management import call_command
            from django.db import connection

            call_command("migrate", verbosity=0)
            yield
            connection.close()


def wrong_pairs() -> dict[str, tuple[str, str]]:
    from licenses.models import ApiKey
    from licenses.services import provision

    mine, other, disabled = provision("a"), provision("b"), provision("c")
    ApiKey.objects.filter(account_id=disabled.account_id).update(is_active=False)
    unknown = "ZZZZZZZZZZZZ"
    return {
        "unknown licence": (unknown, mine.api_key),
        "both unknown": (unknown, unknown),
        "unknown api_key": (mine.license_key, unknown),
        "foreign api_key": (mine.license_key, other.api_key),
        "disabled api_key": (disabled.license_key, disabled.api_key),
    }


def measure(pairs: Mapping[str, tuple[str, str]]) -> dict[str, list[float]]:
    """Microseconds a check, by name."""
    from licenses.lookup import sender_by_key_pair

    times: dict[str, list[float]] = {name: [] for name in pairs}
    order = [name for name in pairs for _ in range(ROUNDS)]
    random.shuffle(order)
    for name in [*order[:500], *order]:  # the first ones warm up
        times[name].append(_one(lambda: sender_by_key_pair(*pairs[name])))  # noqa: B023
    return {name: sorted(values)[: ROUNDS * 9 // 10] for name, values in times.items()}


def _one(check: Callable[[], object]) -> float:
    from http_api.errors import ApiError

    began = time.perf_counter_ns()
    try:
        check()
    except ApiError:
        return (time.perf_counter_ns() - began) / 1000
    raise AssertionError("a wrong pair was taken")


def main() -> int:
    with database():
        times = measure(wrong_pairs())
    first = times["unknown api_key"]
    is_told = False
    print(f"{'wrong key pair':<20} {'median µs':>10} {'µs apart':>11} {'t':>7}")
    for name, values in times.items():
        median = statistics.median(values)
        difference = median - statistics.median(first)
        t = welch(values, first)
        if name in SECRET:
            is_told |= abs(t) > SURE and abs(difference) > ALLOWED
        print(f"{name:<20} {median:>10.1f} {difference:>+11.1f} {t:>7.1f}")
    print("told apart" if is_told else "api_keys are not told apart")
    return int(is_told)


def welch(some: list[float], others: list[float]) -> float:
    error = statistics.variance(some) / len(some) + statistics.variance(others) / len(others)
    return float((statistics.fmean(some) - statistics.fmean(others)) / error**0.5)


if __name__ == "__main__":
    sys.exit(main())
