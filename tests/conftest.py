"""What every test may ask for: an account with its keys, a client that speaks JSON, a clock."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from unittest import mock

import pytest
from django.db import connection, connections, transaction
from django.test import Client, TransactionTestCase
from django.test.client import ClientHandler

from http_api import clock, redis
from licenses import auth, services
from licenses.auth import Sender, sender_of_license
from licenses.models import Account, Device, License
from tests.described import check_described


class ManualClock:
    """The server's clock in tests: it moves when told to."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


@pytest.fixture
def manual_clock() -> Iterator[ManualClock]:
    """A Thursday at 14:32 UTC in April, as in document 000 (16:32 in Warsaw)."""
    source = ManualClock(dt.datetime(2026, 4, 9, 14, 32, tzinfo=dt.UTC))
    with clock.replaced_by(source):
        yield source


@dataclass(frozen=True)
class Tenant:
    """An account with one of each key, and what it takes to call the API with them."""

    keys: services.Provisioned

    @property
    def account(self) -> Account:
        return Account.objects.get(pk=self.keys.account_id)

    @property
    def license(self) -> License:
        return License.objects.select_related("account").get(pk=self.keys.license_id)

    @property
    def sender(self) -> Sender:
        return sender_of_license(self.license)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys.license_key}"}

    @property
    def pair_headers(self) -> dict[str, str]:
        """Both keys, as the contact and group routes ask for them."""
        return {"X-License-Key": self.keys.license_key, "X-Api-Key": self.keys.api_key}

    def set_rules(self, **rules: Any) -> None:
        """Change fields of the account: `max_daily_sms=2`."""
        Account.objects.filter(pk=self.keys.account_id).update(**rules)

    def message(self, external_id: str = "a-1", **fields: Any) -> dict[str, Any]:
        """A body for `POST /api/messages/`."""
        return {
            "license__key": self.keys.license_key,
            "external_id": external_id,
            "phone": "+48123456789",
            "message": "Hello",
        } | fields

    def bulk(self, messages: list[Any], **fields: Any) -> dict[str, Any]:
        return {"license__key": self.keys.license_key, "messages": messages} | fields

    def with_keys(self, **fields: Any) -> dict[str, Any]:
        """A body for the contact and group routes."""
        return {"key": self.keys.license_key, "api_key": self.keys.api_key} | fields


@pytest.fixture
def tenant(db: None) -> Tenant:
    return Tenant(services.provision("Alice"))


@pytest.fixture
def other_tenant(db: None) -> Tenant:
    return Tenant(services.provision("Bob"))


# One for all: each loads the middleware anew, which looks at every static file.
_HANDLER = ClientHandler(enforce_csrf_checks=False)


class DescribedClient(Client):
    """Every answer must be one that the OpenAPI document describes."""

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        check_described(response)
        return response


class Api:
    """A client that posts JSON and answers what came back."""

    def __init__(self) -> None:
        self.client = DescribedClient(raise_request_exception=False)
        self.client.handler = _HANDLER

    def post(self, path: str, body: Any, **headers: str) -> Any:
        """`body` is sent as JSON; headers as `Idempotency_Key="…"`."""
        return self.client.post(
            path,
            json.dumps(body),
            content_type="application/json",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    def raw(
        self, path: str, body: bytes | str, content_type: str = "application/json", **headers: str
    ) -> Any:
        """POST these very bytes."""
        return self.client.post(
            path,
            body,
            content_type=content_type,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    def get(self, path: str, tenant: Tenant, **query: str) -> Any:
        return self.client.get(path, query, headers=tenant.headers)

    def delete(self, path: str, tenant: Tenant) -> Any:
        return self.client.delete(path, headers=tenant.headers)


@pytest.fixture
def api() -> Api:
    return Api()


def refused(response: Any, status: int, code: str, *fields: str) -> dict[str, Any]:
    """Check that the answer is the one error body, with this status and code and these fields."""
    assert response.status_code == status, (response.status_code, response.content)
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert list(body) == ["message", "code", "errors"], body
    assert body["code"] == code, body
    assert list(body["errors"]) == list(fields), body
    assert isinstance(body["message"], str)
    assert body["message"]
    return dict(body)


Result = TypeVar("Result")


def in_threads(work: Sequence[Callable[[], Result]], threads: int) -> list[Result]:
    """Run all of it on so many threads, each with a database connection of its own."""

    def run(one: Callable[[], Result]) -> Result:
        try:
            return one()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, work))


def while_uncommitted(first: Callable[[], Result], second: Callable[[], Result]) -> list[Result]:
    """Both answers, where the transaction around `first` commits only once `second` waits for it."""
    is_done, may_commit = threading.Event(), threading.Event()

    def run_first() -> Result:
        with transaction.atomic():
            answer = first()
            is_done.set()
            assert may_commit.wait(20)
        return answer

    def run_second() -> Result:
        assert is_done.wait(20)
        watcher = threading.Thread(target=_once_one_waits, args=(may_commit.set,))
        watcher.start()
        try:
            return second()
        finally:
            watcher.join()

    return in_threads([run_first, run_second], 2)


def _once_one_waits(act: Callable[[], None]) -> None:
    """`act` as soon as some connection waits for a lock that another one holds."""
    waiting = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
        """
    try:
        with connection.cursor() as cursor:
            for _ in range(20_000):
                cursor.execute(waiting)
                if cursor.fetchone()[0]:
                    break
    finally:
        connections.close_all()
        act()


def _delete_everything(_: TransactionTestCase) -> None:
    """What a test committed. Django's own `flush` truncates, which makes new files for each table and
    index, and then makes all permissions anew: 80 ms a test."""
    kept = {"django_migrations", "django_content_type", "auth_permission"}
    tables = set(connection.introspection.django_table_names(only_existing=True)) - kept
    with transaction.atomic(), connection.cursor() as cursor:  # foreign keys are checked at its end
        cursor.execute(";".join(f"DELETE FROM {table}" for table in sorted(tables)))


@pytest.fixture(autouse=True, scope="session")
def _fast_flush() -> Iterator[None]:
    with mock.patch.object(TransactionTestCase, "_fixture_teardown", _delete_everything):
        yield


@pytest.fixture(autouse=True)
def _keys_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test changes is in force at once."""
    monkeypatch.setattr(auth, "MEMORY", dt.timedelta(0))


@pytest.fixture(autouse=True)
def _no_throttle_memory() -> None:
    """Throttles count in Redis, which no transaction rolls back."""
    redis.client().flushdb()


@dataclass(frozen=True)
class Phone:
    """A paired phone, as the server sees it."""

    device: Device
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def pair_phone(tenant: Tenant, install_id: str = "install-1") -> Phone:
    code = services.new_pairing_code(tenant.license).code
    paired = services.pair(code, install_id=install_id, name="Pixel")
    return Phone(paired.device, paired.token)


@pytest.fixture
def phone(tenant: Tenant) -> Phone:
    return pair_phone(tenant)
