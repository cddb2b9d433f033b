"""Importing a file of contacts, beside the same rows written raw; and what it takes of memory.

Raw SQL: the insert that is the limit.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import psutil
from psycopg2.extras import execute_values

from bench.figures import Figure, figure
from bench.http import Connection, request
from bench.stack import Stack

ROWS = 100_000
CHUNK = 500

_ROW = "(account_id, phone, name, fields, consent_note, consent_by, created_at)"


def imports(stack: Stack, *, rounds: int) -> list[Figure]:
    """The largest file, all people new: from the worker's first rows to the end."""
    text = "\n".join(f"{500_000_000 + row};Jan Kowalski {row}" for row in range(ROWS))
    rates, memory = [], []
    for _ in range(min(rounds, 3)):
        account = stack.account()
        idle = _worker(stack)
        rate, most = _watched(stack, _upload(stack, account, text))
        rates.append(rate)
        memory.append(most - idle)
    return [
        figure(
            f"import of {ROWS:,} contacts as CSV",
            statistics.median(rates), unit="rows/s", at_least=5_000,
            limit=f"execute_values, {CHUNK} a commit: {_raw(stack):,.0f} rows/s",
        ),
        figure(
            "memory of the worker during it, above idle", max(memory), unit="MiB", at_most=150
        ),
    ]  # fmt: skip


def _headers(account: dict[str, Any]) -> dict[str, Any]:
    return {"key": account["license_key"], "api_key": account["api_key"]}


def _upload(stack: Stack, account: dict[str, Any], text: str) -> int:
    body = _headers(account) | {"text": text, "columns": ["phone", "name"], "consent": True}
    answer = Connection(stack.port).call(request("/api/contacts/imports/", body))
    assert answer.status == 201, answer.body
    return int(answer.json()["id"])


def _watched(stack: Stack, import_id: int) -> tuple[float, float]:
    """Wait for the end of an import; return its rows a second, and the most that the worker took,
    in MiB."""
    most, began, first = 0.0, 0.0, 0
    with stack.connect() as connection, connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT state, next_row FROM contacts_import WHERE id = %s", [import_id])
            state, row = cursor.fetchone()
            connection.commit()
            if not first and row:
                began, first = time.perf_counter(), row
            if state == "done":
                return (ROWS - first) / (time.perf_counter() - began), most
            assert state == "running", state
            most = max(most, _worker(stack))
            time.sleep(0.05)


def _worker(stack: Stack) -> float:
    """Return the memory of the worker and of what it started, in MiB."""
    taken = 0.0
    for process in stack.processes():
        try:
            if "smsgate.worker" in process.cmdline() or "contacts.workbook" in process.cmdline():
                taken += process.memory_full_info().pss / 2**20
        except psutil.Error:  # it has ended
            continue
    return taken


def _raw(stack: Stack) -> float:
    """Return the rows a second of the bare insert."""
    account_id = stack.account()["account_id"]
    rows = [(account_id, f"+48{500_000_000 + row}", f"Jan {row}") for row in range(20_000)]
    began = time.perf_counter()
    with stack.connect() as connection, connection.cursor() as cursor:
        for start in range(0, len(rows), CHUNK):
            execute_values(
                cursor,
                f"INSERT INTO contacts_contact {_ROW} VALUES %s",
                rows[start : start + CHUNK],
                template="(%s, %s, %s, '{}', '', 'bench', now())",
            )
            connection.commit()
    return len(rows) / (time.perf_counter() - began)
