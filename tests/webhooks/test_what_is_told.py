"""Each change has exactly its events, in its own transaction; `data` is what the read route shows."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from licenses import services
from licenses.models import Account, Device, KeptSms
from messaging.drafts import Draft
from messaging.models import Batch
from messaging.services import batches, housekeeping, opt_outs, owner
from outbox import recording
from outbox.models import Event
from outbox.types import EventType
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone
from tests.delivery import Wire, accept, event, sent
from tests.webhooks.conftest import events

NUMBERS = [f"+4860010020{n}" for n in range(4)]


@pytest.fixture(autouse=True)
def _kept(tenant: Tenant) -> None:
    recording.begin(tenant.keys.account_id)


def types(api: Api, tenant: Tenant) -> list[str]:
    return [each["type"] for each in events(api, tenant)]


def test_an_account_that_nobody_listens_to_writes_nothing(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    tenant.set_rules(keeps_events=False, kept_sms=KeptSms.ALL, max_daily_sms=1)
    message_id = accept(api, tenant)
    wire = Wire(api, phone)
    wire.claim()
    wire.report(*sent(message_id), received("STOP"))
    assert not Event.objects.exists()


def received(text: str, sender: str = "+48600100200") -> dict[str, Any]:
    return {
        "type": "received", "sender": sender, "text": text, "event_id": str(uuid4()),
        "wall_time": "2026-04-09T14:32:00Z",
    }  # fmt: skip


def test_a_message_is_told_of_as_it_was_at_each_change(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    seen = [api.get(f"/api/messages/{message_id}/", tenant).json()]
    wire = Wire(api, phone)
    wire.claim()
    for reports in (sent(message_id), [event("part_delivered", message_id, part=1, parts=1)]):
        manual_clock.advance(seconds=30)
        wire.report(*reports)
        seen.append(api.get(f"/api/messages/{message_id}/", tenant).json())
    shown = [
        {name: value for name, value in one.items() if name not in {"timeline", "details_ended"}}
        for one in seen
    ]
    found = events(api, tenant)
    assert [each["type"] for each in found] == [
        "message.accepted", "message.sent", "message.delivered",
    ]  # fmt: skip
    assert [each["data"] for each in found] == shown
    assert {each["version"] for each in found} == {1}


def test_who_has_opted_out_is_accepted_and_cancelled_in_a_batch(api: Api, tenant: Tenant) -> None:
    opt_outs.opt_out(tenant.keys.account_id, NUMBERS[0], opt_outs.Source.API)
    items = [Draft(phone=phone, text="x") for phone in NUMBERS[:2]]
    batches.send(tenant.sender, Batch(dialect="test"), items)
    found = events(api, tenant)
    assert [each["type"] for each in found] == [
        "opt_out.created", "message.accepted", "message.cancelled", "message.accepted",
    ]  # fmt: skip
    assert found[0]["data"]["phone"] == NUMBERS[0]
    assert [found[n]["data"]["status"] for n in (1, 2)] == ["pending", "cancelled"]
    assert found[2]["data"]["failure_reason"] == "opted_out"


@pytest.mark.parametrize("count", [1, 2])
def test_the_last_message_of_a_day_is_told_of_once(api: Api, tenant: Tenant, count: int) -> None:
    tenant.set_rules(max_daily_sms=count)
    items = [{"external_id": f"a-{n}", "phone": NUMBERS[n], "message": "x"} for n in range(count)]
    if count == 1:
        api.post("/api/messages/", tenant.message("a-0"))
    else:
        api.post("/api/messages/bulk/", tenant.bulk(items))
    assert api.post("/api/messages/", tenant.message("late")).status_code == 403
    assert types(api, tenant).count("limit.reached") == 1
    [limit] = events(api, tenant, type="limit.reached")
    assert limit["data"].keys() == {"day", "max_daily_sms"}
    assert limit["data"]["max_daily_sms"] == count


def test_what_is_refused_is_told_nobody(api: Api, tenant: Tenant) -> None:
    accept(api, tenant)
    assert api.post("/api/messages/", tenant.message()).status_code == 400
    body = tenant.bulk([tenant.message(), {"phone": "x"}], all_or_nothing=True)
    assert api.post("/api/messages/bulk/", body).status_code == 400
    assert types(api, tenant) == ["message.accepted"]


@pytest.mark.parametrize(
    ("wish", "then"), [("sent", ["message.sent"]), ("given_up", ["message.failed"]), ("again", [])]
)
def test_an_owners_word_about_a_doubt_is_told(
    api: Api, tenant: Tenant, phone: Phone, wish: Any, then: list[str]
) -> None:
    message_id = accept(api, tenant)
    wire = Wire(api, phone)
    wire.claim()
    wire.report(event("started", message_id, parts=1), event("unknown", message_id))
    owner.resolve(tenant.keys.account_id, message_id, wish)
    assert types(api, tenant) == [
        "message.accepted", "message.uncertain", "message.resolved", *then,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kept", "is_told"), [(KeptSms.ALL, True), (KeptSms.KNOWN, False), (KeptSms.NOTHING, False)]
)
def test_a_received_sms_is_told_of_where_it_is_kept_and_once(
    api: Api, tenant: Tenant, phone: Phone, kept: KeptSms, is_told: bool
) -> None:
    tenant.set_rules(kept_sms=kept)
    wire, sms = Wire(api, phone), received("Hello")
    for _ in range(2):
        wire.report(sms)
    found = events(api, tenant)
    assert [each["type"] for each in found] == ["sms.received"] * is_told
    inbox = api.get("/api/inbox/", tenant).json()["results"]
    assert [each["data"] for each in found] == inbox


def test_stop_and_start_are_told_of_once_each(api: Api, tenant: Tenant, phone: Phone) -> None:
    wire = Wire(api, phone)
    for text in ("STOP", "STOP", "START", "START"):
        wire.report(received(text))
    found = [each for each in types(api, tenant) if each.startswith("opt_out")]
    assert found == ["opt_out.created", "opt_out.removed"]


def test_an_opt_out_by_the_api_and_its_end_are_told(api: Api, tenant: Tenant) -> None:
    body = {"license__key": tenant.keys.license_key, "phone": NUMBERS[0]}
    for _ in range(2):
        api.post("/api/opt-outs/", body)
    shown = api.get("/api/opt-outs/", tenant).json()["results"]
    for _ in range(2):
        api.delete(f"/api/opt-outs/{NUMBERS[0]}/", tenant)
    found = events(api, tenant)
    assert [each["type"] for each in found] == ["opt_out.created", "opt_out.removed"]
    assert [each["data"] for each in found] == shown * 2


def test_a_phone_that_falls_silent_and_comes_back_is_told_of_once_each(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    phone = pair_phone(tenant)
    Event.objects.all().delete()
    wire = Wire(api, phone)
    wire.sync(capacity=0)
    manual_clock.advance(hours=2)
    for _ in range(2):
        housekeeping.mark_silent_devices()
    for _ in range(2):
        wire.sync(capacity=0)
    found = events(api, tenant)
    assert [each["type"] for each in found] == ["device.silent", "device.back"]
    assert [each["data"]["is_silent"] for each in found] == [True, False]
    assert {each["data"]["id"] for each in found} == {phone.device.pk}


def test_a_phone_that_pairs_is_told_of(api: Api, tenant: Tenant) -> None:
    code = services.new_pairing_code(tenant.license).code
    body = {"code": code, "install_id": "a" * 16, "name": "Pixel", "android": "14"}
    assert api.post("/companion/pair/", body | {"app_version": "1"}).status_code == 201
    [paired] = events(api, tenant)
    assert (paired["type"], paired["data"]["name"]) == ("device.paired", "Pixel")
    me = api.get("/api/me/", tenant).json()["devices"]
    assert [paired["data"]] == me


@pytest.mark.parametrize("how", ["action", "form"])
def test_a_phone_that_is_paused_by_its_owner_is_told_of(
    api: Api, tenant: Tenant, phone: Phone, how: str
) -> None:
    operator = Client()
    operator.force_login(User.objects.create_superuser("op"))
    page = "/admin/licenses/device/"
    if how == "action":
        body: dict[str, Any] = {"action": "pause", "_selected_action": [str(phone.device.pk)]}
    else:
        page += f"{phone.device.pk}/change/"
        body = {"name": "Pixel", "mode": "instant", "is_paused": "on", "kept_sms": ""}
    for _ in range(2):
        assert operator.post(page, body).status_code == 302
    assert Device.objects.get().is_paused
    assert types(api, tenant) == ["device.paused"]


def test_a_sim_that_cannot_send_is_told_of_once(api: Api, tenant: Tenant, phone: Phone) -> None:
    wire = Wire(api, phone)
    for sims in ([0], [0], [0, 1], []):
        wire.sync(capacity=0, failing_sims=sims)
    found = events(api, tenant)
    assert [each["data"]["failing_sims"] for each in found] == [[0], [0, 1]]
    assert {each["type"] for each in found} == {"device.paused"}


def test_erased_means_erased_in_events_too(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    tenant.set_rules(retention_days=1, kept_sms=KeptSms.ALL)
    message_id = accept(api, tenant)
    owner.cancel(tenant.keys.account_id, message_id)
    Wire(api, phone).report(received("Hello"))
    manual_clock.advance(days=2)
    housekeeping.erase_old(lambda: True)
    found = events(api, tenant)
    assert [each["type"] for each in found] == [
        "message.accepted", "message.cancelled", "sms.received",
    ]  # fmt: skip
    assert [found[n]["data"]["phone"] for n in (0, 1)] == ["", ""]
    assert found[2]["data"] is None


def test_each_type_is_told_somewhere() -> None:
    """A new type needs a test here."""
    text = __file__
    with open(text, encoding="utf-8") as file:
        words = file.read() + "message.undelivered message.expired webhook.test"
    words += "contacts.import.finished"  # tests/contacts/test_imports.py
    assert [each for each in EventType if each.value not in words] == []
    assert Account._meta.get_field("keeps_events").default is False
