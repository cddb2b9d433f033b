"""Whoever waits for a lock of his own account, or tries wrong keys, holds up nobody else."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from licenses import services
from licenses.models import DailyUsage
from messaging import locks
from tests.conftest import Api, Tenant, in_threads, pair_phone, provisioned, refused
from tests.http_api.live import Server


@contextmanager
def account_locked(tenant: Tenant) -> Iterator[None]:
    """Another transaction holds the account's lock, and the row of its day's count, as a bulk does."""
    is_locked, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            locks.lock_account(tenant.keys.account_id)
            list(DailyUsage.objects.select_for_update().filter(account=tenant.keys.account_id))
            is_locked.set()
            assert may_end.wait(30)

    holder = threading.Thread(target=in_threads, args=([hold], 1))
    holder.start()
    assert is_locked.wait(10)
    try:
        yield
    finally:
        may_end.set()
        holder.join()


@pytest.mark.django_db(transaction=True)
def test_requests_that_wait_for_their_accounts_lock_hold_no_threads(
    server: Server, tenant: Tenant, other_tenant: Tenant
) -> None:
    """Twenty of them, and eight threads: the other account's message is accepted meanwhile."""
    person = tenant.with_keys(name="Jan", phone="+48123456789")
    body = json.dumps(person).encode()
    with account_locked(tenant):
        wires = [server.wire() for _ in range(20)]
        opened = [wire.__enter__() for wire in wires]
        for wire in opened:
            wire.send(
                b"POST /api/contacts/contacts/ HTTP/1.1\r\nHost: x\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body) + body
            )
        for number in range(5):
            answer = server.post("/api/messages/", other_tenant.message(f"quiet-{number}"))
            assert answer.status == 201
    statuses = [wire.answer().status for wire in opened]
    for one in wires:
        one.__exit__(None, None, None)
    assert sorted(statuses) == [200] * 19 + [201]


@pytest.mark.django_db(transaction=True)
def test_sends_that_wait_for_the_count_of_a_bulk_hold_no_threads(
    server: Server, tenant: Tenant, other_tenant: Tenant
) -> None:
    busy = [tenant, provisioned("Carl")]
    for each in busy:
        each.set_rules(max_daily_sms=1_000)
        assert server.post("/api/messages/", each.message("known")).status == 201
    with ThreadPoolExecutor(20) as clients:
        with account_locked(busy[0]), account_locked(busy[1]):
            waiting = []
            for each, number in itertools.product(busy, range(10)):
                headers = [f"Idempotency-Key: {number}"] if number % 2 else []
                body = each.message(f"n-{number}")
                waiting.append(clients.submit(server.post, "/api/messages/", body, *headers))
            for number in range(5):
                answer = server.post("/api/messages/", other_tenant.message(f"quiet-{number}"))
                assert answer.status == 201
        assert {answer.result().status for answer in waiting} == {201}


@pytest.mark.django_db(transaction=True)
def test_a_lock_that_is_not_had_in_time_is_503_with_a_time_to_repeat(
    api: Api, tenant: Tenant
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")  # as web processes do, for 2 s
    try:
        with account_locked(tenant):
            bulk = api.post("/api/messages/bulk/", tenant.bulk([tenant.message("a")]))
            single = api.post(
                "/api/contacts/contacts/", tenant.with_keys(name="Jan", phone="+48123456789")
            )
    finally:
        connection.close()
    for answer in (bulk, single):
        assert "busy" in refused(answer, 503, "unavailable")["message"]
        assert answer["Retry-After"] == "2"


def test_a_revoked_phone_hears_so_though_its_address_has_tried_many_keys(
    api: Api, tenant: Tenant
) -> None:
    phone = pair_phone(tenant)
    services.revoke(phone.device)
    wrong = {"Authorization": "Bearer WRNGWRNGWRNG"}
    tries = [api.client.get("/api/me/", headers=wrong).status_code for _ in range(25)]
    assert tries[-1] == 429
    for _ in range(25):
        refused(api.post("/companion/sync/", {}, **phone.headers), 401, "device_unknown")
    tries = [api.client.get("/api/me/", headers=wrong).status_code for _ in range(2)]
    assert tries == [429, 429]


@pytest.mark.django_db(transaction=True)
def test_long_polls_with_wrong_tokens_are_always_401(server: Server) -> None:
    for number in range(40):
        answer = server.request(
            "GET", "/companion/wait/", b"", f"Authorization: Bearer wrong-{number}"
        )
        assert (answer.status, answer.json["code"]) == (401, "device_unknown")
