"""POST /companion/sync/: what one phone may say and hold."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from licenses import services
from licenses.models import Device
from messaging import tasks
from messaging.models import Event
from messaging.services import leasing, reports
from tests.conftest import Api, ManualClock, Phone, Tenant, refused
from tests.delivery import Wire, accept, event, status


@pytest.fixture
def wire(api: Api, phone: Phone) -> Wire:
    return Wire(api, phone)


# --- how often -----------------------------------------------------------------------------------


def test_a_phone_that_calls_without_end_is_told_when_to_call_again(
    api: Api, tenant: Tenant, phone: Phone, settings: Any, manual_clock: ManualClock
) -> None:
    settings.DEVICE_RATE_PER_MINUTE = 1
    answers = [api.post("/companion/sync/", {}, **phone.headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    refused(answers[-1], 429, "too_many_requests")
    assert answers[-1]["Retry-After"] == "60"
    manual_clock.advance(seconds=60)
    assert api.post("/companion/sync/", {}, **phone.headers).status_code == 200


def test_a_throttled_call_has_done_nothing(
    api: Api, tenant: Tenant, phone: Phone, settings: Any, manual_clock: ManualClock
) -> None:
    settings.DEVICE_RATE_PER_MINUTE = 1
    message_id = accept(api, tenant)
    wire = Wire(api, phone)
    wire.claim()
    wire.sync()
    said = {"events": [event("part_sent", message_id, part=1, parts=1)]}
    assert api.post("/companion/sync/", said, **phone.headers).status_code == 429
    assert status(message_id) == "leased"
    manual_clock.advance(seconds=60)
    wire.sync(**said)
    assert status(message_id) == "sent"


def test_a_revoked_phone_hears_401_also_where_it_would_be_throttled(
    api: Api, phone: Phone, settings: Any, manual_clock: ManualClock
) -> None:
    settings.DEVICE_RATE_PER_MINUTE = 1
    for _ in range(3):
        api.post("/companion/sync/", {}, **phone.headers)
    services.revoke(phone.device)
    refused(api.post("/companion/sync/", {}, **phone.headers), 401, "device_unknown")


# --- what it says --------------------------------------------------------------------------------


def test_the_same_word_on_a_part_is_stored_once(api: Api, tenant: Tenant, wire: Wire) -> None:
    message_id = accept(api, tenant)
    wire.claim()
    for _ in range(3):
        words = [event("part_sent", message_id, part=1, parts=2) for _ in range(50)]
        assert len(wire.report(*words)["acked"]) == 50
    assert Event.objects.count() == 1
    wire.report(event("part_sent", message_id, part=2, parts=2))
    assert status(message_id) == "sent"


@pytest.mark.parametrize(("part", "parts"), [(1, 256), (256, 256), (32_000, 32_000)])
def test_an_sms_has_at_most_255_parts(
    api: Api, tenant: Tenant, wire: Wire, part: int, parts: int
) -> None:
    message_id = accept(api, tenant)
    wire.claim()
    wire.report(event("part_sent", message_id, part=part, parts=parts))
    assert status(message_id) == "leased"
    assert Event.objects.get().quarantine == "malformed"


def test_quarantined_reports_of_a_phone_are_kept_up_to_a_number(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_QUARANTINED", 5)
    for _ in range(3):
        odd = [event("started", 10**9, n) for n in range(4)]
        assert len(wire.report(*odd)["acked"]) == 4
    assert Event.objects.exclude(quarantine="").count() == 5


def test_a_report_that_counts_is_kept_beside_a_full_quarantine(
    api: Api, tenant: Tenant, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_QUARANTINED", 0)
    message_id = accept(api, tenant)
    wire.claim()
    odd = event("started", 10**9)
    wire.report(odd, event("part_sent", message_id, part=1, parts=1), odd | {"event_id": "x"})
    assert status(message_id) == "sent"
    assert not Event.objects.exclude(quarantine="").exists()


def test_quarantined_reports_end_after_thirty_days(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    wire.claim()
    wire.report(event("started", 10**9), event("started", message_id))
    manual_clock.advance(days=31)
    tasks.erase_old()
    assert [kept.message_id for kept in Event.objects.all()] == [message_id]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"battery": 5, "charging": True}, {"battery": 5, "charging": True}),
        ({"battery": {"deep": [[[[]]]]}, "queue": 3}, {"queue": 3}),
        ({"battery": 400, "network": "wifi"}, {"network": "wifi"}),
        ({"network": "x" * 65, "diary": "x" * 200_000}, {}),
        ({"sims": [{"slot": 0, "carrier": "A", "more": 1}]}, {"sims": [{"slot": 0, "carrier": "A"}]}),
        ({"sims": [{}] * 9}, {}),
        ({"permissions": {"send_sms": False, "x": "y" * 9}}, {}),
        ({"permissions": {str(n): True for n in range(33)}}, {}),
    ],
)  # fmt: skip
def test_of_a_phone_s_health_what_is_known_is_kept(
    wire: Wire, phone: Phone, said: dict[str, Any], kept: dict[str, Any]
) -> None:
    wire.sync(health=said)
    assert Device.objects.get(pk=phone.device.pk).health == kept


@pytest.mark.parametrize("said", [1, "good", [], [{"battery": 80}], True])
def test_a_health_that_is_none_refuses_no_report(wire: Wire, phone: Phone, said: Any) -> None:
    wire.sync(health={"battery": 80})
    answer = wire.sync(health=said, events=[event("started", 10**9)])
    assert len(answer["acked"]) == 1
    assert Device.objects.get(pk=phone.device.pk).health == {"battery": 80}


@pytest.mark.parametrize(("count", "expected"), [(1000, 200), (1001, 400)])
def test_a_phone_asks_about_at_most_1000_messages(
    api: Api, phone: Phone, count: int, expected: int
) -> None:
    held = [{"message_id": n + 1, "attempt": 1} for n in range(count)]
    response = api.post("/companion/sync/", {"held": held}, **phone.headers)
    assert response.status_code == expected


# --- what it holds -------------------------------------------------------------------------------


def test_a_phone_that_starts_nothing_holds_no_more_than_its_share(
    api: Api, tenant: Tenant, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leasing, "MAX_UNSTARTED", 5)
    ids = [accept(api, tenant, f"a-{n}") for n in range(8)]
    assert [len(wire.claim(3)) for _ in range(3)] == [3, 2, 0]
    wire.report(event("started", ids[0]), event("released", ids[1]))
    assert len(wire.claim(3)) == 2


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_late_copy_of_a_claim_that_got_nothing_leases_nothing(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone, is_paused: bool
) -> None:
    """The phone asked, asked again under the same id when it could send nothing, and forgot the id; then
    the network delivers the first copy."""
    accept(api, tenant)
    claim_id = str(uuid4())
    Device.objects.filter(pk=phone.device.pk).update(is_paused=is_paused)
    assert wire.sync(claim_id=claim_id, capacity=3 if is_paused else 0)["messages"] == []
    Device.objects.filter(pk=phone.device.pk).update(is_paused=False)
    assert wire.sync(claim_id=claim_id, capacity=3)["messages"] == []
    assert len(wire.claim(3)) == 1
