"""POST /bitrix24/<token>/robot/: an automation rule that waits for what becomes of its SMS."""

from __future__ import annotations

from typing import Any

import pytest

from bitrix24.models import Portal, StatusPush
from http_api import clock
from messaging.models import Message
from tests.bitrix24.conftest import posted, tell_all
from tests.bitrix24.fake_portal import APPLICATION_TOKEN, FakePortal
from tests.conftest import Api, ManualClock, refused

NUMBER = "+48600100200"
TOKEN = (
    "55c1dc1c3f0d75.78875596|A51601_82584_96831_81132|hsyUws1j4XiwqPqN45eH66CcQtEvpUIP." + "4" * 64
)


def rule(api: Api, token: str, number: str = NUMBER, event_token: str = TOKEN, **auth: str) -> Any:
    form = {
        "workflow_id": "6ab5bcfde8e8b0",
        "code": "smsgate",
        "document_id[0]": "crm",
        "document_id[2]": "DEAL_17",
        "event_token": event_token,
        "properties[phone]": number,
        "properties[text]": "Заказ №7 & доставка",
        "use_subscription": "Y",
        "timeout_duration": "0",
        "auth[application_token]": APPLICATION_TOKEN,
    }
    return posted(api, token, "robot", form | auth)


@pytest.fixture(autouse=True)
def _clock(manual_clock: ManualClock) -> None: ...


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("undelivered", "undelivered"),
        ("failed", "failed"),
        ("expired", "failed"),
        ("cancelled", "failed"),
    ],
)
def test_its_workflow_goes_on_with_the_first_final_state(
    api: Api, fake: FakePortal, token: str, portal: Portal, state: str, told: str
) -> None:
    assert rule(api, token, "+48 (600) 100-200").status_code == 200
    message = Message.objects.get()
    assert (message.phone, message.text) == (NUMBER, "Заказ №7 & доставка")
    for waiting in ("pending", "leased", "sending", "uncertain"):
        Message.objects.update(status=waiting)
        assert tell_all() == 0
    Message.objects.update(status=state, sent_at=clock.now())
    assert [tell_all(), tell_all()] == [1, 0]
    assert fake.answers == [(TOKEN, told, str(message.pk))]
    assert fake.statuses == []


def test_a_rule_that_does_not_wait_goes_on_at_once(
    api: Api, fake: FakePortal, token: str, portal: Portal
) -> None:
    rule(api, token, **{"properties[wait]": "N"})
    assert [tell_all(), tell_all()] == [1, 0]
    assert fake.answers == [(TOKEN, "queued", str(Message.objects.get().pk))]


def test_a_refusal_lets_the_workflow_go_on(
    api: Api, fake: FakePortal, token: str, portal: Portal
) -> None:
    assert rule(api, token, "12").json()["code"] == "invalid"
    tell_all()
    assert fake.answers == [(TOKEN, "failed", "")]


def test_what_stays_in_doubt_lets_the_workflow_go_on_after_a_week(
    api: Api, fake: FakePortal, token: str, portal: Portal, manual_clock: ManualClock
) -> None:
    rule(api, token)
    Message.objects.update(status="uncertain")
    for days in (6, 2):
        manual_clock.advance(days=days)
        tell_all()
    assert [status for _, status, _ in fake.answers] == ["unknown"]
    assert not StatusPush.objects.exists()


def test_the_same_step_is_sent_once(api: Api, token: str, portal: Portal) -> None:
    first, again = rule(api, token), rule(api, token)
    assert first.json() == again.json()
    assert rule(api, token, event_token=f"{TOKEN}x").json() != first.json()
    assert Message.objects.count() == 2


def test_only_the_portal_may_send_by_a_rule(api: Api, token: str, portal: Portal) -> None:
    wrong = {"auth[application_token]": "wrong"}
    refused(rule(api, token, **wrong), 403, "forbidden")
    refused(rule(api, token, event_token=""), 400, "invalid", "event_token")
    assert not Message.objects.exists()
