"""Rows as they are in life, in any number: 200 accounts, half of all messages in one of them.

Raw SQL: life.sql, and the indexes of the tables that grow, which are built when the rows are there.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

ACCOUNTS = 200
# What gets more with every message, or with every person that is written to.
GROWING = (
    "messaging_statechange", "messaging_event", "messaging_attempt", "messaging_claim",
    "webhooks_deliveryattempt", "webhooks_delivery", "webhooks_endpoint", "outbox_event",
    "messaging_awaitedbatch", "messaging_message", "messaging_batch", "messaging_inboundmessage",
    "messaging_optout", "contacts_contact_groups", "contacts_contact", "contacts_contactgroup",
    "http_api_idempotencyrecord", "licenses_dailyusage", "messaging_dailycount",
    "messaging_phonecount", "messaging_progress",
)  # fmt: skip

_ROWS = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")

# Foreign keys first: they need the unique ones. Those of other tables to these are among them.
_CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype IN ('f', 'u')
        AND (conrelid = ANY (%(tables)s::regclass[]) OR confrelid = ANY (%(tables)s::regclass[]))
    ORDER BY contype"""
_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = ANY (%(tables)s::regclass[]) AND NOT indisprimary
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)"""


def fill(
    cursor: Any, rows: int, now: dt.datetime, *, large: int, messages_per_opt_out: int = 100
) -> None:
    """Put so many messages, and what comes with them, into the growing tables, which lose what is there.

    Call in a transaction, with ACCOUNTS licences in the database; the licence `large` gets half of all.
    `VACUUM` or `ANALYZE` is the caller's.
    """
    tables = {"tables": list(GROWING)}
    cursor.execute(
        "SET LOCAL jit = off; SET LOCAL work_mem = '64MB'; SET CONSTRAINTS ALL IMMEDIATE"
    )
    cursor.execute(f"TRUNCATE {', '.join(GROWING)} RESTART IDENTITY CASCADE")
    cursor.execute(_CONSTRAINTS, tables)
    constraints = cursor.fetchall()
    for table, name, _ in constraints:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    cursor.execute(_INDEXES, tables)
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    values = {
        "rows": rows, "now": now, "large": large, "messages_per_opt_out": messages_per_opt_out,
    }  # fmt: skip
    cursor.execute(_ROWS, values)
    for _, definition in indexes:
        cursor.execute(definition)
    for table, name, definition in reversed(constraints):
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
