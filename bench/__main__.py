"""`make bench [ROUNDS=5] [ONLY=bulk,drain] [WEB_PROCESSES=1]`: prints the table of figures."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable

from bench import creates, dialect_rate, events, floods, imports, pages, phones, soak
from bench.figures import Figure, figure, table
from bench.stack import Stack, running

ROUNDS = int(os.environ.get("ROUNDS") or 5)
SECONDS = 3.0


def _start_and_memory(stack: Stack) -> list[Figure]:
    memory = sum(process.memory_full_info().pss for process in stack.processes()) / 2**20
    return [
        figure("start: `make up` answers", stack.seconds_to_start, unit="s", at_most=5),
        figure("memory of the whole stack (PSS)", memory, unit="MiB", at_most=400),
    ]


CASES: dict[str, Callable[[Stack], list[Figure]]] = {
    "start": _start_and_memory,
    "pages": pages.pages,
    "bulk": lambda stack: [creates.bulk(stack, rounds=ROUNDS)],
    "single": lambda stack: creates.single(stack, rounds=ROUNDS, seconds=SECONDS),
    "dialects": lambda stack: dialect_rate.sends(stack, rounds=ROUNDS, seconds=SECONDS),
    "contacts": lambda stack: [creates.contacts(stack, rounds=ROUNDS)],
    "imports": lambda stack: imports.imports(stack, rounds=ROUNDS),
    "drain": lambda stack: [phones.drain(stack, rounds=ROUNDS)],
    "wake-up": lambda stack: phones.wake_up(stack, rounds=ROUNDS),
    "webhooks": lambda stack: [
        events.accept(stack, rounds=ROUNDS, seconds=SECONDS),
        events.leave(stack),
        *events.heard(stack, rounds=ROUNDS),
    ],
    "floods": floods.floods,
    "soak": lambda stack: [soak.soak(stack)],
}


def main() -> int:
    names = [name for name in (os.environ.get("ONLY") or "").split(",") if name] or list(CASES)
    figures: list[Figure] = []
    with running(
        WEB_PROCESSES=os.environ.get("WEB_PROCESSES", ""), WEBHOOK_PRIVATE_NETWORKS="127.0.0.1"
    ) as stack:
        for name in names:
            print(f"  {name} …", file=sys.stderr, flush=True)
            figures += CASES[name](stack)
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
          f"PostgreSQL 18 embedded, durable; medians of {ROUNDS} rounds\n")  # fmt: skip
    print(table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
