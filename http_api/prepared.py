"""SQL of a `.sql` file that each database connection parses and plans once: for what every request runs.

A file holds whole statements with `%(name)s` parameters, each below a line `-- name: …`.

Raw SQL: PREPARE and EXECUTE. psycopg2 has neither; a planned insert into a table with many indexes
costs PostgreSQL a third of an unplanned one (docs/performance.md). Behind a pooler, which has the
sessions, each is sent whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakSet

from django.db import connection

from http_api.rows import Row, fetch_all, fetch_one

_PARAMETER = re.compile(r"%\((\w+)\)s")


class Prepared:
    """A statement. PostgreSQL takes its parameters' types from where they stand."""

    def __init__(self, name: str, sql: str) -> None:
        self.sql = sql
        self.parameters = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
        places = {parameter: f"${place}" for place, parameter in enumerate(self.parameters, 1)}
        self._prepare = f"PREPARE {name} AS {sql % places}"
        self._execute = f"EXECUTE {name} ({', '.join(f'%({each})s' for each in self.parameters)})"
        # Prepared statements live as long as the connection; a rollback does not drop them.
        self._ready_on: WeakSet[Any] = WeakSet()

    def one(self, row_type: type[Row], values: Mapping[str, Any]) -> Row | None:
        """Return the first row, if there is one."""
        with self._executed(values) as cursor:
            return fetch_one(cursor, row_type)

    def all(self, row_type: type[Row], values: Mapping[str, Any]) -> list[Row]:
        """Return every row."""
        with self._executed(values) as cursor:
            return fetch_all(cursor, row_type)

    def run(self, values: Mapping[str, Any]) -> int:
        """Return how many rows it wrote."""
        with self._executed(values) as cursor:
            return int(cursor.rowcount)

    def _executed(self, values: Mapping[str, Any]) -> Any:
        cursor = connection.cursor()
        session = cursor.connection
        if session.is_pooled:
            cursor.execute(self.sql, values)
            return cursor
        if session not in self._ready_on:
            # Bypass Django's execute wrappers, which count a request's queries.
            with connection.wrap_database_errors:
                cursor.cursor.execute(self._prepare)
            self._ready_on.add(session)
        cursor.execute(self._execute, values)
        return cursor


def statements(module_file: str) -> dict[str, Prepared]:
    """Return the statements of the `.sql` file beside a module, by name."""
    file = Path(module_file).with_suffix(".sql")
    pieces = re.split(r"^-- name: (\w+)\n", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {
        name: Prepared(f"{file.stem}_{name}", sql)
        for name, sql in zip(pieces[1::2], pieces[2::2], strict=True)
    }
