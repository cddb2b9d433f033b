"""Add and take back opt-outs, and learn which were new. Raw SQL: opt_out_rows.sql."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import NamedTuple

from http_api.prepared import statements

_SQL = statements(__file__)


class OptOutRow(NamedTuple):
    """An opt-out as its account is told of it."""

    phone: str
    source: str
    created_at: dt.datetime


def insert(
    account_id: int, phones: Collection[str], source: str, now: dt.datetime
) -> list[OptOutRow]:
    """Opt these numbers out; return those that had not been."""
    values = {"account_id": account_id, "phones": list(phones), "source": source, "now": now}
    return _SQL["insert"].all(OptOutRow, values)


def delete(
    account_id: int,
    phones: Collection[str],
    *,
    source: str | None = None,
    said_at: dt.datetime | None = None,
) -> list[OptOutRow]:
    """Take opt-outs of these numbers back: of any source or of this one, and only those that were not
    said later. Return which."""
    values = {"account_id": account_id, "phones": list(phones), "source": source}
    return _SQL["delete"].all(OptOutRow, values | {"said_at": said_at})
