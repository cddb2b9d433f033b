"""Put messages into the queue, and ask what stands in their way. Raw SQL: inserts.sql.

Time always comes in as a parameter: the database's clock is never asked (http_api.clock).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DatabaseError, DataError, IntegrityError
from django.db.models import Model
from psycopg2 import errorcodes

from http_api import patience
from http_api.batching import batched
from http_api.prepared import statements
from messaging import locks
from messaging.models import Batch, Message

_SQL = statements(__file__)


class Insert(NamedTuple):
    """A message to insert, with its new batch if it has one, and the day that it counts against."""

    message: Message
    max_daily_sms: int | None  # None: no limit, nothing is counted
    day: dt.date
    batch: Batch | None = None


class Raced(DatabaseError):
    """A duplicate exists, of a message alone or of one that has a limit or a batch."""


class _Inserted(NamedTuple):
    n: int  # the place among the inserts, from 1
    id: int | None
    batch_id: int | None
    used: int  # of the day's limit; 0 without one
    is_whole: int = 1


class _Conflict(NamedTuple):
    """A row of `find_conflicts`: one of the three."""

    external_id: str | None
    digest: UUID | None
    opted_out: str | None  # a phone


def insert_all(inserts: Sequence[Insert], *, may_wait: bool) -> list[int | None]:
    """Insert messages and count them against their days' limits, in one statement.

    Set the new ids. For each return how many its day has now (0 without a limit), or None where a rule
    or the limit forbids it, or a bulk of its account is under way that it may not wait for: then nothing
    of it is written or counted. Raise Raced; then nothing of all is written.
    """
    used: list[int | None] = [None] * len(inserts)
    places = _places_of_firsts(inserts)
    for row in _inserted([inserts[place] for place in places], may_wait):
        if row.id is not None:
            place = places[row.n - 1]
            used[place] = row.used
            _set_ids(inserts[place], row)
    return used


def _places_of_firsts(inserts: Sequence[Insert]) -> list[int]:
    """Return the places of those that are no duplicates of one before them."""
    seen: set[tuple[int, object]] = set()
    places = []
    for place, (message, *_, batch) in enumerate(inserts):
        given: list[object] = [message.external_id, message.repeat_digest]
        if batch is not None and batch.external_id is not None:
            given.append((batch.dialect, batch.external_id))
        keys = {(message.license_id, key) for key in given if key is not None}
        if seen.isdisjoint(keys):
            places.append(place)
        seen |= keys
    return places


def _inserted(inserts: Sequence[Insert], may_wait: bool) -> list[_Inserted]:
    if any(each.max_daily_sms is not None for each in inserts):
        may_wait = may_wait and patience.may_wait()  # for the row that a bulk counts in
    values: dict[str, Any] = {"may_wait": may_wait, "account_lock": locks.ACCOUNT}
    try:
        match inserts:
            case [Insert(message, max_daily_sms, day, batch=None)]:
                values |= {"message": _json(_columns(message))}
                values |= {"max_daily_sms": max_daily_sms, "day": day}
                return _SQL["insert_one"].all(_Inserted, values)
        values["items"] = _json([_as_item(each) for each in inserts])
        return _SQL["insert"].all(_Inserted, values)
    except (DataError, IntegrityError) as error:
        if getattr(error.__cause__, "pgcode", None) in _RACED:
            raise Raced from error
        raise


_RACED = frozenset({errorcodes.DIVISION_BY_ZERO, errorcodes.UNIQUE_VIOLATION})


def _set_ids(insert: Insert, row: _Inserted) -> None:
    insert.message.pk, insert.message.batch_id = row.id, row.batch_id
    if insert.batch is not None:
        insert.batch.pk = row.batch_id


insert = batched(insert_all)


def _as_item(insert: Insert) -> dict[str, Any]:
    return {
        "message": _columns(insert.message),
        "batch": insert.batch and _columns(insert.batch),
        "max_daily_sms": insert.max_daily_sms,
        "day": insert.day,
    }


def _columns(row: Model) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _names(type(row))}


@cache
def _names(model: type[Model]) -> tuple[str, ...]:
    return tuple(f.attname for f in model._meta.concrete_fields if not f.primary_key)


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.date) else str(value)


_json = json.JSONEncoder(default=_as_text, ensure_ascii=False, separators=(",", ":")).encode


def tell_of_accepted(account_id: int, messages: Sequence[Message]) -> None:
    """Record the events of messages that `insert` did not insert, in their transaction."""
    ids = [message.pk for message in messages]
    _SQL["tell_of_accepted"].run({"account_id": account_id, "ids": ids})


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
