"""A PostgreSQL that is frozen, full, ending or a replica: 503, and the request may be repeated."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection

from http_api import postgres
from http_api.postgres import FACTORIES, Connection, Cursor
from messaging import tasks
from messaging.models import Message
from messaging.services import accept, housekeeping
from smsgate.web.web_database import (
    LOCK_SECONDS,
    SILENT_SECONDS,
    STATEMENT_SECONDS,
    _bound_in_time,
)
from tests.conftest import Api, Tenant, refused
from tests.freezing_proxy import FreezingProxy, address_of, freezing_proxy

URL = "/api/messages/"


@pytest.fixture
def proxy() -> Iterator[FreezingProxy]:
    with freezing_proxy(address_of(os.environ["DATABASE_URL"])) as between:
        yield between


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The watcher at work, as in a web process, with a limit that no test waits for."""
    monkeypatch.setattr(postgres, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(postgres, "_limit", None)
    postgres.limit_statements(60)
    yield
    monkeypatch.setattr(postgres, "_limit", None)


def connect(proxy: FreezingProxy, **options: Any) -> Any:
    url = proxy.url(os.environ["DATABASE_URL"])
    return psycopg2.connect(url, **FACTORIES, **options)


@pytest.mark.parametrize("step", ["execute", "commit", "rollback"])
@pytest.mark.parametrize("fault", ["freeze", "lose"])
def test_what_a_silent_server_does_not_answer_ends(
    proxy: FreezingProxy, watched: None, monkeypatch: pytest.MonkeyPatch, step: str, fault: str
) -> None:
    session = connect(proxy)
    cursor = session.cursor()
    cursor.execute("SELECT 1")
    getattr(proxy, fault)()
    began = time.monotonic()
    monkeypatch.setattr(postgres, "_limit", 0.2)
    with pytest.raises(psycopg2.OperationalError, match=r"closed|terminat|reset"):
        cursor.execute("SELECT 1") if step == "execute" else getattr(session, step)()
    assert time.monotonic() - began < 10
    assert session.closed
    assert not postgres._running


def test_with_one_that_is_silent_those_at_rest_end_too(
    proxy: FreezingProxy, watched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each thread of a web process would wait once for what the first has found."""
    busy, at_rest = connect(proxy), connect(proxy)
    proxy.lose()
    monkeypatch.setattr(postgres, "_limit", 0.2)
    with pytest.raises(psycopg2.OperationalError), busy.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert select.select([at_rest], [], [], 10)[0], "its next user sees that it ended"
    at_rest.close()


def test_what_is_answered_in_time_is_left_alone(proxy: FreezingProxy, watched: None) -> None:
    session = connect(proxy)
    with session.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.2)")
        cursor.executemany("SELECT %s", [(1,), (2,)])
    session.commit()
    assert not postgres._running
    session.close()


def test_a_slow_failure_to_connect_is_not_repeated_by_each_thread(
    proxy: FreezingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_resting_until", 0.0)
    monkeypatch.setattr(postgres, "_SLOW_CONNECT_SECONDS", 0.5)
    proxy.freeze()
    with pytest.raises(psycopg2.OperationalError, match="timeout"):
        connect(proxy, connect_timeout=2)
    before = proxy.accepted
    with pytest.raises(psycopg2.OperationalError, match="did not answer a moment ago"):
        connect(proxy, connect_timeout=2)
    assert proxy.accepted == before
    monkeypatch.setattr(postgres, "_resting_until", 0.0)
    proxy.thaw()
    connect(proxy, connect_timeout=10).close()


def test_each_statement_and_commit_of_django_is_watched(db: None) -> None:
    connection.ensure_connection()
    assert isinstance(connection.connection, Connection)
    with connection.cursor() as cursor:
        assert isinstance(cursor.cursor, Cursor)


def test_a_slow_statement_ends_before_postgresql_counts_as_silent(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which would cut the connections of all other requests, too."""
    latest = SILENT_SECONDS - postgres._LOOK_SECONDS
    assert LOCK_SECONDS < STATEMENT_SECONDS < latest
    monkeypatch.setattr("smsgate.web.web_database.STATEMENT_SECONDS", 0.05)
    web = connection.copy()
    web.connect()
    _bound_in_time(web)
    with web.cursor() as cursor, pytest.raises(OperationalError, match="statement timeout"):
        cursor.execute("SELECT pg_sleep(20)")
    web.close()


# --- what PostgreSQL says of itself ----------------------------------------------------------------

AWAY = {
    "25006": "read_only_sql_transaction",
    "25P03": "idle_in_transaction_session_timeout",
    "53100": "disk_full",
    "53200": "out_of_memory",
    "53300": "too_many_connections",
    "55P03": "lock_not_available",
    "57014": "query_canceled",
    "57P01": "admin_shutdown",
    "57P02": "crash_shutdown",
    "57P03": "cannot_connect_now",
}


def raises(state: str) -> Any:
    def work(*_: Any, **__: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$")

    return work


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", AWAY, ids=AWAY.get)
@pytest.mark.parametrize("header", [{}, {"Idempotency_Key": "a"}])
def test_a_database_that_cannot_now_is_503_and_the_same_request_is_accepted_later(
    api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, state: str, header: dict[str, str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(accept, "accept", raises(state))
        response = api.post(URL, tenant.message(), **header)
    body = refused(response, 503, "unavailable")
    assert "Repeat the request" in body["message"]
    assert response["Retry-After"].isdigit()
    assert api.post(URL, tenant.message(), **header).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_a_database_that_became_a_replica_is_503_and_connected_to_anew(
    api: Api, tenant: Tenant
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    assert api.client.get("/readyz/").status_code == 503
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    refused(api.post(URL, tenant.message()), 503, "unavailable")
    assert api.post(URL, tenant.message()).status_code == 201  # the new session takes writes
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_in_the_admin_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.contrib.auth.views.LoginView.get", raises("25006"))
    response = api.client.get("/admin/login/")
    assert (response.status_code, response["Retry-After"]) == (503, "2")


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_is_wrong_is_still_a_bug(
    api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "accept", raises("22012"))
    assert api.post(URL, tenant.message()).status_code == 500


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", AWAY, ids=AWAY.get)
def test_a_task_waits_for_its_next_tick(
    state: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(housekeeping, "expire_overdue", raises(state))
    tasks.expire()
    (record,) = caplog.records
    assert record.getMessage().startswith("expire waits: the database does not answer (")
    monkeypatch.undo()
    tasks.expire()
