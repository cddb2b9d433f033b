"""A phone's claim and its empty poll, while the table grows from ten thousand rows to millions.

Raw SQL: the rows that fill it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from bench.creates import COLUMNS, ROW, new_message
from bench.figures import Figure, ratio
from bench.http import Connection, request
from bench.phones import Phone
from bench.stack import Stack

FEW = 10_000
FUTURE = 500_000
CALLS = 500
CHUNK = 250_000

Rounds = dict[str, list[float]]


def growth(stack: Stack, *, rows: int, rounds: int) -> list[Figure]:
    """p99 of each with 10,000 rows, then with `rows` finished ones and 500,000 of the future."""
    account = stack.account()
    phone = Phone(stack, account["license_id"])
    _fill(stack, account, FEW, finished=True)
    few = _percentiles(stack, account, phone, rounds)
    _fill(stack, account, rows - FEW, finished=True)
    _fill(stack, account, min(FUTURE, rows), finished=False)
    many = _percentiles(stack, account, phone, rounds)
    return [
        ratio(
            f"{what}, p99, with {rows:,} rows and {min(FUTURE, rows):,} future ones",
            many[what], few[what], unit="ms", limit=f"with {FEW:,} rows", at_most=1.5,
        )
        for what in few
    ]  # fmt: skip


def _percentiles(stack: Stack, account: dict[str, Any], phone: Phone, rounds: int) -> Rounds:
    """In each round the p99 in ms of so many empty polls, and of so many claims of two messages."""
    found: Rounds = {"empty poll": [], "claim of two": []}
    connection = phone.connection = Connection(stack.port)  # filling takes longer than one lasts
    for _ in range(rounds):
        found["empty poll"].append(_p99(lambda: _claimed(phone, 0)))
        for _ in range(2 * CALLS // 1000):
            body = {
                "license__key": account["license_key"],
                "messages": [new_message() for _ in range(1000)],
            }
            assert connection.call(request("/api/messages/bulk/", body)).status == 201
        found["claim of two"].append(_p99(lambda: _claimed(phone, 2)))
    connection.close()
    return found


def _claimed(phone: Phone, expected: int) -> None:
    assert len(phone.sync(capacity=2)["messages"]) == expected


def _p99(call: Callable[[], None]) -> float:
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[int(CALLS * 0.99)]


def _fill(stack: Stack, account: dict[str, Any], number: int, *, finished: bool) -> None:
    """Rows as the service would have written them, in pieces; a person sees how far it is."""
    state = "'delivered', now()" if finished else "'scheduled', NULL"
    due = "now()" if finished else "now() + interval '30 days' + n * interval '1 s'"
    columns = COLUMNS.replace("status", "status, sent_at")
    row = ROW.replace("'pending'", state).replace("'', now(), false", f"'', {due}, false", 1)
    connection = stack.connect()
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for done in range(0, number, CHUNK):
            cursor.execute(
                f"""INSERT INTO messaging_message ({columns})
                    SELECT %s, %s, gen_random_uuid()::text,
                        '+4850' || lpad((n %% 9999999)::text, 7, '0'),
                    {row} FROM generate_series(1, %s) AS n""",
                [account["account_id"], account["license_id"], min(CHUNK, number - done)],
            )
            if sys.stderr.isatty():
                print(
                    f"\r  {min(done + CHUNK, number):,} of {number:,} rows", end="", file=sys.stderr
                )
        # What autovacuum would have done long ago, had the rows come in one by one.
        cursor.execute("VACUUM ANALYZE messaging_message")
    connection.close()
