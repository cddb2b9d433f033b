"""`make sim SEEDS=1000` plays so many worlds, `make sim SEED=17` one of them again.

Ends with 1 where a promise was broken, after printing the smallest scenario that breaks it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

from smsgate import config
from smsgate.supervisor.embedded import services


def main() -> int:
    parser = argparse.ArgumentParser(prog="make sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--first", type=int, default=0, help="where to begin")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing is left running
    seeds = range(options.first, options.first + options.seeds)
    wanted = list(seeds) if options.seed is None else [options.seed]
    with _servers():
        return _play(wanted)


@contextmanager
def _servers() -> Iterator[None]:
    """Private ones, as the tests have them; nothing that exists is touched."""
    with tempfile.TemporaryDirectory(prefix="smsgate-sim-") as folder:
        os.environ |= {"DATA_DIR": folder, "SECRET_KEY": "sim", "PEPPER_1": "sim"}
        os.environ |= {"LOG_LEVEL": "CRITICAL", "DJANGO_SETTINGS_MODULE": "smsgate.settings"}
        os.environ.pop("DATABASE_URL", None)
        os.environ.pop("REDIS_URL", None)
        with services(config.load(), durable=False) as (database_url, redis_url):
            os.environ |= {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(migrate, check=True)
            yield


def _play(seeds: Sequence[int]) -> int:
    began, done, broken = time.monotonic(), 0, 0
    processes = min(len(seeds), os.cpu_count() or 1)
    numbers = multiprocessing.Value("i", 0)
    with ProcessPoolExecutor(processes, initializer=_set_up, initargs=(numbers,)) as pool:
        for future in as_completed([pool.submit(_judge, seed) for seed in seeds]):
            done += 1
            if (report := future.result()) is not None:
                broken += 1
                _show_progress("")
                print(report, flush=True)
            pace = done / (time.monotonic() - began)
            _show_progress(_bar(done, len(seeds), pace))
            if done % 100 == 0 and not sys.stderr.isatty():
                print(f"{done} of {len(seeds)} seeds, {broken} broke a promise", flush=True)
    _show_progress("")
    took = time.monotonic() - began
    print(f"{len(seeds)} seeds in {took:.0f} s ({done / took:.1f}/s), {broken} broke a promise")
    return 1 if broken else 0


def _set_up(numbers: Any) -> None:
    """A process of its own; it keeps its throttles in a Redis database of its own."""
    with numbers.get_lock():
        numbers.value += 1
        os.environ["REDIS_URL"] += f"?db={numbers.value}"
    import django
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()


def _judge(seed: int) -> str | None:
    from tests.simulation.scenario import Scenario, report

    for with_losses in (False, True):
        scenario = Scenario.of(seed, with_losses=with_losses)
        if found := scenario.problems():
            return report(scenario, found)
    return None


def _bar(done: int, total: int, pace: float) -> str:
    filled = 30 * done // total
    left = (total - done) / pace
    return f"[{'#' * filled}{' ' * (30 - filled)}] {done}/{total}, {pace:.1f}/s, {left:.0f} s left"


def _show_progress(line: str) -> None:
    """For a person who watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
