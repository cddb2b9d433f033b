"""/healthz, /readyz and /metrics: what machines ask."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from bitrix24 import portals
from bitrix24.models import Portal
from http_api import redis
from licenses.models import Device
from messaging import queue_metrics, tasks
from messaging.models import Message
from tests.conftest import Api, ManualClock, Phone, Tenant
from tests.delivery import Wire, accept, sent

TOKEN = "a token for metrics"


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(redis, "_gone_since", None)


def no_database(*_: Any, **__: Any) -> Any:
    raise OperationalError


# --- /healthz, /readyz -------------------------------------------------------------------------


def test_healthz_asks_nobody(api: Api, db: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = api.client.get("/healthz/")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert len(queries) == 0


def test_readyz_is_ok_where_everything_is(api: Api, phone: Phone) -> None:
    tasks.promote()
    response = api.client.get("/readyz/")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok", "database": "ok", "redis": "ok", "worker": "ok",
        "retention": "ok", "phones": "ok",
    }  # fmt: skip


def test_a_silent_worker_degrades(api: Api, phone: Phone) -> None:
    response = api.client.get("/readyz/")
    assert response.status_code == 200
    assert (response.json()["status"], response.json()["worker"]) == ("degraded", "silent")


def test_no_redis_degrades(
    api: Api, phone: Phone, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis.client.cache_clear()
    try:
        response = api.client.get("/readyz/")
    finally:
        redis.client.cache_clear()
    assert response.status_code == 200
    assert response.json() == {
        "status": "degraded", "database": "ok", "redis": "gone", "worker": "unknown",
        "retention": "unknown", "phones": "ok",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("silent", "words", "status"),
    [(0, "ok", "ok"), (1, "some silent", "degraded"), (2, "all silent", "degraded")],
)
def test_silent_phones_degrade(
    api: Api, tenant: Tenant, manual_clock: ManualClock, silent: int, words: str, status: str
) -> None:
    tasks.promote()
    for number in range(2):
        Device.objects.create(
            license=tenant.license, name="x", install_id=str(number), token_digest=str(number),
            silent_since=manual_clock.now if number < silent else None,
        )  # fmt: skip
    response = api.client.get("/readyz/")
    assert (response.status_code, response.json()["phones"]) == (200, words)
    assert response.json()["status"] == status


def test_no_database_is_503_and_the_process_is_still_alive(
    api: Api, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", no_database)
        for path in ("/readyz/", "/metrics/"):
            response = api.client.get(path, headers={"Authorization": f"Bearer {TOKEN}"})
            assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert api.client.get("/healthz/").status_code == 200


# --- /metrics ----------------------------------------------------------------------------------


def scrape(api: Api) -> dict[tuple[str, tuple[str, ...]], float]:
    response = api.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200, response.content
    assert response["Content-Type"].startswith("text/plain")
    families = text_string_to_metric_families(response.content.decode())
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.parametrize("header", ["", TOKEN, f"Basic {TOKEN}", "Bearer wrong", "Bearer é"])
def test_metrics_need_their_token(api: Api, db: None, header: str) -> None:
    response = api.client.get("/metrics/", headers={"Authorization": header})
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response.json()["code"] == "invalid_key"


def test_the_token_of_the_metrics_is_not_guessed_without_end(
    api: Api, db: None, settings: Any
) -> None:
    settings.FAILED_KEYS_PER_MINUTE = 2
    headers = {"Authorization": "Bearer wrong"}
    answers = [api.client.get("/metrics/", headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[2]["Retry-After"]) > 0
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert api.client.get("/metrics/", headers=right).status_code == 200


def test_without_a_token_of_its_own_nobody_gets_metrics(api: Api, db: None, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    for header in ("", "Bearer ", "Bearer"):
        assert api.client.get("/metrics", headers={"Authorization": header}).status_code == 401


def test_a_licence_key_opens_no_metrics(api: Api, tenant: Tenant) -> None:
    assert api.client.get("/metrics", headers=tenant.headers).status_code == 401


def test_it_counts_what_waits_and_what_became_of_it(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    first, second, _later = (
        accept(api, tenant, "a"),
        accept(api, tenant, "b"),
        accept(api, tenant, "c", send_after="2030-01-01T00:00:00Z"),
    )
    manual_clock.advance(seconds=90)
    figures_now = scrape(api)
    assert figures_now["smsgate_messages", ("pending",)] == 2
    assert figures_now["smsgate_messages", ("scheduled",)] == 1
    assert figures_now["smsgate_oldest_pending_seconds", ()] == 90
    wire = Wire(api, phone)
    wire.claim(1)
    wire.report(*sent(first))
    manual_clock.advance(seconds=30)
    tasks.count_states()
    figures_now = scrape(api)
    assert figures_now["smsgate_messages", ("pending",)] == 1
    assert figures_now["smsgate_messages", ("leased",)] == 0

    def reached(state: str) -> float:
        return figures_now["smsgate_messages_reached_total", (state,)]

    states = ("accepted", "leased", "sent", "failed")
    assert [reached(state) for state in states] == [3, 1, 1, 0]
    device = (str(phone.device.pk), str(tenant.license.pk))
    synced = figures_now["smsgate_device_last_sync_timestamp_seconds", device]
    assert manual_clock.now.timestamp() - synced == 30
    assert figures_now["smsgate_device_silent", device] == 0
    assert second


def test_the_oldest_is_found_behind_younger_licences_and_priorities(
    api: Api, tenant: Tenant, other_tenant: Tenant, manual_clock: ManualClock
) -> None:
    assert queue_metrics.oldest_due() is None
    for owner, priority in ((tenant, 5), (other_tenant, 5), (other_tenant, 1), (tenant, 9)):
        for name in ("head", "behind"):
            accept(api, owner, f"{name}-{priority}", priority=priority)
            manual_clock.advance(seconds=10)
    first = manual_clock.now - dt.timedelta(seconds=80)
    assert queue_metrics.oldest_due() == first
    Message.objects.filter(license=tenant.license, priority=5).update(status="cancelled")
    assert queue_metrics.oldest_due() == first + dt.timedelta(seconds=20)
    Message.objects.filter(license=other_tenant.license, priority=5).update(status="cancelled")
    assert queue_metrics.oldest_due() == first + dt.timedelta(seconds=40)


def test_it_times_requests_by_route_and_status(api: Api, tenant: Tenant) -> None:
    key = ("smsgate_request_seconds_count", ("POST", "api/messages/", "201"))
    before = scrape(api).get(key, 0)
    accept(api, tenant)
    assert scrape(api)[key] == before + 1


def test_metrics_tell_nothing_about_anybody(api: Api, tenant: Tenant, phone: Phone) -> None:
    """No name, no number, no text, no key; a route and not a path."""
    accept(api, tenant, message="Geheimnis")
    api.client.get("/api/opt-outs/+48123456789/", headers=tenant.headers)
    api.client.get("/nothing/+48123456789?phone=+48123456789")
    response = api.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    text = response.content.decode()
    for secret in ("48123456789", "Geheimnis", "Pixel", "Alice", tenant.keys.license_key, "?phone"):
        assert secret not in text
    assert set(re.findall(r"(\w+)=\"", text)) <= {
        "state", "device", "license", "method", "route", "status", "le", "version",
    }  # fmt: skip


def test_looking_costs_few_queries_and_no_scan_of_a_whole_table(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    """With many finished messages every plan is an index's, and reads only what it counts."""
    message_id = accept(api, tenant)
    row = Message.objects.get(pk=message_id)
    rows = [
        Message(**{f.attname: getattr(row, f.attname) for f in row._meta.fields if f.name != "id"})
        for _ in range(3_000)
    ]
    for number, copy in enumerate(rows):
        copy.external_id, copy.status = f"old-{number}", "failed"
    Message.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messaging_message")
    manual_clock.advance(seconds=60)
    scrape(api)
    with CaptureQueriesContext(connection) as queries:
        scrape(api)
    assert len(queries) <= 14
    asked = [query["sql"] for query in queries if "messaging_" in query["sql"]]
    assert len(asked) == len(queue_metrics.WATCHED) + 5
    for sql in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Seq Scan on messaging_message" not in plan, plan


def test_a_portal_that_refuses_us_is_worth_an_alarm(api: Api, tenant: Tenant) -> None:
    for state in Portal.State.values:
        portal = portals.by_link(portals.create(tenant.license))
        Portal.objects.filter(pk=portal.pk).update(state=state)
    shown = {
        Portal.objects.get(pk=labels[-1]).state: value
        for (name, labels), value in scrape(api).items()
        if name == "smsgate_bitrix24_portal_broken"
    }
    assert shown == {"waiting": 0, "incomplete": 0, "active": 0, "broken": 1}
