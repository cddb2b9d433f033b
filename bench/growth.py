"""`make growth [ROWS=10000000]`: ms of each route, task and admin page, while the rows grow.

Raw SQL: the facts of the rows that the lists name. The rows are as bench.life makes them; routes and
pages are asked over HTTP, tasks run in a process of their own.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from psycopg2.extras import RealDictCursor

from bench import life, reads, retention
from bench.creates import new_message
from bench.http import Connection, request
from bench.phones import Phone
from bench.reads import Read
from bench.stack import Stack, running

SIZES = (100_000, 1_000_000, 10_000_000)
ROWS = int(os.environ.get("ROWS") or SIZES[1])
CALLS, SECONDS = 95, 3.0  # of each: so many, or for so long
METRICS_TOKEN = "growth"

# p50, p99 and CPU of a call (web and PostgreSQL; NaN: not known) in ms, by what was called. The CPU is
# the same on a machine that is busy with other things.
Times = dict[str, tuple[float, float, float]]

PROVISION = f"""
import json
from dataclasses import asdict
from django.contrib.auth.models import User
from django.test import Client
from licenses import services
from licenses.models import License
from members.models import Member, Role
made = [services.provision(f"life{{number}}") for number in range({life.ACCOUNTS})]
client = Client()
operator = User.objects.create_superuser("operator")
client.force_login(operator)
Member.objects.create(account_id=made[0].account_id, user=operator, role=Role.OWNER)
license = License.objects.get(pk=made[0].license_id)
tokens = [services.add_credential(license).token for _ in range(10)]
keys = asdict(made[0]) | {{"tokens": tokens}}
print(json.dumps({{"keys": keys, "session": client.cookies["sessionid"].value}}))
"""

TASKS = f"""
import json, time
from messaging import tasks
for task in (tasks.promote, tasks.expire, tasks.doubt_expired_leases, tasks.mark_silent_devices,
             tasks.count_states, tasks.erase_old):
    times = []
    for _ in range({CALLS}):
        began = time.perf_counter()
        task()
        times.append((time.perf_counter() - began) * 1000)
        if sum(times) > 1000 * {SECONDS}:
            break
    print(json.dumps([task.__name__, times]))
"""


def main() -> int:
    sizes = [*(size for size in SIZES if size < ROWS), ROWS]
    with running(METRICS_TOKEN=METRICS_TOKEN) as stack:
        made = json.loads(stack.shell(PROVISION))
        keys, operator = made["keys"], {"Cookie": f"sessionid={made['session']}"}
        stack.accounts.append(keys)
        phone = Phone(stack, keys["license_id"])
        measured = []
        for size in sizes:
            now = dt.datetime.now(dt.UTC)
            facts = _filled(stack, size, keys["license_id"], now)
            measured.append(_measured(stack, keys, operator, phone, facts, now))
            print(_table([size], measured[-1:]), file=sys.stderr, flush=True)
        erased = retention.measure(stack)
    print(_table(sizes, measured), erased, sep="\n\n")
    return 0


def _filled(stack: Stack, rows: int, license_id: int, now: dt.datetime) -> dict[str, Any]:
    began = time.monotonic()
    with stack.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '256MB'; SET temp_buffers = '128MB'")
        life.fill(cursor, rows, now, large=license_id)
    connection.autocommit = True
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(reads.FACTS, {"license": license_id})
        facts = dict(cursor.fetchone())
    connection.close()
    print(f"  {rows:,} messages in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return facts


def _measured(
    stack: Stack,
    keys: dict[str, Any],
    operator: dict[str, str],
    phone: Phone,
    facts: dict[str, Any],
    now: dt.datetime,
) -> Times:
    connection = phone.connection = Connection(stack.port)  # filling takes longer than one lasts
    times: Times = {}
    query = f"username={keys['username']}&password={keys['password']}"
    answer = connection.call(request(f"{reads.SMSEND}login?{query}", method="GET"))
    user_key, session_key = answer.body.decode().split(";")
    session = {"user_key": user_key, "Session_key": session_key}
    times["single create"] = _timed(stack, lambda: _created(connection, keys))
    times["empty poll"] = _timed(stack, lambda: phone.sync(capacity=0))
    times["claim of 10 and their reports"] = _timed(stack, lambda: phone.drain(10))
    metrics = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    tokens = iter(keys["tokens"])
    for read in _all(
        reads.of_programs(keys, session, facts, now),
        reads.of_operators(keys["license_id"], facts, operator),
        reads.of_people(facts, operator),
        [Read("metrics", "/metrics", metrics), Read("readyz", "/readyz/", {})],
    ):
        # One of massej.li's keys may ask as often as one list is asked here.
        own = {"X-API-Key": next(tokens)} if "X-API-Key" in read.headers else {}
        content = request(read.path, method="GET", headers={**read.headers, **own})
        times[read.name] = _timed(stack, lambda: _asked(connection, content))  # noqa: B023 (called at once)
    for line in stack.shell(TASKS).splitlines():
        name, took = json.loads(line)
        times[f"task: {name}"] = (*_percentiles(took), math.nan)
    return times


def _all(*pieces: Iterable[Read]) -> Iterable[Read]:
    for piece in pieces:
        yield from piece


def _created(connection: Connection, keys: dict[str, Any]) -> None:
    body = {"license__key": keys["license_key"], **new_message()}
    answer = connection.call(request("/api/messages/", body))
    assert answer.status == 201, answer.body


def _asked(connection: Connection, content: bytes) -> None:
    answer = connection.call(content)
    assert answer.status == 200, (content, answer.status, answer.body[:500])


def _timed(stack: Stack, call: Callable[[], object]) -> tuple[float, float, float]:
    call()  # warms up
    times: list[float] = []
    used = sum(stack.cpu())
    while len(times) < CALLS and sum(times) < SECONDS * 1000:
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return (*_percentiles(times), (sum(stack.cpu()) - used) * 1000 / len(times))


def _percentiles(times: list[float]) -> tuple[float, float]:
    ordered = sorted(times)
    return ordered[len(ordered) // 2], ordered[int((len(ordered) - 1) * 0.99)]


def _table(sizes: list[int], measured: list[Times]) -> str:
    """Markdown: the times at each size, and how the last stand to the first."""
    head = ["ms (p50 / p99 / CPU)", *(f"{size:,}" for size in sizes), "growth"]
    lines = [" | ".join(head), " | ".join(["---"] * len(head))]
    for name in measured[0]:
        cells = [" / ".join(f"{ms:,.1f}" for ms in times[name]) for times in measured]
        pairs = zip(measured[0][name], measured[-1][name], strict=True)
        grown = " / ".join(f"{last / (first or math.nan):.1f}" for first, last in pairs)
        lines.append(" | ".join([name, *cells, f"{grown} ×"]).replace(" / nan", ""))
    return "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
