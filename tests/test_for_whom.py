"""For whom a statement acts: the rule itself, and that the suite's recorder holds the product to it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from contacts.models import ContactGroup
from http_api.prepared import statements
from licenses import daily_limit
from messaging import inserts
from messaging.models import Message
from smsgate.config import PROJECT_DIR
from tests.support.cross_account import LISTED
from tests.support.statements import recorder
from tests.support.tenancy import keys_of_tenants, unbound_tables

MESSAGE, BATCH, GROUP = "messaging_message", "messaging_batch", "contacts_contactgroup"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT 1 FROM {MESSAGE} WHERE license_id = %s",
        f"SELECT 1 FROM {MESSAGE} WHERE account_id IN (%s, %s) AND status = 'sent'",
        f"SELECT 1 FROM {MESSAGE} WHERE license_id = ANY(%(ids)s::bigint[])",
        f"SELECT 1 FROM {MESSAGE} AS m JOIN {BATCH} AS b ON b.id = m.batch_id WHERE b.license_id = %s",
        f"SELECT 1 FROM {BATCH} AS b LEFT JOIN {MESSAGE} AS m ON m.batch_id = b.id"
        " WHERE b.license_id = %s",
        "SELECT 1 FROM licenses_device WHERE id = %s",
        "SELECT 1 FROM messaging_statechange WHERE message_id = %s",
        f"WITH mine AS (SELECT id FROM {MESSAGE} WHERE license_id = %s)"
        f" UPDATE {MESSAGE} AS m SET status = 'sent' FROM mine WHERE m.id = mine.id",
        f"SELECT 1 FROM {MESSAGE} WHERE (license_id = %s AND sim = 1) OR (license_id = %s AND sim = 2)",
        f"INSERT INTO {GROUP} (account_id, name) VALUES (%s, %s)",
        "SELECT 1 FROM auth_user WHERE id = %s",
    ],
)
def test_a_bound_statement_passes(sql: str) -> None:
    assert unbound_tables(sql) == []


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        (f"SELECT 1 FROM {MESSAGE}", [MESSAGE]),
        (f"SELECT 1 FROM {MESSAGE} WHERE id = %s", [MESSAGE]),
        (f"DELETE FROM {MESSAGE} WHERE id IN (%s, %s)", [MESSAGE]),
        (f"SELECT 1 FROM {MESSAGE} WHERE license_id <> %s", [MESSAGE]),
        (f"SELECT 1 FROM {MESSAGE} WHERE NOT license_id = %s", [MESSAGE]),
        (f"SELECT 1 FROM {MESSAGE} WHERE license_id = %s OR sim = 1", [MESSAGE]),
        (f"SELECT 1 FROM {MESSAGE} WHERE license_id = license_id", [MESSAGE]),
        (
            f"SELECT 1 FROM {MESSAGE} AS m LEFT JOIN {BATCH} AS b"
            " ON b.id = m.batch_id AND m.license_id = %s",
            [BATCH, MESSAGE],
        ),
        (
            f"SELECT 1 FROM {MESSAGE} AS m JOIN messaging_optout AS o ON o.phone = m.phone"
            " WHERE m.license_id = %s",
            ["messaging_optout"],
        ),
        (
            f"SELECT 1 FROM {BATCH} WHERE license_id = %s AND EXISTS (SELECT FROM {MESSAGE})",
            [MESSAGE],
        ),
        (
            f"WITH given AS (SELECT * FROM json_to_recordset(%s) AS w(id bigint))"
            f" UPDATE {MESSAGE} AS m SET status = 'sent' FROM given WHERE m.id = given.id",
            [MESSAGE],
        ),
        ("SELECT 1 FROM messaging_claim WHERE claim_id = %s", ["messaging_claim"]),
        (f"INSERT INTO {GROUP} (name) VALUES (%s)", [GROUP]),
        (f"LOCK TABLE {MESSAGE}", [MESSAGE]),
    ],
)
def test_an_unbound_statement_is_found(sql: str, tables: list[str]) -> None:
    assert unbound_tables(sql) == tables


def test_a_row_in_hand_is_bound_by_its_id_and_by_nothing_less() -> None:
    assert unbound_tables(f"UPDATE {MESSAGE} SET sim = 1 WHERE id = %s", is_of_instance=True) == []
    assert unbound_tables(f"UPDATE {MESSAGE} SET sim = 1", is_of_instance=True) == [MESSAGE]


@pytest.mark.parametrize(
    ("module", "name", "owner", "table"),
    [
        (inserts, "find_conflicts", "license_id =", MESSAGE),
        (inserts, "find_conflicts", "account_id =", "messaging_optout"),
        (daily_limit, "used", "account_id =", "licenses_dailyusage"),
    ],
)
def test_a_statement_that_loses_its_owner_is_found(
    module: Any, name: str, owner: str, table: str
) -> None:
    sql = statements(module.__file__)[name].sql
    assert unbound_tables(sql) == []
    assert table in unbound_tables(sql.replace(owner, "id ="))


def test_each_table_of_tenants_says_whose_a_row_is() -> None:
    assert [table for table, keys in keys_of_tenants().items() if not keys] == []


def product(source: str, file: str = "messaging/fake.py") -> Callable[..., Any]:
    """Return the function `run` of a module that would stand in the product."""
    names: dict[str, Any] = {}
    exec(compile(source, str(PROJECT_DIR / file), "exec"), names)
    run: Callable[..., Any] = names["run"]
    return run


def faults_of(work: Callable[[], Any]) -> list[str]:
    before, recorder.faults = recorder.faults, []
    work()
    faults, recorder.faults = recorder.faults, before
    return faults


UNBOUND = "def run(model):\n    return model.objects.filter(pk=1).first()\n"
BOUND = "def run(model):\n    return model.objects.filter(account_id=1, pk=1).first()\n"


@pytest.mark.django_db
def test_an_unbound_statement_of_the_product_fails_its_test() -> None:
    [fault] = faults_of(lambda: product(UNBOUND)(Message))
    assert fault.startswith("messaging/fake.py:2, in run: this statement acts for nobody in")
    assert "tests/support/cross_account.py" in fault
    assert 'WHERE "messaging_message"."id" = %s' in fault


@pytest.mark.django_db
def test_bound_statements_tests_migrations_and_operators_pass() -> None:
    assert faults_of(lambda: product(BOUND)(Message)) == []
    assert faults_of(lambda: Message.objects.filter(pk=1).first()) == []
    assert faults_of(lambda: product(UNBOUND, "messaging/migrations/0099.py")(Message)) == []
    operator = product("def run(work):\n    return work()\n", "django/contrib/admin/options.py")
    assert faults_of(lambda: operator(lambda: product(UNBOUND)(Message))) == []


@pytest.mark.django_db
def test_a_row_in_hand_is_saved_and_read_anew(tenant: Any) -> None:
    group = ContactGroup.objects.create(account_id=tenant.keys.account_id, name="VIP")
    saved = product("def run(row):\n    row.save()\n    row.refresh_from_db()\n    row.account\n")
    assert faults_of(lambda: saved(group)) == []


@pytest.mark.django_db
def test_a_prepared_statement_is_judged_by_its_text() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PREPARE of_nobody AS SELECT id FROM {MESSAGE} WHERE sim = $1")
        run = product("def run(cursor):\n    cursor.execute('EXECUTE of_nobody (%s)', [1])\n")
        [fault] = faults_of(lambda: run(cursor))
        cursor.execute("DEALLOCATE of_nobody")
    assert "WHERE sim = $1" in fault


@pytest.mark.parametrize("site", LISTED)
def test_what_is_listed_is_there(site: str) -> None:
    path, function = site.split(":")
    tree = ast.parse((PROJECT_DIR / path).read_text(encoding="utf-8"))
    functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert function.split(".")[-1] in functions, "take it out of tests/support/cross_account.py"
