"""Rows of SQL by hand, as named tuples: a column that was moved or forgotten is found at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeVar

Row = TypeVar("Row", bound=NamedTuple)


def fetch_all(cursor: Any, row_type: type[Row]) -> list[Row]:
    """Return what the statement found. Its columns have the names of the fields; one with a default may
    be absent."""
    columns = tuple([column.name for column in cursor.description])
    _check(row_type, columns)
    make: Callable[..., Row] = row_type
    return [make(**dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]


@cache
def _check(row_type: type[Any], columns: tuple[str, ...]) -> None:
    required = set(row_type._fields) - row_type._field_defaults.keys()
    if not required <= set(columns) <= set(row_type._fields):
        raise TypeError(f"the statement selects {columns}, and not {row_type._fields}")


def fetch_one(cursor: Any, row_type: type[Row]) -> Row | None:
    """Return the first of them; None where nothing was found."""
    return next(iter(fetch_all(cursor, row_type)), None)
