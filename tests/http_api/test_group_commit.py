"""http_api.batching on a live server: sends that wait are inserted together and answered apart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction

from http_api import throttles
from http_api.batching import batched
from licenses.models import DailyUsage
from messaging import inserts, locks
from messaging.models import Message
from messaging.services import opt_outs
from tests.conftest import Tenant, provisioned
from tests.http_api.live import Answer, Server
from tests.smsgate.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/messages/"
OPTED_OUT = "+48600100201"


@dataclass
class Inserts:
    """Watches what is inserted together; while `held`, nothing is."""

    sizes: list[int] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    fails: Callable[[int], bool] = lambda size: False
    then: Callable[[int], None] = lambda size: None  # in the thread, once it is committed

    def insert_all(self, rows: Sequence[inserts.Insert], *, may_wait: bool) -> list[int | None]:
        self.sizes.append(len(rows))
        assert self.gate.wait(20)
        if self.fails(len(rows)):
            raise DatabaseError
        used = inserts.insert_all(rows, may_wait=may_wait)
        self.then(len(rows))
        return used


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Inserts:
    found = Inserts()
    monkeypatch.setattr(inserts, "insert", batched(found.insert_all))
    return found


class Clients:
    """Requests of several programs at once."""

    def __init__(self, server: Server, pool: ThreadPoolExecutor) -> None:
        self.server, self.pool = server, pool

    def post(self, tenant: Tenant, *headers: str, **fields: Any) -> Future[Answer]:
        return self.pool.submit(self.server.post, URL, tenant.message(**fields), *headers)

    def wait_for(self, number: int) -> None:
        """Return once so many requests wait for their turn."""
        lanes = self.server.root._pool._waiting
        wait_until(
            lambda: (
                sum(len(jobs) for callers in lanes.values() for jobs in callers.values()) == number
            ),
            f"{number} requests to wait",
        )


@pytest.fixture
def clients(server: Server, watched: Inserts) -> Iterator[Clients]:
    with ThreadPoolExecutor(32) as pool:
        try:
            yield Clients(server, pool)
        finally:
            watched.gate.set()


@contextmanager
def waiting(clients: Clients, watched: Inserts, tenant: Tenant) -> Iterator[None]:
    """One request is at the insert; those of the block come to wait behind it."""
    clients.server.post(
        URL, {"license__key": tenant.keys.license_key}
    )  # its key is known from now on
    first = clients.post(tenant, external_id="first")
    wait_until(lambda: bool(watched.sizes), "the first one's insert")
    yield
    watched.gate.set()
    assert first.result().status == 201


def test_each_of_a_group_gets_its_own_answer(
    clients: Clients, watched: Inserts, tenant: Tenant, other_tenant: Tenant
) -> None:
    limited, other = provisioned("Carl"), other_tenant
    limited.set_rules(max_daily_sms=2)
    opt_outs.opt_out(tenant.keys.account_id, OPTED_OUT, opt_outs.Source.API)
    for each in (limited, other):
        clients.server.post(URL, {"license__key": each.keys.license_key})
    with waiting(clients, watched, tenant):
        good = [clients.post(tenant, external_id=f"good-{n}") for n in range(3)]
        again = clients.post(tenant, external_id="first")
        twice = [clients.post(tenant, external_id="twice", message=text) for text in "ab"]
        out = clients.post(tenant, external_id="out", phone=OPTED_OUT)
        wrong = clients.post(tenant, external_id="wrong", phone="12")
        of_limit = [clients.post(limited, external_id=f"l-{n}") for n in range(3)]
        elsewhere = clients.post(other, external_id="first", phone=OPTED_OUT)
        clients.wait_for(12)
    assert [answer.result().status for answer in [*good, elsewhere]] == [201] * 4
    assert again.result().json["code"] == "duplicate_external_id"
    assert out.result().json["code"] == "opted_out"
    assert wrong.result().json["code"] == "invalid"
    answers = [answer.result() for answer in twice]
    assert sorted(answer.status for answer in answers) == [201, 400]
    assert "duplicate_external_id" in {answer.json.get("code") for answer in answers}
    assert sorted(answer.result().status for answer in of_limit) == [201, 201, 403]
    assert max(watched.sizes) == 11  # all but the wrong one
    assert Message.objects.count() == 1 + 3 + 1 + 1 + 2
    assert DailyUsage.objects.get(account_id=limited.keys.account_id).used == 2
    rows = Message.objects.filter(external_id__startswith="good").values_list("id", "external_id")
    told = [answer.result().json for answer in good]
    assert {each["id"]: each["external_id"] for each in told} == dict(rows)


def test_where_the_insert_of_a_group_fails_each_is_sent_by_itself_and_throttled_once(
    clients: Clients, watched: Inserts, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(throttles, "throttle", lambda name, *_, **__: counted.append(name))
    watched.fails = lambda size: size > 1
    with waiting(clients, watched, tenant):
        answers = [clients.post(tenant, external_id=f"a-{n}") for n in range(4)]
        clients.wait_for(4)
        counted.clear()
    assert [answer.result().status for answer in answers] == [201] * 4
    assert watched.sizes == [1, 4, 1, 1, 1, 1]
    assert len(counted) == 4
    assert Message.objects.count() == 5


def lose_the_connection_of_a_group(size: int) -> None:
    """As http_api.postgres does where PostgreSQL is silent."""
    if size > 1:
        connection.connection.cut()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")


def test_where_nobody_knows_whether_a_group_was_committed_none_of_it_is_sent_again(
    clients: Clients, watched: Inserts, tenant: Tenant
) -> None:
    watched.then = lose_the_connection_of_a_group
    with waiting(clients, watched, tenant):
        answers = [clients.post(tenant, external_id=f"a-{n}") for n in range(4)]
        clients.wait_for(4)
    assert [answer.result().status for answer in answers] == [503] * 4
    assert {answer.result().json["code"] for answer in answers} == {"unavailable"}
    assert watched.sizes == [1, 4]
    assert Message.objects.count() == 5
    assert clients.post(tenant, external_id="next").result().status == 201


def test_an_account_whose_bulk_is_under_way_holds_up_nobody_else_in_the_group(
    clients: Clients, watched: Inserts, tenant: Tenant, other_tenant: Tenant
) -> None:
    other = other_tenant
    clients.server.post(URL, {"license__key": other.keys.license_key})
    with transaction.atomic():
        locks.lock_account(tenant.keys.account_id)
        with waiting(clients, watched, tenant):
            busy = clients.post(tenant, external_id="busy")
            quiet = [clients.post(other, external_id=f"quiet-{n}") for n in range(2)]
            clients.wait_for(3)
        assert [answer.result().status for answer in quiet] == [201, 201]
    assert busy.result().status == 201
    connections.close_all()


def test_a_request_with_an_idempotency_key_is_a_transaction_of_its_own(
    clients: Clients, watched: Inserts, tenant: Tenant
) -> None:
    with waiting(clients, watched, tenant):
        once = clients.post(tenant, "Idempotency-Key: k", external_id="once")
        wait_until(lambda: len(watched.sizes) == 2, "its own insert")
    assert once.result().status == 201
    assert watched.sizes == [1, 1]
