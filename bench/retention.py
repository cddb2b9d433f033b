"""How fast texts and details are erased, on the rows of bench.life: the end of `make growth`."""

from __future__ import annotations

import json

from bench.stack import Stack

SECONDS = 20.0  # of each, or until a month's are gone

# Runs in the service's own Django, which erases what would be due in thirty days.
_ERASING = f"""
import datetime as dt, json, time
from django.db import connection
from http_api import clock
from messaging import details, retention

def asked(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]

def measured(name, work, done):
    began, wal, before, longest, found = time.monotonic(), asked(WAL), done(), 0.0, True
    while found and time.monotonic() < began + {SECONDS}:
        at = time.monotonic()
        found = work()
        longest = max(longest, time.monotonic() - at)
    took, number = time.monotonic() - began, done() - before
    print(json.dumps([name, number, number / took, float(asked(WAL) - wal) / number, longest]))

WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
ERASED = "SELECT count(*) FROM messaging_message WHERE phone = ''"
REACHED = '''
    SELECT message_id FROM messaging_statechange WHERE id > coalesce(
        (SELECT last_id FROM messaging_progress WHERE task = 'end_details'), 0)
    ORDER BY id LIMIT 1'''
then = clock.now() + dt.timedelta(30)
measured("texts", lambda: retention.erase_messages(then), lambda: asked(ERASED))
measured("details", lambda: details.end_details(then - dt.timedelta(90)), lambda: asked(REACHED))
"""


def measure(stack: Stack) -> str:
    """Erase, and return a table of messages a second. What was erased is gone."""
    lines = [
        "| erased | messages | a second | WAL of one | longest transaction |",
        "|" + " --- |" * 5,
    ]
    for line in stack.shell(_ERASING).splitlines():
        name, number, rate, wal, longest = json.loads(line)
        lines.append(
            f"| {name} | {number:,} | {rate:,.0f} | {wal / 1000:.1f} KB | {longest:.1f} s |"
        )
    return "\n".join(lines)
