"""POST /companion/sync/: claims."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from http_api import clock
from http_api.errors import ApiError
from licenses import services
from licenses.models import Device
from messaging.exchange import SyncRequest
from messaging.models import Event, Message, OptOut
from messaging.services import opt_outs
from messaging.services.sync import sync
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone
from tests.delivery import Wire, accept, event, history, sent, status


def test_a_claim_answers_every_field(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant, message="Cześć", priority=7)
    answer = Wire(api, phone).sync(claim_id=str(uuid4()), capacity=5)
    assert answer == {
        "acked": [],
        "messages": [
            {
                "message_id": message_id,
                "attempt": 1,
                "phone": "+48123456789",
                "text": "Cześć",
                "sim": None,
                "priority": 7,
                "start_within_seconds": 600,
            }
        ],
        "cancel": [],
        "paused": False,
        "next_sync_seconds": 60,
        "pace_seconds": 10,
        "segments_per_minute": 24,
        "sync_number": 1,
        "server_time": "2026-04-09T14:32:00Z",
    }
    assert history(message_id) == [("pending", "leased")]


def test_an_idle_phone_comes_back_in_15_minutes(api: Api, tenant: Tenant, phone: Phone) -> None:
    assert Wire(api, phone).sync(capacity=5)["next_sync_seconds"] == 900


def test_high_priority_goes_first_then_the_oldest(api: Api, tenant: Tenant, phone: Phone) -> None:
    ids = [accept(api, tenant, f"a-{n}", priority=p) for n, p in enumerate([1, 9, 5, 9])]
    claimed = [message["message_id"] for message in Wire(api, phone).claim()]
    assert claimed == [ids[1], ids[3], ids[2], ids[0]]


@pytest.mark.parametrize("capacity", [0, 1, 3, 50])
def test_no_more_than_the_capacity(api: Api, tenant: Tenant, phone: Phone, capacity: int) -> None:
    for n in range(4):
        accept(api, tenant, f"a-{n}")
    assert len(Wire(api, phone).claim(capacity)) == min(4, capacity)


@pytest.mark.parametrize(
    ("capacity", "expected"), [(-1, 400), (0, 200), (50, 200), (51, 400), (True, 400), ("5", 200)]
)
def test_a_capacity_is_0_to_50(api: Api, phone: Phone, capacity: Any, expected: int) -> None:
    body = {"claim_id": str(uuid4()), "capacity": capacity}
    response = api.post("/companion/sync/", body, **phone.headers)
    assert response.status_code == expected
    assert expected == 200 or list(response.json()["errors"]) == ["capacity"]


@pytest.mark.parametrize(("count", "expected"), [(200, 200), (201, 400)])
def test_a_call_carries_at_most_200_events(
    api: Api, phone: Phone, count: int, expected: int
) -> None:
    events = [event("started", 1, n) for n in range(count)]
    response = api.post("/companion/sync/", {"events": events}, **phone.headers)
    assert response.status_code == expected
    assert Event.objects.count() == (count if expected == 200 else 0)


def test_a_call_has_at_most_256_kib(api: Api, phone: Phone) -> None:
    for path in ("/companion/sync/", "/companion/sync"):
        assert api.raw(path, b"{}".ljust(256 * 1024), **phone.headers).status_code == 200
        assert api.raw(path, b"{}".ljust(256 * 1024 + 1), **phone.headers).status_code == 413


def test_a_repeated_claim_gets_the_same_again_and_never_new_ones(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    first = accept(api, tenant, "a-1")
    wire, claim_id = Wire(api, phone), str(uuid4())
    assert [m["message_id"] for m in wire.sync(claim_id=claim_id, capacity=5)["messages"]] == [
        first
    ]
    accept(api, tenant, "a-2")
    again = wire.sync(claim_id=claim_id, capacity=5)["messages"]
    assert [(m["message_id"], m["attempt"]) for m in again] == [(first, 1)]


def test_a_repeated_empty_claim_stays_empty(api: Api, tenant: Tenant, phone: Phone) -> None:
    wire, claim_id = Wire(api, phone), str(uuid4())
    assert wire.sync(claim_id=claim_id, capacity=5)["messages"] == []
    accept(api, tenant)
    assert wire.sync(claim_id=claim_id, capacity=5)["messages"] == []
    assert len(wire.claim()) == 1


def test_a_claim_repeated_after_its_lease_is_to_be_given_back(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    wire, claim_id = Wire(api, phone), str(uuid4())
    wire.sync(claim_id=claim_id, capacity=5)
    manual_clock.advance(minutes=20)
    [again] = wire.sync(claim_id=claim_id, capacity=5)["messages"]
    assert (again["message_id"], again["start_within_seconds"]) == (message_id, 0)


def test_a_paused_phone_gets_nothing_new_and_gives_back_what_it_asks_for_again(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    accept(api, tenant, "a-1")
    wire, claim_id = Wire(api, phone), str(uuid4())
    wire.sync(claim_id=claim_id, capacity=1)
    phone.device.is_paused = True
    phone.device.save()
    accept(api, tenant, "a-2")
    answer = wire.sync(claim_id=claim_id, capacity=1)
    assert answer["paused"] is True
    assert [m["start_within_seconds"] for m in answer["messages"]] == [0]
    assert wire.claim() == []


def test_a_phone_of_an_inactive_licence_reports_but_gets_nothing(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    wire = Wire(api, phone)
    first = accept(api, tenant, "a-1")
    wire.claim()
    accept(api, tenant, "a-2")
    license = tenant.license
    license.is_active = False
    license.save()
    assert wire.sync(claim_id=str(uuid4()), capacity=5)["paused"] is True
    wire.report(*sent(first))
    assert status(first) == "sent"


def test_send_before_shortens_the_time_to_start(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    accept(api, tenant, send_before="2026-04-09T14:36:30Z")
    [message] = Wire(api, phone).claim()
    assert message["start_within_seconds"] == 270


def test_the_end_of_the_sending_hours_shortens_the_time_to_start(
    api: Api, manual_clock: ManualClock, db: None
) -> None:
    tenant = Tenant(services.provision("Hours", **_hours(9, 17)))
    phone = pair_phone(tenant)
    manual_clock.now = manual_clock.now.replace(hour=14, minute=55)  # 16:55 in Warsaw
    accept(api, tenant)
    [message] = Wire(api, phone).claim()
    assert message["start_within_seconds"] == 300


def test_outside_the_sending_hours_only_what_its_owner_put_there(
    api: Api, manual_clock: ManualClock, db: None
) -> None:
    tenant = Tenant(services.provision("Hours", **_hours(9, 17)))
    phone = pair_phone(tenant)
    waiting = accept(api, tenant, "inside")
    chosen = accept(api, tenant, "chosen", send_after="2026-04-09T20:00:00")
    manual_clock.now = manual_clock.now.replace(hour=18, minute=30)  # 20:30 in Warsaw
    assert [m["message_id"] for m in Wire(api, phone).claim()] == [chosen]
    manual_clock.advance(hours=13)  # 9:30 the next morning
    assert [m["message_id"] for m in Wire(api, phone).claim()] == [waiting]


def _hours(opens: int, closes: int) -> dict[str, Any]:
    return {"sending_hours": f"{opens:02}:00-{closes:02}:00"}


def test_an_opt_out_and_a_deadline_are_checked_once_more_at_the_claim(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    late = accept(api, tenant, "late", send_before="2026-04-09T14:40:00Z")
    unwanted = accept(api, tenant, "unwanted", phone="+48123456781")
    good = accept(api, tenant, "good", phone="+48123456780")
    Message.objects.filter(pk=good).update(priority=1)
    # as where an opt-out and an accepted message did not see each other
    OptOut.objects.create(
        account=tenant.account, phone="+48123456781", source="sms", created_at=manual_clock.now
    )
    manual_clock.advance(minutes=30)
    assert [m["message_id"] for m in Wire(api, phone).claim(1)] == [good]
    assert history(late) == [("pending", "expired")]
    assert history(unwanted) == [("pending", "cancelled")]
    assert Message.objects.get(pk=unwanted).failure_reason == "opted_out"


def test_what_is_cancelled_while_a_phone_holds_it_is_asked_back(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    wire = Wire(api, phone)
    message_id = accept(api, tenant)
    wire.claim()
    assert api.delete(f"/api/messages/{message_id}/", tenant).status_code == 202
    held = [{"message_id": message_id, "attempt": 1}]
    assert wire.sync(capacity=0, held=held)["cancel"] == [message_id]
    wire.report(event("released", message_id, code="cancelled"))
    assert status(message_id) == "cancelled"


def test_a_claim_repeated_after_its_message_was_cancelled_is_to_be_given_back(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    wire, claim_id = Wire(api, phone), str(uuid4())
    message_id = accept(api, tenant)
    wire.sync(claim_id=claim_id, capacity=5)
    assert api.delete(f"/api/messages/{message_id}/", tenant).status_code == 202
    [again] = wire.sync(claim_id=claim_id, capacity=5)["messages"]
    assert (again["message_id"], again["start_within_seconds"]) == (message_id, 0)
    wire.report(event("released", message_id, code="window_closed"))
    assert status(message_id) == "cancelled"


def test_a_claim_repeated_after_an_earlier_attempt_proved_sending_is_to_be_given_back(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    """The answer to the second claim was lost; sent again, the message would come twice."""
    first, second = Wire(api, phone), Wire(api, pair_phone(tenant, "install-2"))
    message_id, claim_id = accept(api, tenant), str(uuid4())
    first.claim()
    first.report(event("released", message_id))
    manual_clock.advance(minutes=2)
    [lost] = second.sync(claim_id=claim_id, capacity=5)["messages"]
    assert (lost["attempt"], lost["start_within_seconds"]) == (2, 600)
    first.report(*sent(message_id))
    [again] = second.sync(claim_id=claim_id, capacity=5)["messages"]
    assert (again["attempt"], again["start_within_seconds"]) == (2, 0)
    second.report(event("released", message_id, 2))
    assert status(message_id) == "sent"


def test_a_phone_that_was_replaced_while_it_asked_gets_nothing(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    """Its token was good when the request came, and is void when the claim has the phone's row."""
    message_id = accept(api, tenant)
    as_authenticated = Device.objects.select_related("license__account").get(pk=phone.device.pk)
    code = services.new_pairing_code(tenant.license, replaces=phone.device).code
    services.pair(code, install_id="new install")
    with pytest.raises(ApiError) as refused:
        sync(as_authenticated, SyncRequest(capacity=5, claim_id=uuid4()))
    assert refused.value.code == "device_unknown"
    assert status(message_id) == "pending"


def test_an_opt_out_asks_back_what_a_phone_holds(api: Api, tenant: Tenant, phone: Phone) -> None:
    wire = Wire(api, phone)
    held_id, waiting_id = accept(api, tenant, "a"), accept(api, tenant, "b")
    wire.claim(1)
    opt_outs.opt_out(tenant.account.pk, "+48123456789", opt_outs.Source.API)
    assert status(waiting_id) == "cancelled"
    held = [{"message_id": held_id, "attempt": 1}]
    assert wire.sync(capacity=0, held=held)["cancel"] == [held_id]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
def test_a_wrong_token_is_401(api: Api, db: None, headers: dict[str, str]) -> None:
    response = api.post("/companion/sync/", {"capacity": 1}, **headers)
    assert response.status_code == 401
    assert response.json()["code"] == "device_unknown"


def test_another_accounts_phone_gets_nothing(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    message_id = accept(api, tenant)
    stranger = Wire(api, pair_phone(other_tenant))
    assert stranger.claim() == []
    stranger.report(*sent(message_id))
    assert status(message_id) == "pending"


@pytest.mark.django_db(transaction=True)
def test_eight_phones_share_2000_messages_without_one_twice() -> None:
    tenant = Tenant(services.provision("Races"))
    now = clock.now()
    Message.objects.bulk_create(
        Message(
            account_id=tenant.account.pk,
            license_id=tenant.license.pk,
            external_id=f"m-{n}",
            phone="+48123456789",
            text="x",
            status="pending",
            due_at=now,
            any_hour=False,
            parts=1,
            encoding="gsm7",
            created_at=now,
        )
        for n in range(2000)
    )
    claimed: list[int] = []

    def drain(number: int) -> None:
        wire = Wire(Api(), pair_phone(tenant, f"install-{number}"))
        try:
            started: list[dict[str, Any]] = []
            while messages := wire.sync(claim_id=str(uuid4()), capacity=20, events=started)[
                "messages"
            ]:
                claimed.extend(message["message_id"] for message in messages)
                started = [event("started", message["message_id"]) for message in messages]
        finally:
            connection.close()

    threads = [threading.Thread(target=drain, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == 2000
    assert len(set(claimed)) == 2000
