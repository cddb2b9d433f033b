"""A day of ten phones that never rest, as fast as it goes: does the service's memory stay flat?"""

from __future__ import annotations

from typing import Any

from bench.creates import new_message
from bench.figures import Figure, figure
from bench.http import Connection, request
from bench.phones import Phone
from bench.stack import Stack

PHONES = 10
HOURS = 24
MESSAGES_AN_HOUR = 360  # one each ten seconds
SETTLED = 6  # hours, after which nothing may grow any more


def soak(stack: Stack) -> Figure:
    """Memory of our own processes after a day beside that after six hours; PostgreSQL's fills its
    buffers, as it should."""
    account = stack.account()
    phones = [Phone(stack, account["license_id"]) for _ in range(PHONES)]
    memory = [_an_hour(stack, account, phones) for _ in range(HOURS)]
    return figure(
        f"memory after a day of {PHONES} phones ({HOURS * PHONES * MESSAGES_AN_HOUR:,} messages)",
        memory[-1] / memory[SETTLED - 1], unit="×", at_most=1.05,
        limit=f"after {SETTLED} hours: {memory[SETTLED - 1]:.0f} MiB",
    )  # fmt: skip


def _an_hour(stack: Stack, account: dict[str, Any], phones: list[Phone]) -> float:
    """MiB of our processes afterwards."""
    connection = Connection(stack.port)
    for phone in phones:
        body = {
            "license__key": account["license_key"],
            "messages": [new_message() for _ in range(MESSAGES_AN_HOUR)],
        }
        assert connection.call(request("/api/messages/bulk/", body)).status == 201
        assert phone.drain() == MESSAGES_AN_HOUR
    connection.close()
    ours = [process for process in stack.processes() if "python" in process.name()]
    return sum(float(process.memory_full_info().uss) for process in ours) / 2**20
