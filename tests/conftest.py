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
from django.test.utils import override_settings
from django.utils import timezone

from http_api import clock, redis
from licenses import lookup, services
from licenses.lookup import sender_of_license
from licenses.models import Account, Device, KeptSms, License
from licenses.sender import Sender
from smsgate.config import MailServer as GivenMailServer
from tests.described import check_described
from tests.mail_server import MailServer, mail_server
from tests.support.statements import recorder

# What starts the whole service again and again, or other languages' programs.
SLOW = (
    "tests/console/test_conversations_in_a_browser.py",
    "tests/console/test_every_page.py",
    "tests/console/test_in_a_browser.py",
    "tests/console/test_story.py",
    "tests/crash/",
    "tests/dialects/clients/",
    "tests/http_api/clients/",
    "tests/http_api/test_fuzz.py",
    "tests/simulation/test_removed_rules.py",
    "tests/smsgate/test_backup.py",
    "tests/smsgate/test_demo.py::test_an_interrupt_stops_everything_and_leaves_nothing",
    "tests/smsgate/test_log.py::test_a_full_run_logs_no_key_no_number_and_no_text",
    "tests/smsgate/test_up.py::test_a_second_one_is_refused_and_one_that_was_killed_is_no_obstacle",
    "tests/smsgate/test_up.py::test_another_pepper_than_the_databases_starts_nothing",
    "tests/smsgate/test_up.py::test_another_user_starts_it_from_nothing",
    "tests/smsgate/test_up.py::test_commands_beside_it_work_on_its_data_and_lead_to_it",
    "tests/smsgate/test_up.py::test_given_urls_nothing_embedded_starts",
    "tests/smsgate/test_up.py::test_what_is_killed_comes_back_and_no_accepted_message_is_lost",
    "tests/test_docs.py::test_every_command_of_a_page_works",
    "tests/test_docs.py::test_every_command_of_a_page_works[operating]",
    "tests/test_docs.py::test_every_command_of_a_page_works[security]",
    "tests/upgrade/",
)

# Real servers, though not by the fixtures of pytest-django.
SERVERS = (
    "tests/console/test_story.py",
    "tests/crash/",
    "tests/http_api/test_postgres.py",
    "tests/http_api/test_redis.py",
    "tests/http_api/test_throttles.py",
    "tests/network/",
    "tests/simulation/",
    "tests/smsgate/",
    "tests/test_docs.py::test_every_command_of_a_page_works",
    "tests/test_freezing_proxy.py",
    "tests/upgrade/",
)

# What a test may have to install first does not count for its own time.
INSTALLS = (
    "tests/console/test_conversations_in_a_browser.py",
    "tests/console/test_every_page.py",
    "tests/console/test_in_a_browser.py",
    "tests/console/test_story.py",
    "tests/dialects/clients/",
    "tests/http_api/clients/",
    "tests/smsgate/test_pages.py",
)

# Begun first, so that no worker is left alone with one of these at the end.
LONG = (
    "tests/messaging/test_state_machine.py",
    "tests/simulation/",
    "tests/smsgate/test_embedded_postgres.py",
    "tests/smsgate/test_self_signed_tls.py",
    "tests/smsgate/test_up.py",
    "tests/test_docs.py",
)


@pytest.fixture(scope="session", autouse=True)
def quick_hasher() -> Iterator[None]:
    """Django's own takes a quarter of a second of CPU, on purpose; servers that tests start keep it."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        if item.nodeid.startswith(INSTALLS):
            item.add_marker(pytest.mark.timeout(func_only=True))
        if is_pure(item):
            item.add_marker(pytest.mark.pure)
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def is_pure(item: pytest.Item) -> bool:
    """True where a test asks for no database and starts no server: `make check` runs it."""
    fixtures: set[str] = set(getattr(item, "fixturenames", ()))
    asks = fixtures & {"db", "transactional_db"} or item.get_closest_marker("django_db")
    return not asks and not item.nodeid.startswith(SERVERS)


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
    """A Thursday at 14:32 UTC in April (16:32 in Warsaw)."""
    source = ManualClock(dt.datetime(2026, 4, 9, 14, 32, tzinfo=dt.UTC))
    with clock.replaced_by(source):
        yield source


@pytest.fixture
def mails(settings: Any) -> Iterator[MailServer]:
    """A mail server, and a service that hands its mail in there."""
    with mail_server() as server:
        settings.MAIL_SERVER = GivenMailServer(
            host="127.0.0.1", port=server.port, user="", password="", starts_tls=False,
            is_tls=False, sender="smsgate <sms@example.com>",
        )  # fmt: skip
        yield server


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
        return sender_of_license(self.license.pk)

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


def provisioned(name: str) -> Tenant:
    """Without the checks of what an operator typed: half of its time, for each of thousands of tests."""
    with mock.patch.object(Account, "full_clean"):
        return Tenant(services.provision(name))


def note_use(tenant: Tenant) -> None:
    """Let its keys be in use, as they are but for one request an hour, which notes that."""
    now = timezone.now()
    License.objects.filter(pk=tenant.keys.license_id).update(key_used_at=now)
    tenant.account.api_keys.update(used_at=now)
    tenant.license.credentials.update(used_at=now)


@pytest.fixture
def tenant(db: None) -> Tenant:
    return provisioned("Alice")


@pytest.fixture
def other_tenant(db: None) -> Tenant:
    return provisioned("Bob")


@pytest.fixture
def all_sms_kept(tenant: Tenant, other_tenant: Tenant) -> None:
    """Both keep the SMS of strangers, too."""
    tenant.set_rules(kept_sms=KeptSms.ALL)
    other_tenant.set_rules(kept_sms=KeptSms.ALL)


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


def while_uncommitted(
    first: Callable[[], Result],
    second: Callable[[], Result],
    then: Callable[[], object] = lambda: None,
) -> list[Result]:
    """Both answers, where the transaction around `first` does `then` and commits only once `second`
    waits for it."""
    is_done, may_commit = threading.Event(), threading.Event()

    def run_first() -> Result:
        with transaction.atomic():
            answer = first()
            is_done.set()
            assert may_commit.wait(20)
            then()
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
        cursor.execute("ALTER TABLE members_auditentry DISABLE TRIGGER USER")  # append-only
        cursor.execute(";".join(f"DELETE FROM {table}" for table in sorted(tables)))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE members_auditentry ENABLE TRIGGER USER")


@pytest.fixture(autouse=True, scope="session")
def _fast_flush() -> Iterator[None]:
    with mock.patch.object(TransactionTestCase, "_fixture_teardown", _delete_everything):
        yield


recorder.install()


@pytest.fixture(autouse=True)
def _each_statement_knows_for_whom_it_acts() -> Iterator[None]:
    yield
    faults, recorder.faults = recorder.faults, []
    assert not faults, "\n\n".join(faults)


@pytest.fixture(autouse=True)
def _keys_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test changes is in force at once."""
    monkeypatch.setattr(lookup, "CACHE_TIME", dt.timedelta(0))


@pytest.fixture(autouse=True)
def _no_throttle_memory(request: pytest.FixtureRequest) -> None:
    """Throttles count in Redis, which no transaction rolls back."""
    if request.node.get_closest_marker("pure") is None:
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
