"""A SIM that cannot send: its phone says so, or the server sees it; it does not use up the queue."""

from __future__ import annotations

import json
import logging
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from companion_api import wait
from http_api import clock
from licenses import services
from licenses.models import Device
from messaging import leases
from messaging.models import Message
from protocol import NOT_THE_SIM
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone
from tests.delivery import Wire, accept, event, sent, status


@pytest.fixture
def wire(api: Api, phone: Phone) -> Wire:
    return Wire(api, phone)


def number(n: int) -> str:
    return f"+4860010020{n % 10}"


def fill(api: Api, tenant: Tenant, count: int, numbers: int = 10, sim: int | None = None) -> None:
    for n in range(count):
        message_id = accept(api, tenant, f"m-{n}", phone=number(n % numbers))
        if sim is not None:  # the native API has no field for it; the dialects do
            Message.objects.filter(pk=message_id).update(sim=sim)


def fails(wire: Wire, times: int, code: str = "generic_failure") -> int:
    """Take one message at a time and fail it; answers how many there were to take."""
    for done in range(times):
        taken = wire.claim(1)
        if not taken:
            return done
        of = taken[0]["message_id"], taken[0]["attempt"]
        wire.report(
            event("started", *of, parts=1), event("part_failed", *of, part=1, parts=1, code=code)
        )
    return times


def failing(phone: Phone) -> Any:
    return Device.objects.get(pk=phone.device.pk).failing_sims


# --- what the phone says ---------------------------------------------------------------------------


def test_for_the_sims_that_a_phone_names_it_gets_nothing(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone
) -> None:
    fill(api, tenant, 1)
    fill_other = accept(api, tenant, "other", phone=number(5))
    Message.objects.filter(pk=fill_other).update(sim=1)

    def claim(failing_sims: list[int | None]) -> list[int | None]:
        answer = wire.sync(claim_id=str(uuid4()), capacity=5, failing_sims=failing_sims)
        return [message["sim"] for message in answer["messages"]]

    assert claim([0, None, 1]) == []
    assert claim([0, None]) == [1]
    assert failing(phone) == [None, 0]
    assert claim([]) == [None]
    assert failing(phone) == []


def test_a_long_poll_does_not_wake_a_phone_for_them(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone
) -> None:
    fill(api, tenant, 1)
    assert wait.look(phone.token).is_ready
    wire.sync(failing_sims=[0, None])
    assert not wait.look(phone.token).is_ready
    ahead = leases.look_ahead(
        tenant.license.pk, before=clock.now(), only_any_hour=False, not_for=[None]
    )
    assert ahead == (False, None)


@pytest.mark.parametrize("said", [[-1], [32_768], ["x"], [[]], [0] * 10, {}])
def test_sims_that_no_phone_has_are_refused(api: Api, phone: Phone, said: Any) -> None:
    response = api.post("/companion/sync/", {"failing_sims": said}, **phone.headers)
    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["failing_sims"]


def test_everybody_who_asks_is_told(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone, admin_client: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    with caplog.at_level(logging.WARNING):
        wire.sync(failing_sims=[0, None], health={"sims": [{"slot": 0, "paused": "sim_failing"}]})
        wire.sync(failing_sims=[0, None])
    said = [record.getMessage() for record in caplog.records if "cannot send" in record.message]
    assert len(said) == 2, "once for each SIM, not with each call"
    assert api.get("/api/me/", tenant).json()["devices"][0]["failing_sims"] == [None, 0]
    assert json.loads(api.client.get("/readyz/").content)["phones"] == "a SIM cannot send"
    listed = admin_client.get(reverse("admin:licenses_device_changelist")).content.decode()
    assert "a SIM cannot send" in listed


# --- what the server sees --------------------------------------------------------------------------


def test_a_phone_that_goes_on_is_given_nothing_more(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone, manual_clock: ManualClock
) -> None:
    fill(api, tenant, 12)
    assert fails(wire, 12) == 8
    assert failing(phone) == [None]
    assert not wait.look(phone.token).is_ready


def test_after_a_while_it_is_tried_with_one_message_at_a_time(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone, manual_clock: ManualClock
) -> None:
    fill(api, tenant, 14)
    fails(wire, 8)
    for minutes in (15, 30, 60):
        manual_clock.advance(minutes=minutes, seconds=-1)
        assert wire.claim(5) == []
        manual_clock.advance(seconds=1)
        [taken] = wire.claim(5)
        wire.report(
            event("part_failed", taken["message_id"], taken["attempt"], part=1, parts=1, code="x")
        )
        assert failing(phone) == [None]
    manual_clock.advance(hours=2)
    [taken] = wire.claim(5)
    wire.report(*sent(taken["message_id"], taken["attempt"]))
    assert failing(phone) == []
    assert len(wire.claim(5)) == 2


def test_while_one_sim_is_tried_the_other_goes_on(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone, manual_clock: ManualClock
) -> None:
    fill(api, tenant, 11, sim=1)
    fails(wire, 8)
    manual_clock.advance(minutes=15)
    for n in range(8):
        accept(api, tenant, f"other-{n}", phone=number(n))
    assert [message["sim"] for message in wire.claim(1)] == [1]
    taken = [message["sim"] for message in wire.claim(6)]
    assert sorted(taken, key=str) == [1] + [None] * 5
    manual_clock.advance(hours=1)
    Message.objects.filter(sim=1, status="pending").update(status="cancelled")
    assert [message["sim"] for message in wire.claim(6)] == [None] * 3, (
        "with nothing to try it with"
    )


def test_what_it_holds_for_that_sim_is_asked_back(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    fill(api, tenant, 10)
    taken = [(m["message_id"], m["attempt"]) for m in wire.claim(10)]
    wire.report(
        *(event("part_failed", *of, part=1, parts=1, code="generic_failure") for of in taken[:8])
    )
    held = [{"message_id": message_id, "attempt": n} for message_id, n in taken[8:]]
    assert wire.sync(held=held)["cancel"] == [message_id for message_id, _ in taken[8:]]
    wire.report(event("released", *taken[8], code="cancelled"))
    assert status(taken[8][0]) == "scheduled"


def test_one_recipient_who_cannot_be_reached_stops_nothing(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone
) -> None:
    fill(api, tenant, 12, numbers=2)
    assert fails(wire, 12) == 12
    assert failing(phone) == []


def test_a_success_in_between_begins_the_count_anew(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone
) -> None:
    fill(api, tenant, 16)
    fails(wire, 7)
    [taken] = wire.claim(1)
    wire.report(*sent(taken["message_id"]))
    assert fails(wire, 7) == 7
    assert failing(phone) == []


@pytest.mark.parametrize("code", sorted(NOT_THE_SIM))
def test_codes_about_the_message_do_not_count(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone, code: str
) -> None:
    fill(api, tenant, 10)
    assert fails(wire, 10, code) == 10
    assert failing(phone) == []


def test_another_phone_and_another_sim_go_on(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone
) -> None:
    fill(api, tenant, 10, sim=0)
    assert fails(wire, 10) == 8
    accept(api, tenant, "default")
    assert [message["sim"] for message in wire.claim()] == [None]
    other = Wire(api, pair_phone(tenant, "install-2"))
    assert [message["sim"] for message in other.claim()] == [0, 0]


def test_a_phone_that_pauses_by_itself_is_left_to_it(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone
) -> None:
    fill(api, tenant, 20)
    fails(wire, 5)
    for _ in range(5):  # it says so, and tries it once more, which fails
        wire.sync(failing_sims=[0, None])
        assert fails(wire, 1) == 1
    wire.sync(failing_sims=[])
    assert failing(phone) == []


def test_its_owner_may_resume_it(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone, admin_client: Any
) -> None:
    fill(api, tenant, 10)
    fails(wire, 8)
    assert wire.claim() == []
    admin_client.post(
        reverse("admin:licenses_device_changelist"),
        {"action": "resume", "_selected_action": [phone.device.pk]},
    )
    assert len(wire.claim()) == 2


def test_a_new_phone_in_place_of_one_whose_sim_could_not_send_is_given_messages(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone
) -> None:
    fill(api, tenant, 10)
    fails(wire, 8)
    assert wire.claim() == []
    code = services.new_pairing_code(tenant.license, replaces=phone.device).code
    paired = services.pair(code, install_id="install-2", name="its successor")
    assert paired.device.pk == phone.device.pk
    assert len(Wire(api, Phone(paired.device, paired.token)).claim()) == 2
    assert failing(phone) == []


def test_the_same_phone_that_is_paired_again_stays_paused(
    api: Api, tenant: Tenant, wire: Wire, phone: Phone
) -> None:
    fill(api, tenant, 10)
    fails(wire, 8)
    again = pair_phone(tenant, phone.device.install_id)
    assert Wire(api, again).claim() == []
    assert failing(phone) == [None]
