"""Put messages into the queue, and ask what stands in their way. Raw SQL: inserts.sql.

Time always comes in as a parameter: the database's clock is never asked (http_api.clock).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Model

from http_api.prepared import statements
from messaging.models import Batch, Message

_SQL = statements(__file__)


class _Inserted(NamedTuple):
    id: int
    batch_id: int | None
    used: int  # of the day's limit; 0 without one


class _Conflict(NamedTuple):
    """A row of `find_conflicts`: one of the three."""

    external_id: str | None
    digest: UUID | None
    opted_out: str | None  # a phone


def insert_message(
    message: Message, *, max_daily_sms: int | None, day: dt.date, batch: Batch | None = None
) -> int | None:
    """Insert one message, with its new batch if given, and count it against the day's limit; in one
    statement.

    Set the new ids. Return how many the day has now (0 without a limit), or None where a rule's
    condition or the limit forbids it. Raise IntegrityError where a rule's index does; nothing is counted
    then.
    """
    name, values = "insert", _columns(message)
    if max_daily_sms is not None:
        name += "_counted"
        values |= {"max_daily_sms": max_daily_sms, "day": day}
    if batch is not None:
        name += "_with_batch"
        columns = _columns(batch) | {"details": json.dumps(batch.details)}
        values |= {f"batch_{column}": value for column, value in columns.items()}
    inserted = _SQL[name].one(_Inserted, values)
    if inserted is None:
        return None
    message.pk, message.batch_id = inserted.id, inserted.batch_id
    if batch is not None:
        batch.pk = inserted.batch_id
    return inserted.used


def _columns(row: Model) -> dict[str, Any]:
    fields = row._meta.concrete_fields
    return {field.attname: getattr(row, field.attname) for field in fields if not field.primary_key}


class Conflicts(NamedTuple):
    """The rows that exist already of a list of drafts."""

    external_ids: set[str]
    digests: set[UUID]
    opted_out: set[str]  # phones


def find_conflicts(
    *,
    license_id: int,
    account_id: int,
    external_ids: Sequence[str],
    digests: Sequence[UUID],
    phones: Sequence[str],
) -> Conflicts:
    """Find which external ids and digests are messages of this licence, and who has opted out."""
    rows = _SQL["find_conflicts"].all(
        _Conflict,
        {
            "license_id": license_id,
            "account_id": account_id,
            "external_ids": list(external_ids),
            "digests": list(digests),
            "phones": list(phones),
        },
    )
    return Conflicts(
        {row.external_id for row in rows if row.external_id is not None},
        {row.digest for row in rows if row.digest is not None},
        {row.opted_out for row in rows if row.opted_out is not None},
    )
