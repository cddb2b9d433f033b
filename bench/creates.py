"""Accepting messages: single creates, bulks, contacts. Each beside the same rows written raw.

Raw SQL: the inserts that are the limit.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from psycopg2.extras import execute_values

from bench.figures import Figure, figure, ratio, unjudged
from bench.http import Connection, hammer, request
from bench.stack import Stack

CLIENTS = 16
TEXT = "Your order #12345 has been confirmed. Delivery: 2-3 business days."
# All rules on: sending hours that are open now, a limit that is never reached.
RULES = ("--sending-hours", "00:00-23:59", "--max-daily-sms", "100000000")
WITHOUT_LIMIT = RULES[:2]

COLUMNS = """account_id, license_id, external_id, phone, text, priority, status, send_after_given,
    due_at, expires_at, any_hour, on_uncertain, parts, encoding, attempt_n, cancel_requested,
    failure_reason, created_at"""
ROW = f"""'{TEXT}', 10, 'pending', '', now(), now() + interval '72 hours', false, 'hold', 1, 'gsm7',
    0, false, '', now()"""

_numbers = itertools.count()


def new_message() -> dict[str, Any]:
    number = next(_numbers)
    return {
        "external_id": f"order-{number}",
        "message": TEXT,
        "phone": f"+4850{number % 10_000_000:07}",
    }


def single(stack: Stack, *, rounds: int, seconds: float) -> list[Figure]:
    """Single creates by 16 keep-alive clients, beside pgbench's INSERT and COMMIT of the same row."""
    at_least = 0.16 if stack.config.web_processes == 1 else 0.25
    many = [stack.account(*RULES) for _ in range(64)]
    unlimited, limited = stack.account(*WITHOUT_LIMIT), stack.account(*RULES)
    cases = {
        "single create, 64 accounts, all rules on": many,
        "single create, one account without a daily limit": [unlimited],
        "single create, one account with a daily limit": [limited],
    }
    rates: dict[str, list[float]] = {what: [] for what in cases}
    raw: list[float] = []
    hammer(stack.port, _singles([unlimited]), clients=CLIENTS, seconds=1)
    for _ in range(rounds):
        raw.append(_raw_inserts(stack, unlimited, seconds))
        for what, accounts in cases.items():
            load = hammer(stack.port, _singles(accounts), clients=CLIENTS, seconds=seconds)
            rates[what].append(load.rate)
    rows = [
        ratio(
            what, rates[what], raw, unit="/s",
            limit="raw INSERT + COMMIT, 16 connections", at_least=at_least,
        )
        for what in cases
    ]  # fmt: skip
    return rows + [_load(stack, many, clients, rounds, seconds) for clients in (1, 8, CLIENTS)]


def _load(
    stack: Stack, accounts: Sequence[dict[str, Any]], clients: int, rounds: int, seconds: float
) -> Figure:
    """How long a single create takes and what it costs, while so many clients send."""
    before = stack.cpu()
    loads = [
        hammer(stack.port, _singles(accounts), clients=clients, seconds=seconds)
        for _ in range(rounds)
    ]
    number = sum(load.number for load in loads)
    web, postgres = (
        (now - then) / number * 1e6 for now, then in zip(stack.cpu(), before, strict=True)
    )
    p50 = statistics.median(load.p50 for load in loads)
    p99 = statistics.median(load.p99 for load in loads)
    return unjudged(
        f"single create, connections: {clients}",
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms; CPU: web {web:.0f} µs, PostgreSQL {postgres:.0f} µs",
    )


def _singles(accounts: Sequence[dict[str, Any]]) -> Iterator[bytes]:
    for account in itertools.cycle(accounts):
        yield request("/api/messages/", {"license__key": account["license_key"], **new_message()})


def _raw_inserts(stack: Stack, account: dict[str, Any], seconds: float) -> float:
    """Commits a second of the same row by 16 connections (pgbench, which costs next to nothing)."""
    script = Path(stack.config.data_dir) / "insert.sql"
    script.write_text(
        f"INSERT INTO messaging_message ({COLUMNS}) VALUES ({_account_id(stack, account)},"
        f" {account['license_id']}, gen_random_uuid()::text, '+48501234567', {ROW});\n"
    )
    output = subprocess.run(
        [stack.postgres_bin / "pgbench", "--no-vacuum", "--client", str(CLIENTS), "--time",
         str(round(seconds)), "--file", script, stack.database_url],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = re.search(r"^tps = ([0-9.]+)", output, re.MULTILINE)
    assert found is not None, output
    return float(found[1])


def _account_id(stack: Stack, account: dict[str, Any]) -> int:
    with stack.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT account_id FROM licenses_license WHERE id = %s", (account["license_id"],)
        )
        [[number]] = cursor.fetchall()
    return int(number)


def bulk(stack: Stack, *, rounds: int) -> Figure:
    """One request of 1,000 messages, beside `execute_values` of the same rows."""
    account, connection = stack.account(*RULES), Connection(stack.port)
    ours, raw = [], []
    for _ in range(rounds + 1):  # the first one warms up
        body = {
            "license__key": account["license_key"],
            "messages": [new_message() for _ in range(1000)],
        }
        content = request("/api/messages/bulk/", body)
        began = time.perf_counter()
        answer = connection.call(content)
        ours.append((time.perf_counter() - began) * 1000)
        assert answer.status == 201, answer.body
        assert answer.json()["created_count"] == 1000
        raw.append(_raw_bulk(stack, account))
    return ratio(
        "bulk create, 1,000 messages in one request, all rules on", ours[1:], raw[1:], unit="ms",
        limit="execute_values … ON CONFLICT", at_most=2.0,
    )  # fmt: skip


def _raw_bulk(stack: Stack, account: dict[str, Any]) -> float:
    now = dt.datetime.now(dt.UTC)
    owner = (_account_id(stack, account), account["license_id"])
    rows = [
        (*owner, item["external_id"], item["phone"], TEXT, 10, "pending", "", now,
         now + dt.timedelta(hours=72), False, "hold", 1, "gsm7", 0, False, "", now)
        for item in (new_message() for _ in range(1000))
    ]  # fmt: skip
    connection = stack.connect()
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        began = time.perf_counter()
        execute_values(
            cursor,
            f"INSERT INTO messaging_message ({COLUMNS}) VALUES %s ON CONFLICT DO NOTHING",
            rows,
            page_size=1000,
        )
        connection.commit()
        elapsed = (time.perf_counter() - began) * 1000
    connection.close()
    return elapsed


def contacts(stack: Stack, *, rounds: int) -> Figure:
    """500 contacts with a group and a message each, all new."""
    account, connection = stack.account(*RULES), Connection(stack.port)
    times = []
    for _ in range(rounds + 1):
        people = [
            {
                "name": f"Jan {item['external_id']}",
                "phone": item["phone"],
                "group_name": "VIP Clients",
                "message": "Hi {name}, thanks for signing up!",
                "send_after": "2026-04-10T09:00:00",
            }
            for item in (new_message() for _ in range(500))
        ]
        keys = {"key": account["license_key"], "api_key": account["api_key"]}
        content = request("/api/contacts/contacts/bulk/", {**keys, "contacts": people})
        began = time.perf_counter()
        answer = connection.call(content)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status == 201, answer.body
        assert answer.json()["messages_created_count"] == 500, answer.body
    return figure(
        "contacts bulk, 500 contacts with messages", statistics.median(times[1:]), unit="ms",
        at_most=150,
    )  # fmt: skip
