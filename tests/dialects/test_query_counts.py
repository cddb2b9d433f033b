"""What is done to a thousand messages asks the database no more often than what is done to ten."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.models import Batch, Message, OptOut
from messaging.services import housekeeping
from messaging.states import MessageState
from tests.conftest import Api, ManualClock, Tenant, note_use
from tests.dialects.smsend.conftest import MOUNT, logged_in

FEW, MANY = 10, 900
LATER = "20260410090000"


def queries(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        answer = work()
    assert answer is None or answer.status_code < 300, answer.content
    return len(captured)


@pytest.fixture
def smsend(api: Api, tenant: Tenant, manual_clock: ManualClock) -> Callable[..., Any]:
    headers = logged_in(tenant)

    def call(method: str, path: str, body: Any = None) -> Any:
        return api.client.generic(
            method, MOUNT + path, "" if body is None else json.dumps(body),
            content_type="application/json", headers=headers,
        )  # fmt: skip

    return call


def phones(count: int) -> list[str]:
    return [f"+4860010{number:04}" for number in range(count)]


def order(count: int, **fields: Any) -> dict[str, Any]:
    return {"message": "Hi", "recipient": phones(count), "order_id": f"o-{count}"} | fields


@pytest.mark.parametrize("path", ["sms/bulk", "sms/o-{0}"])
def test_smsend_cancels_as_many_as_there_are(smsend: Any, path: str) -> None:
    counts = []
    for count in (FEW, MANY):
        assert smsend("POST", "sms", order(count, scheduled_delivery_time=LATER)).status_code == 201
        counts.append(queries(lambda: smsend("DELETE", path.format(count))))  # noqa: B023 (called at once)
        assert not Message.objects.filter(status=MessageState.SCHEDULED).exists()
    assert counts[0] == counts[1]
    assert Message.objects.filter(status=MessageState.CANCELLED).count() == FEW + MANY


def test_more_than_a_piece_is_cancelled_in_pieces(
    smsend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.services.owner.PIECE", 4)
    smsend("POST", "sms", order(FEW, scheduled_delivery_time=LATER))
    assert smsend("DELETE", "sms/bulk").json()["total"] == FEW
    assert set(Message.objects.values_list("status", flat=True)) == {"cancelled"}


def test_smsend_opts_out_as_many_as_there_are(smsend: Any) -> None:
    counts = []
    for count in (FEW, MANY):
        smsend("POST", "sms", order(count, scheduled_delivery_time=LATER))
        counts.append(queries(lambda: smsend("POST", "blacklist/smsbatch", phones(count))))  # noqa: B023 (called at once)
    assert counts[0] == counts[1]
    assert OptOut.objects.count() == MANY
    assert not Message.objects.exclude(failure_reason="opted_out").exists()


def test_sms_by_takes_as_many_mailings_as_there_are(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    def call(method: str, **fields: Any) -> Any:
        return api.post(f"/api/v1/{method}", {"token": tenant.keys.token} | fields)

    def mailings(count: int) -> list[dict[str, Any]]:
        return [
            {"message_type": "bulk", "text": f"Hi {count}", "delivery_list": [phone]}
            for phone in phones(count)
        ]

    note_use(tenant)
    sent, shown = [], []
    for count in (FEW, MANY):
        wanted = mailings(count)
        sent.append(queries(lambda: call("sendBulkSms", messages=wanted)))  # noqa: B023 (called at once)
        uuid = Batch.objects.filter(parent=None).latest("pk").external_id
        shown.append(queries(lambda: call("statusBulkSms", uuid=uuid)))  # noqa: B023 (called at once)
    assert sent[0] == sent[1]
    assert shown[0] == shown[1]
    assert Message.objects.filter(batch__parent__isnull=False).count() == FEW + MANY


def test_as_many_expire_as_there_are(smsend: Any, manual_clock: ManualClock) -> None:
    counts = []
    for count in (FEW, 400):
        smsend("POST", "sms", order(count, validity_period=1))
        manual_clock.advance(hours=1)
        counts.append(queries(lambda: housekeeping.expire_overdue() and None))
    assert counts[0] == counts[1]
    assert set(Message.objects.values_list("status", flat=True)) == {"expired"}
