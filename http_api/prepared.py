"""SQL that each database connection parses and plans once: for what every request runs.

Raw SQL: PREPARE and EXECUTE. psycopg2 has neither; a planned insert into a table with many indexes
costs PostgreSQL a third of an unplanned one (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakSet

from django.db import connection


class Prepared:
    """A statement with `%(name)s` parameters, whose PostgreSQL types are given by name."""

    def __init__(self, name: str, sql: str, types: Mapping[str, str]) -> None:
        places = {parameter: f"${place}" for place, parameter in enumerate(types, start=1)}
        self._prepare = f"PREPARE {name} ({', '.join(types.values())}) AS {sql % places}"
        self._execute = f"EXECUTE {name} ({', '.join(f'%({parameter})s' for parameter in types)})"
        # A connection has the statement until it ends, also where the transaction is undone.
        self._ready_on: WeakSet[Any] = WeakSet()

    def fetchone(self, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Run it; its first row, if it has one."""
        with connection.cursor() as cursor:
            session = cursor.connection
            if session not in self._ready_on:
                # Past the wrappers that count a request's queries: this is none of them.
                with connection.wrap_database_errors:
                    cursor.cursor.execute(self._prepare)
                self._ready_on.add(session)
            cursor.execute(self._execute, values)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row
