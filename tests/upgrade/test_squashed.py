"""A new database, made by the squashed migrations, has the schema that those they replace lead to."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import Any

import psycopg2

from smsgate.config import PROJECT_DIR
from smsgate.operations.backup import libpq
from smsgate.supervisor.embedded import Postgres, services
from tests.smsgate.processes import private_config
from tests.upgrade.build import FOLDER
from tests.upgrade.test_old_rows import all_of, migrated
from tests.upgrade.test_upgrade import RELEASES

SQUASHED = {file.parts[-3] for file in PROJECT_DIR.glob("*/migrations/*_squashed_*.py")}


def run(database_url: str, statement: str) -> list[Any]:
    with contextlib.closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            if statement.startswith("SELECT"):
                return all_of(cursor, statement)
            cursor.execute(statement)
    return []


def database(database_url: str, name: str, sql: str) -> str:
    """Return the URL of another database on the same server, with what the SQL makes."""
    run(database_url, f"CREATE DATABASE {name}")
    url = database_url.replace("/smsgate?", f"/{name}?")
    run(url, sql)
    return url


def schema(postgres: Postgres, database_url: str) -> str:
    """Tables with their columns in order, constraints, indexes, triggers, functions, sequences."""
    dumped = subprocess.run(
        [postgres.bin / "pg_dump", "--schema-only", "--no-owner", "--no-privileges"],
        env={**os.environ, **libpq(database_url)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return "".join(line for line in dumped.splitlines(keepends=True) if not line.startswith("\\"))


def test_a_new_database_has_the_schema_of_one_that_was_upgraded(tmp_path: Path) -> None:
    config = private_config(tmp_path / "servers")
    postgres = Postgres(config)
    with services(config, durable=False) as (new, _):
        old = database(new, "upgraded", (FOLDER / f"{RELEASES[0]}.sql").read_text())
        begun = {app for (app,) in run(old, "SELECT DISTINCT app FROM public.django_migrations")}
        assert SQUASHED - begun == set(), "nothing to compare with: this runs the squashed one, too"
        migrated(old)
        migrated(new)
        # Once restored, since PostgreSQL writes a condition that it has read in another way.
        was = database(new, "was", schema(postgres, old))
        is_now = database(new, "is_now", schema(postgres, new))
        assert schema(postgres, is_now).splitlines() == schema(postgres, was).splitlines()
