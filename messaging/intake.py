"""Raw SQL: what puts messages into the queue, and what is asked before; one statement where it will do.

Time always comes in as a parameter: the database's clock is never asked (http_api.clock).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

from http_api.prepared import Prepared
from messaging.models import Batch, Message

# The first of the two keys of an advisory lock says what kind of thing the second one names.
_LOCK_ACCOUNT, _LOCK_INBOX = 1, 2


def lock_account(account_id: int) -> None:
    """Let one bulk, or one change of contacts, of an account in at a time, until the transaction ends.

    Two bulks over the same external ids in different order would deadlock on the unique index, and
    two requests would both create a group that neither found.
    """
    _lock(_LOCK_ACCOUNT, account_id)


def lock_inbox(account_id: int) -> None:
    """Let received SMS of an account in by one phone at a time, until the transaction ends.

    Whoever asks for what came after an id would never see one of a lower id that was committed later.
    """
    _lock(_LOCK_INBOX, account_id)


def _lock(kind: int, key: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [kind, key])


_COLUMNS = (
    "account_id", "license_id", "batch_id", "external_id", "repeat_digest", "phone", "text",
    "priority", "sim", "status", "send_after", "send_after_given", "send_before", "due_at",
    "any_hour", "on_uncertain", "parts", "encoding", "attempt_n", "cancel_requested",
    "failure_reason", "created_at",
)  # fmt: skip

_BATCH_COLUMNS = (
    "account_id", "license_id", "dialect", "external_id", "name", "text", "send_after", "is_held",
    "callback_url", "parent_id", "details", "created_at",
)  # fmt: skip

_NOT_OPTED_OUT = """
WHERE NOT EXISTS (
    SELECT FROM messaging_optout WHERE account_id = %(account_id)s AND phone = %(phone)s)"""

# The usage row is locked first and for this one statement only. A duplicate is found last, by the
# unique index, and takes the count back with it since the whole statement fails.
_COUNTED = f"""
counted AS (
    INSERT INTO licenses_dailyusage AS usage (account_id, day, used)
    SELECT %(account_id)s, %(day)s, 1 {_NOT_OPTED_OUT} AND %(limit)s >= 1
    ON CONFLICT (account_id, day) DO UPDATE SET used = usage.used + 1
    WHERE usage.used < %(limit)s
    RETURNING used)"""

_USED = "(SELECT used FROM counted)"

_BATCH = f"""
batch AS (
    INSERT INTO messaging_batch ({", ".join(_BATCH_COLUMNS)})
    SELECT {", ".join(f"%(batch_{column})s" for column in _BATCH_COLUMNS)}"""


def _insert(source: str, batch_id: str = "%(batch_id)s", *, used: str = "0") -> str:
    values = [batch_id if column == "batch_id" else f"%({column})s" for column in _COLUMNS]
    return f"""
    INSERT INTO messaging_message ({", ".join(_COLUMNS)})
    SELECT {", ".join(values)} {source} RETURNING id, batch_id, {used}"""


def _types(model: type[Model], columns: Sequence[str], prefix: str = "") -> dict[str, str]:
    """The PostgreSQL type of each column's parameter."""
    fields = {column: model._meta.get_field(column) for column in columns}
    return {f"{prefix}{column}": str(f.db_type(connection)) for column, f in fields.items()}


_MESSAGE = _types(Message, _COLUMNS)
_WITH_BATCH = {
    name: type_
    for name, type_ in (_MESSAGE | _types(Batch, _BATCH_COLUMNS, "batch_")).items()
    if name != "batch_id"
}
_LIMIT = {"limit": "bigint", "day": "date"}

_INSERT_UNCOUNTED = Prepared("accept", _insert(_NOT_OPTED_OUT), _MESSAGE)
_INSERT_COUNTED = Prepared(
    "accept_counted", f"WITH {_COUNTED} {_insert('FROM counted', used=_USED)}", _MESSAGE | _LIMIT
)
_INSERT_BATCH_UNCOUNTED = Prepared(
    "accept_batch",
    f"WITH {_BATCH} {_NOT_OPTED_OUT} RETURNING id) {_insert('FROM batch', 'batch.id')}",
    _WITH_BATCH,
)
_INSERT_BATCH_COUNTED = Prepared(
    "accept_batch_counted",
    f"WITH {_COUNTED}, {_BATCH} FROM counted RETURNING id)"
    f" {_insert('FROM batch', 'batch.id', used=_USED)}",
    _WITH_BATCH | _LIMIT,
)


def insert_message(
    message: Message, *, limit: int | None, day: dt.date, batch: Batch | None = None
) -> int | None:
    """Insert one message, with its new batch if given, and count it against the day's limit; in one
    statement.

    Sets the new ids. Answers how many the day has now (0 without a limit), or None where the recipient
    has opted out or the limit is reached. Raises IntegrityError for a duplicate; nothing is counted
    then.
    """
    values: dict[str, Any] = {column: getattr(message, column) for column in _COLUMNS}
    uncounted, counted = _INSERT_UNCOUNTED, _INSERT_COUNTED
    if batch is not None:
        uncounted, counted = _INSERT_BATCH_UNCOUNTED, _INSERT_BATCH_COUNTED
        values |= {f"batch_{column}": getattr(batch, column) for column in _BATCH_COLUMNS}
        values["batch_details"] = json.dumps(batch.details)
    if limit is None:
        row = uncounted.fetchone(values)
    else:
        row = counted.fetchone(values | {"limit": limit, "day": day})
    if row is None:
        return None
    message.pk, message.batch_id, used = row
    if batch is not None:
        batch.pk = row[1]
    return int(used)


def taken(
    *,
    license_id: int,
    account_id: int,
    external_ids: Sequence[str],
    digests: Sequence[UUID],
    phones: Sequence[str],
) -> tuple[set[str], set[UUID], set[str]]:
    """Which external ids and digests are messages of this licence already, and who has opted out."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT external_id, NULL::uuid, NULL FROM messaging_message
            WHERE license_id = %(license_id)s AND external_id = ANY(%(external_ids)s::text[])
            UNION ALL
            SELECT NULL, repeat_digest, NULL FROM messaging_message
            WHERE license_id = %(license_id)s AND repeat_digest = ANY(%(digests)s::uuid[])
            UNION ALL
            SELECT NULL, NULL, phone FROM messaging_optout
            WHERE account_id = %(account_id)s AND phone = ANY(%(phones)s::text[])
            """,
            {
                "license_id": license_id,
                "account_id": account_id,
                "external_ids": list(external_ids),
                "digests": list(digests),
                "phones": list(phones),
            },
        )
        rows = cursor.fetchall()
    return (
        {row[0] for row in rows if row[0] is not None},
        {row[1] for row in rows if row[1] is not None},
        {row[2] for row in rows if row[2] is not None},
    )
