"""`make crash ROUNDS=100`: kill -9 of every process, at named places and at random, under load."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

# What is imported below asks for settings, but for none of these.
os.environ |= {"SECRET_KEY": "crash", "PEPPER_1": "crash", "REDIS_URL": "redis://127.0.0.1:1"}
os.environ["DATABASE_URL"] = "postgresql:///none?host=/nowhere"

from smsgate.operations.sandbox import free_port
from tests.crash.rounds import Crash, play


def main() -> int:
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing is left running

    def show(number: int, crash: Crash) -> None:
        if sys.stderr.isatty():
            line = f"{number}/{options.rounds}  {crash}"
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
        else:
            print(f"{time.monotonic() - began:6.0f} s  round {number}: {crash}", flush=True)

    port = int(os.environ.get("PORT") or free_port())
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        words, wrong = play(Path(folder), port, options.rounds, options.seed, show)
    took = time.monotonic() - began
    print(f"\n{options.rounds} rounds in {took:.0f} s: {words}; {len(wrong)} violations")
    print("\n".join(wrong[:20]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
