"""Rows of SQL by hand, as named tuples: a column that was moved or forgotten is found at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

Row = TypeVar("Row", bound=NamedTuple)


def fetch_all(cursor: Any, row_type: type[Row]) -> list[Row]:
    """Return what the statement found. Its columns have the names of the fields; one with a default may
    be absent."""
    columns = [column.name for column in cursor.description]
    required = set(row_type._fields) - row_type._field_defaults.keys()
    if not required <= set(columns) <= set(row_type._fields):
        raise TypeError(f"the statement selects {columns}, and not {row_type._fields}")
    make: Callable[..., Row] = row_type
    return [make(**dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]


def fetch_one(cursor: Any, row_type: type[Row]) -> Row | None:
    """Return the first of them; None where nothing was found."""
    return next(iter(fetch_all(cursor, row_type)), None)
