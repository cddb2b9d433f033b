"""What the pages do, asked as a browser's forms ask."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from contacts.models import Contact
from licenses import lookup
from licenses import services as licenses
from licenses.models import Account, Device, License
from licenses.pairing import qr_svg
from members import audit
from members.audit import Action, Actor
from members.models import AuditEntry, Member, Role
from messaging import tasks
from messaging.models import Export, Message, OptOut
from messaging.services import opt_outs, phones
from messaging.states import MessageState
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone
from tests.console.conftest import PASSWORD, logged_in, person
from tests.console.test_access import told
from tests.delivery import Wire, accept, event, sent
from webhooks import endpoints
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db


def sending(client: Client, **form: str) -> Any:
    page = client.get("/console/send/").content.decode()
    once = re.search(r'name="once" value="([^"]+)"', page)
    assert once is not None
    return client.post("/console/send/", {"once": once[1], "text": "Hello", **form})


def contact(tenant: Tenant, name: str, phone: str) -> None:
    Contact.objects.create(account=tenant.account, name=name, phone=phone)


def text_of(response: Any) -> str:
    return str(response.content.decode())


@pytest.mark.parametrize("odd", ["9" * 5_000, "99999999999999999999", "²"])
def test_a_number_that_is_none_is_no_fault_of_the_server(owner: Client, odd: str) -> None:
    assert owner.get("/console/live/", {"after": odd}).status_code == 200
    assert owner.get("/console/messages/", {"below": odd}).status_code == 200
    assert owner.post("/console/account/", {"account": odd}).status_code == 404


@pytest.mark.parametrize("path", ["keys/make/", "team/invite/"])
def test_a_name_with_a_nul_is_taken_without_it(owner: Client, path: str) -> None:
    given = {"name": "CRM\0", "role": "viewer", "scopes": "everything"}
    assert owner.post(f"/console/{path}", given).status_code == 200


def test_a_message_is_sent_once_however_often_its_form_is(tenant: Tenant, operator: Client) -> None:
    form = {"once": "console-00000000-0000-4000-8000-000000000000", "phone": "601 234 567",
            "text": "Hello"}  # fmt: skip
    places = {operator.post("/console/send/", form)["Location"] for _ in range(3)}
    message = Message.objects.get()
    assert places == {f"/console/messages/{message.pk}/"}
    assert (message.phone, message.text) == ("+48601234567", "Hello")
    assert [one.action for one in audit.entries(tenant.account.pk)][:-1] == [Action.MESSAGE_SENT]


def test_a_form_that_was_changed_after_it_was_sent_says_so_and_sends_when_asked_again(
    operator: Client,
) -> None:
    form = {"once": "console-00000000-0000-4000-8000-000000000000", "phone": "601 234 567",
            "text": "Hello"}  # fmt: skip
    operator.post("/console/send/", form)
    changed = form | {"phone": "602 345 678"}
    page = operator.post("/console/send/", changed)
    assert (page.status_code, Message.objects.count()) == (400, 1)
    assert "has sent another message" in text_of(page)
    operator.post("/console/send/", changed | {"once": page.context["once"]})
    assert Message.objects.filter(phone="+48602345678").count() == 1


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"phone": "12"}, "this is no number of PL"),
        ({"phone": "601234567", "text": ""}, "This field is required"),
        ({"phone": "601234567", "text": "x" * 1600}, "at most 10"),
        ({"phone": "601234567", "at": "yesterday"}, "Enter a valid date/time"),
        ({"phone": "601234567", "at": "9999-12-31T23:59"}, "Enter a valid date"),
        ({"phone": "601234567", "at": "0001-01-01T00:00"}, "Enter a valid date"),
    ],
)
def test_what_cannot_be_sent_is_told_by_its_field_and_stays_in_the_form(
    operator: Client, form: dict[str, str], words: str
) -> None:
    response = sending(operator, **form)
    assert response.status_code == 400
    assert words in text_of(response)
    assert f'value="{form["phone"]}"' in text_of(response)
    assert not Message.objects.exists()


def test_who_opted_out_is_not_written_to(api: Api, tenant: Tenant, operator: Client) -> None:
    operator.post("/console/opt-outs/add/", {"phone": "601234567"})
    response = sending(operator, phone="601234567")
    assert response.status_code == 400
    assert "This person wants no messages any more." in text_of(response)
    assert not Message.objects.exists()


def test_a_recipient_is_found_by_name_and_sent_to_only_once_chosen(
    tenant: Tenant, other_tenant: Tenant, operator: Client
) -> None:
    contact(tenant, "Jan Kowalski", "+48601234567")
    contact(tenant, "Ewa Kowalska", "+48601234568")
    contact(other_tenant, "Kowal", "+48601234569")
    page = text_of(sending(operator, phone="kowal", at="2030-07-01T09:00"))
    assert "Whom do you mean?" in page
    assert re.findall(r'name="chosen" value="([^"]+)"', page) == ["+48601234568", "+48601234567"]
    form = {"phone": "kowal", "chosen": "+48601234567", "text": "Hello", "at": "2030-07-01T09:00"}
    page = text_of(operator.post("/console/send/", form))
    assert not Message.objects.exists()
    for kept in ('value="+48601234567"', "Jan Kowalski", "Hello", 'value="2030-07-01T09:00"'):
        assert kept in page
    preview = text_of(sending(operator, phone="601234567", preview="1"))
    assert "Jan Kowalski" in preview
    assert "No contact has a name like this" in text_of(sending(operator, phone="nobody"))
    assert operator.post("/console/send/", {"begin": "1", "phone": "\0"}).status_code == 200


def test_a_contacts_name_is_beside_its_number_but_not_for_a_viewer(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone, operator: Client, viewer: Client
) -> None:
    contact(tenant, "Jan <b>", "+48123456789")
    contact(other_tenant, "Spy", "+48123456789")
    pk = accept(api, tenant)
    inbound = {"type": "received", "sender": "+48123456789", "text": "Hi", "event_id": str(uuid4())}
    Wire(api, phone).report(inbound | {"wall_time": "2026-04-09T14:32:00Z"})
    for path in ("", "messages/", f"messages/{pk}/", "conversations/"):
        page = text_of(operator.get(f"/console/{path}"))
        assert "Jan &lt;b&gt;" in page, path
        assert "Spy" not in page
    for path in ("", "messages/", f"messages/{pk}/"):
        assert "Jan" not in text_of(viewer.get(f"/console/{path}")), path


def test_a_start_is_read_in_the_accounts_zone(operator: Client, manual_clock: ManualClock) -> None:
    sending(operator, phone="601234567", at="2030-07-01T09:00")
    message = Message.objects.get()
    assert message.due_at.isoformat() == "2030-07-01T07:00:00+00:00"
    assert message.status == MessageState.SCHEDULED


def test_a_message_shows_what_became_of_it(
    api: Api, tenant: Tenant, phone: Phone, operator: Client
) -> None:
    accept(api, tenant)
    wire = Wire(api, phone)
    [message] = wire.claim()
    wire.report(*sent(message["message_id"]))
    page = text_of(operator.get(f"/console/messages/{message['message_id']}/"))
    assert page.count('class="badge good"') >= 2  # its state, and a line of its history
    assert re.search(rf">on a phone</span> {phone.device.name}<", page)
    assert "Cancel it" not in page


def test_a_waiting_message_is_cancelled(api: Api, tenant: Tenant, operator: Client) -> None:
    accept(api, tenant)
    message = Message.objects.get()
    page = operator.post(f"/console/messages/{message.pk}/cancel/", follow=True)
    assert "It is cancelled." in text_of(page)
    assert Message.objects.get().status == MessageState.CANCELLED
    again = operator.post(
        f"/console/messages/{message.pk}/resolve/", {"resolution": "again"}, follow=True
    )
    assert "It is too late for that" in text_of(again)


def test_the_list_is_searched_by_number_and_id_and_filtered_by_state(
    api: Api, tenant: Tenant, operator: Client
) -> None:
    for number, name in ((1, "one"), (2, "two")):
        accept(api, tenant, phone=f"+4860100000{number}", external_id=name)
    for sought in ("601 000 001", "one"):
        page = text_of(operator.post("/console/messages/", {"sought": sought}))
        assert "+48 601 000 001" in page
        assert "+48 601 000 002" not in page
    assert "No messages here yet." in text_of(operator.get("/console/messages/?state=failed"))
    assert text_of(operator.get("/console/messages/?state=nonsense")).count("<time") == 2


def test_the_list_is_filtered_by_phone_and_searched_by_name_together(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone, operator: Client
) -> None:
    other = pair_phone(tenant, "Other")
    for number, wire in ((1, Wire(api, phone)), (2, Wire(api, other)), (3, None)):
        accept(api, tenant, f"id-{number}", phone=f"+4860100000{number}")
        if wire:
            wire.claim()
    contact(tenant, "Jan Kowalski", "+48601000001")
    contact(tenant, "Janina", "+48601000003")
    contact(other_tenant, "Janusz", "+48601000002")
    of_phone = f"/console/messages/?device={phone.device.pk}"
    assert numbers(operator.get(of_phone)) == ["001"]
    found = operator.post("/console/messages/", {"sought": "jan"})
    assert numbers(found) == ["003", "001"]
    assert "Jan Kowalski, Janina" in text_of(found)
    assert numbers(operator.post(of_phone, {"sought": "jan"})) == ["001"]
    assert numbers(operator.post(of_phone, {"sought": "601 000 003"})) == []
    assert numbers(operator.get("/console/messages/?sought=jan")) == ["003", "002", "001"]
    assert operator.post("/console/messages/", {"sought": "a\0b"}).status_code == 200
    theirs = pair_phone(other_tenant).device.pk
    assert 'class="problem"' in text_of(operator.get(f"/console/messages/?device={theirs}"))


def test_an_export_is_of_what_the_list_was_searched_for(
    api: Api, tenant: Tenant, phone: Phone, owner: Client
) -> None:
    pair_phone(tenant, "Other")
    for number in (1, 2, 3):
        accept(api, tenant, f"id-{number}", phone=f"+4860100000{number}")
    contact(tenant, "Jan", "+48601000001")
    contact(tenant, "Janina", "+48601000003")
    Wire(api, phone).claim(2)
    place = f"/console/messages/exports/?device={phone.device.pk}"
    begun = text_of(owner.post(place, {"sought": "jan", "begin": "1"}))
    assert 'value="jan"' in begun
    assert f'value="{phone.device.pk}" selected' in begun
    assert not Export.objects.exists()
    owner.post(place, {"sought": "jan", "device": str(phone.device.pk)})
    tasks.write_exports()
    [export] = Export.objects.all()
    assert export.rows == 1
    page = text_of(owner.get("/console/messages/exports/"))
    assert "+48 601 000 001, +48 601 000 003" in page
    owner.post(place, {"sought": "id-3", "device": ""})
    tasks.write_exports()
    assert Export.objects.latest("pk").rows == 1


def numbers(response: Any) -> list[str]:
    """Return the last digits of the numbers that a list of messages shows, in its order."""
    rows = text_of(response).partition('id="rows"')[2]
    return re.findall(r"\+48 601 000 (\d+)", rows)


def test_old_pages_are_reached_without_a_gap(api: Api, tenant: Tenant, operator: Client) -> None:
    for number in range(53):
        accept(api, tenant, external_id=f"id-{number}")
    seen: list[str] = []
    path = "/console/messages/"
    while path:
        page = text_of(operator.get(path))
        seen += re.findall(r"/console/messages/(\d+)/", page)
        further = re.search(r'href="(\?below=\d+)"', page)
        path = f"/console/messages/{further[1]}" if further else ""
    assert len(seen) == len(set(seen)) == 53


def test_an_opt_out_is_taken_back_with_a_reason_only(tenant: Tenant, owner: Client) -> None:
    owner.post("/console/opt-outs/add/", {"phone": "601234567"})
    row = OptOut.objects.get()
    owner.post(f"/console/opt-outs/{row.pk}/take-back/", {"reason": " "})
    assert OptOut.objects.exists()
    owner.post(f"/console/opt-outs/{row.pk}/take-back/", {"reason": "letter of 601 234 567"})
    assert not OptOut.objects.exists()
    newest = audit.entries(tenant.account.pk)[0]
    assert newest.action == Action.OPT_OUT_REMOVED
    assert newest.details == {"reason": "letter of …"}


def test_a_phone_is_paused_goes_on_and_is_unpaired_by_its_name(
    tenant: Tenant, phone: Phone, owner: Client
) -> None:
    device = phone.device
    for is_paused in (True, False):
        owner.post(f"/console/phones/{device.pk}/pause/", {"is_paused": str(int(is_paused))})
        device.refresh_from_db()
        assert device.is_paused is is_paused
    owner.post(f"/console/phones/{device.pk}/unpair/", {"name": "another"})
    device.refresh_from_db()
    assert device.revoked_at is None
    owner.post(f"/console/phones/{device.pk}/unpair/", {"name": device.name})
    device.refresh_from_db()
    assert device.revoked_at is not None


def test_a_phone_shows_what_each_sim_did_today_and_its_rate_of_delivery(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone, viewer: Client,
    manual_clock: ManualClock,
) -> None:  # fmt: skip
    wire, theirs = Wire(api, phone), Wire(api, pair_phone(other_tenant))
    for number in range(3):
        accept(api, tenant, f"id-{number}")
    accept(api, other_tenant)
    Message.objects.filter(external_id="id-2").update(sim=1)
    first, second, third = (one["message_id"] for one in wire.claim())
    [other] = (one["message_id"] for one in theirs.claim())
    theirs.report(*sent(other))
    wire.report(*sent(first), event("part_delivered", first, part=1, parts=1))
    wire.report(event("part_failed", second, part=1, parts=1, code="no_service"), *sent(third))
    tasks.count_states()
    page = text_of(viewer.get("/console/phones/"))
    assert "default SIM: sent 1, failed 1" in page
    assert "SIM 2: sent 1, failed 0" in page
    assert "50 %" in page
    manual_clock.advance(days=1)
    page = text_of(viewer.get("/console/phones/"))
    assert "Today (UTC)" not in page
    assert "50 %" in page


def test_a_phone_says_why_it_may_do_less_than_it_should(phone: Phone, viewer: Client) -> None:
    device = phone.device
    device.silent_since = device.last_sync_at = timezone.now()
    device.health = {
        "battery": 9, "charging": False, "network": "mobile", "queue": 3,
        "sims": [{"slot": 0, "carrier": "Orange"}, {"slot": 1, "carrier": "Play"}],
        "permissions": {"send_sms": True, "receive_sms": False},
    }  # fmt: skip
    device.save()
    page = text_of(viewer.get("/console/phones/"))
    for said in ("nearly empty", "may not receive SMS", "SIM 1 · Orange, SIM 2 · Play",
                 "mobile network", "3 messages"):  # fmt: skip
        assert said in page
    assert "may not send SMS" not in page
    device.health = {"sims": [], "permissions": {"phone_state": True}}
    device.save()
    assert "no SIM card" in text_of(viewer.get("/console/phones/"))


def test_an_invitation_leads_a_new_person_in(tenant: Tenant, owner: Client) -> None:
    page = text_of(owner.post("/console/team/invite/", {"name": "Jan", "role": "viewer"}))
    token = re.search(r"/console/join/#([\w-]+)", page)
    assert token is not None
    guest = Client(headers={"Accept": "text/html"})
    asked = text_of(guest.post("/console/join/", {"token": token[1]}))
    assert "You are invited to Alice as viewer." in asked
    form = {"token": token[1], "accept": "1", "username": "jan"}
    assert guest.post("/console/join/", form | {"password": "short"}).status_code == 400
    joined = guest.post("/console/join/", form | {"password": PASSWORD})
    assert joined["Location"] == "/console/"
    assert guest.get("/console/").status_code == 200
    assert Member.objects.get(user__username="jan").role == Role.VIEWER
    late = Client(headers={"Accept": "text/html"})
    assert late.post("/console/join/", {"token": token[1]}).status_code == 404


def test_the_last_owner_is_told_why_they_stay(tenant: Tenant, owner: Client) -> None:
    member = Member.objects.get()
    page = owner.post(f"/console/team/{member.pk}/remove/", follow=True)
    assert "An account needs an owner" in text_of(page)
    assert Member.objects.exists()


def test_pages_say_it_in_polish_with_the_plural_that_is_right(
    api: Api, tenant: Tenant, phone: Phone, operator: Client
) -> None:
    for number in range(2):
        accept(api, tenant, external_id=f"id-{number}")
    wire = Wire(api, phone)
    for message in wire.claim():
        wire.report(event("started", message["message_id"], parts=1))
        wire.report(event("unresolved", message["message_id"]))
    Message.objects.update(status="uncertain")
    page = text_of(operator.get("/console/", headers={"Accept-Language": "pl"}))
    assert "2 wiadomości są niepewne" in page
    assert "Pulpit" in page


def test_a_page_costs_few_queries(
    api: Api, tenant: Tenant, phone: Phone, owner: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        accept(api, tenant, external_id=f"id-{number}", phone=f"+486010000{number:02}")
        contact(tenant, f"Jan {number}", f"+486010000{number:02}")
    tenant.set_rules(max_daily_sms=100, sending_hours="09:00-17:00")
    for path in ("/console/", "/console/messages/", "/console/phones/", "/console/team/",
                 "/console/audit/", "/console/send/", "/console/conversations/"):  # fmt: skip
        with django_assert_max_num_queries(12):
            assert owner.get(path).status_code == 200


def test_a_new_key_is_shown_once_and_sends(api: Api, tenant: Tenant, owner: Client) -> None:
    page = text_of(owner.post("/console/keys/make/", {"name": "n8n", "scopes": "everything"}))
    key = re.search(r'class="link">([A-Z2-9]{12})<', page)
    assert key is not None
    assert key[1] not in text_of(owner.get("/console/keys/"))
    body = {"license__key": key[1], "external_id": "a", "phone": "601234567", "message": "Hello"}
    answer = api.post("/api/messages/", body)
    assert answer.status_code == 201
    trail = audit.entries(tenant.account.pk)[0]
    assert (trail.action, trail.details) == (Action.KEY_MADE, {"kind": "license_key"})


def test_a_replaced_key_and_a_revoked_link_are_void(
    api: Api, tenant: Tenant, owner: Client
) -> None:
    owner.post(f"/console/keys/{tenant.keys.license_id}/replace/")
    old = {"license__key": tenant.keys.license_key, "external_id": "a", "phone": "601234567"}
    assert api.post("/api/messages/", old | {"message": "Hello"}).status_code == 404
    page = text_of(owner.post(f"/console/keys/{tenant.keys.license_id}/hook/"))
    link = re.search(r"(/hooks/[\w-]+/)", page)
    revoke = re.search(r"(/console/keys/hooks/[\w-]+/revoke/)", page)
    assert link is not None
    assert revoke is not None
    assert api.client.post(link[1], {"phone": "601234567", "text": "Hello"}).status_code < 300
    owner.post(revoke[1])
    assert api.client.post(link[1], {"phone": "601234567", "text": "Again"}).status_code == 404


def test_a_webhook_is_made_tested_switched_off_and_deleted(tenant: Tenant, owner: Client) -> None:
    refused = owner.post("/console/webhooks/subscribe/", {"url": "ftp://x"}, follow=True)
    assert "must be a URL like" in text_of(refused)
    polish: Any = {"follow": True, "headers": {"Accept-Language": "pl"}}
    refused = owner.post("/console/webhooks/subscribe/", {"url": "ftp://x"}, **polish)
    assert "Podaj adres jak" in text_of(refused)
    form = {"url": "https://example.org/hook", "events": ["message.sent"]}
    place = owner.post("/console/webhooks/subscribe/", form)["Location"]
    assert "message.sent" in text_of(owner.get(place))
    assert "whsec_" not in text_of(owner.get(place))
    secrets = {
        re.findall(r"whsec_[\w+/=]+", text_of(owner.post(f"{place}secret/", form)))[0]
        for form in ({}, {"rotate": "1"})
    }
    assert len(secrets) == 2
    assert "A test is on its way" in text_of(owner.post(f"{place}test/", follow=True))
    assert "by its owner" in text_of(owner.post(f"{place}switch/", follow=True))
    late = text_of(owner.post(f"{place}test/", follow=True))
    assert "It is too late for that" in late
    owner.post(f"{place}delete/")
    assert owner.get(place).status_code == 404


def test_a_setting_is_changed_with_its_old_value_in_the_trail(
    tenant: Tenant, owner: Client
) -> None:
    page = text_of(owner.get("/console/settings/"))
    form = dict(re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', page)) | {
        "country": "PL", "kept_sms": "known", "stop_words": "KONIEC", "start_words": "",
        "sending_hours-0-0-from": "09:00", "sending_hours-0-0-to": "18:00",
    }  # fmt: skip
    assert owner.post("/console/settings/", form | {"sending_hours-0-0-to": ""}).status_code == 400
    assert owner.post("/console/settings/", form).status_code == 302
    assert tenant.account.sending_hours == "Mo 09:00-18:00"
    entry = audit.entries(tenant.account.pk)[0]
    assert entry.details["sending_hours"] == {"from": "", "to": "Mo 09:00-18:00"}
    assert "name" not in entry.details


def test_several_uncertain_messages_are_decided_at_once_and_nobody_elses(
    api: Api, tenant: Tenant, other_tenant: Tenant, operator: Client
) -> None:
    for number in range(3):
        accept(api, tenant, external_id=f"id-{number}")
    accept(api, other_tenant, external_id="theirs")
    Message.objects.exclude(external_id="id-2").update(status=MessageState.UNCERTAIN)
    page = text_of(operator.get("/console/messages/?state=uncertain"))
    assert page.count('name="chosen"') == 2
    form = {
        "chosen": [*Message.objects.values_list("pk", flat=True), "x"],
        "resolution": "given_up",
    }
    told = text_of(operator.post("/console/messages/resolve/", form, follow=True))
    assert "2 messages are decided." in told
    states = dict(Message.objects.values_list("external_id", "status"))
    assert states["id-0"] == states["id-1"] == MessageState.FAILED
    assert states["id-2"] == MessageState.PENDING
    assert states["theirs"] == MessageState.UNCERTAIN
    actions = [entry.action for entry in audit.entries(tenant.account.pk)]
    assert actions.count(Action.MESSAGE_RESOLVED) == 2


def test_the_first_steps_tick_themselves_off(
    api: Api, tenant: Tenant, phone: Phone, owner: Client, settings: Any
) -> None:
    settings.PAIRING_IS_LOCAL = True
    page = text_of(owner.get("/console/"))
    assert page.count('<li class="done">') == 2  # the app and the phone
    settings.PAIRING_IS_LOCAL = False
    accept(api, tenant)
    assert text_of(owner.get("/console/")).count('<li class="done">') == 4
    wire = Wire(api, phone)
    [message] = wire.claim()
    wire.report(*sent(message["message_id"]))
    assert "First steps" not in text_of(owner.get("/console/"))


def test_the_app_is_offered_to_a_phones_camera_where_the_server_has_it(
    tenant: Tenant, owner: Client, tmp_path: Path, settings: Any
) -> None:
    settings.DATA_DIR, settings.PAIRING_URL = tmp_path, "https://sms.example.com"
    assert "ask who runs it to build it" in text_of(owner.get("/console/"))
    root = logged_in(person("root", tenant, is_superuser=True))
    assert "make apk builds it" in text_of(root.get("/console/"))
    (tmp_path / "apk").mkdir()
    (tmp_path / "apk" / "smsgate.apk").write_bytes(b"PK")
    page = text_of(owner.get("/console/"))
    link = "https://sms.example.com/pair/smsgate.apk"
    assert f'<p class="link">{link}</p>' in page
    assert qr_svg(link) in page
    assert "no app yet" not in page


def test_first_steps_are_put_away_and_found_in_the_settings(tenant: Tenant, owner: Client) -> None:
    assert "First steps" in text_of(owner.get("/console/"))
    for _ in range(2):
        assert owner.post("/console/first-steps/put-away/").status_code == 302
    assert "First steps" not in text_of(owner.get("/console/"))
    assert 'href="/console/first-steps/"' in text_of(owner.get("/console/settings/"))
    assert "Pair a phone" in text_of(owner.get("/console/first-steps/"))
    [entry] = audit.entries(tenant.account.pk).filter(action=Action.SETTINGS_CHANGED)
    assert entry.username == "olga"


def test_the_overview_says_when_the_queue_is_done(
    api: Api, tenant: Tenant, phone: Phone, operator: Client
) -> None:
    accept(api, tenant)
    assert "done about" not in text_of(operator.get("/console/"))  # the phone has not called yet
    Wire(api, phone).claim()
    accept(api, tenant, external_id="second")
    assert "done about" in text_of(operator.get("/console/"))


def test_theme_and_language_are_kept_by_the_browser(viewer: Client) -> None:
    viewer.post("/console/appearance/", {"theme": "dark", "language": "pl"})
    page = text_of(viewer.get("/console/", headers={"Accept-Language": "en"}))
    assert '<html lang="pl" data-theme="dark">' in page
    assert "Pulpit" in page
    viewer.post("/console/appearance/", {"theme": '"><script>', "language": "xx"})
    assert '<html lang="en">' in text_of(viewer.get("/console/"))


def test_a_code_says_when_a_phone_has_used_it(tenant: Tenant, owner: Client) -> None:
    page = text_of(owner.post("/console/phones/pair/"))
    code = re.search(r'class="code">([\w-]+)<', page)
    place = re.search(r'data-live-from="([^"]+)"', page)
    assert code is not None
    assert place is not None
    assert "Waiting for the phone" in text_of(owner.get(place[1]))
    phones.pair(code[1], install_id="i-1", name="Pixel 7")
    assert "Pixel 7" in text_of(owner.get(place[1]))


def test_a_phone_is_renamed_and_paired_again_in_its_own_place(
    tenant: Tenant, phone: Phone, owner: Client
) -> None:
    place = f"/console/phones/{phone.device.pk}/rename/"
    assert "Give it a name" in text_of(owner.post(place, {"name": " "}, follow=True))
    assert "Desk" in text_of(owner.post(place, {"name": "Desk"}, follow=True))
    assert audit.entries(tenant.account.pk)[0].details["name"]["to"] == "Desk"
    page = text_of(owner.post("/console/phones/pair/", {"replaces": phone.device.pk}))
    code = re.search(r'class="code">([\w-]+)<', page)
    assert code is not None
    paired = phones.pair(code[1], install_id="anew", name="Pixel")
    assert paired.device.pk == phone.device.pk


def test_a_preview_says_what_would_happen_and_sends_nothing(
    tenant: Tenant, phone: Phone, operator: Client
) -> None:
    form = {"once": "x", "phone": "601 234 567", "text": "Hello", "preview": "1"}
    page = text_of(operator.post("/console/send/", form))
    assert "+48 601 234 567" in page
    assert "as soon as a phone is free" in page
    opt_outs.opt_out(tenant.account.pk, "+48601234567", OptOut.Source.API)
    assert "wants no messages" in text_of(operator.post("/console/send/", form))
    assert not Message.objects.exists()


def test_a_message_names_its_sim_where_a_phone_has_two(
    tenant: Tenant, phone: Phone, operator: Client
) -> None:
    assert "SIM 2" not in text_of(operator.get("/console/send/"))
    Device.objects.update(sims=[{"sub_id": 1, "slot": 0}, {"sub_id": 2, "slot": 1}])
    assert "SIM 2" in text_of(operator.get("/console/send/"))
    form = {"once": "x", "phone": "601234567", "text": "Hello", "sim": "1"}
    assert operator.post("/console/send/", form).status_code == 302
    assert Message.objects.get().sim == 1
    assert operator.post("/console/send/", form | {"sim": "2"}).status_code == 400


def test_it_sends_by_the_licence_that_was_chosen_and_by_no_other_accounts(
    tenant: Tenant, other_tenant: Tenant, operator: Client
) -> None:
    second, _ = licenses.add_license(tenant.account, name="Second")
    form = {"once": "x", "phone": "601234567", "text": "Hello", "license": second.pk}
    assert operator.post("/console/send/", form).status_code == 302
    assert Message.objects.get().license_id == second.pk
    stranger = operator.post("/console/send/", form | {"license": other_tenant.keys.license_id})
    assert "no licence to send with" in text_of(stranger)


def test_a_message_is_begun_anew_with_its_text_and_recipient(
    api: Api, tenant: Tenant, operator: Client
) -> None:
    accept(api, tenant, message="\nTwo\nlines")
    page = text_of(operator.get(f"/console/messages/{Message.objects.get().pk}/"))
    fields = re.search(
        r'name="phone" value="([^"]+)"><textarea name="text" hidden>\n([^<]*)<', page
    )
    assert fields is not None
    begun = {"begin": "1", "phone": fields[1], "text": fields[2]}
    page = text_of(operator.post("/console/send/", begun))
    assert f'value="{fields[1]}"' in page
    assert "Two\nlines" in page
    assert Message.objects.count() == 1


def test_the_overview_says_what_needs_somebody(
    api: Api, tenant: Tenant, phone: Phone, owner: Client, manual_clock: ManualClock
) -> None:
    assert 'class="note"' not in text_of(owner.get("/console/?days=90"))
    tenant.set_rules(max_daily_sms=1, valid_until=manual_clock().date())
    accept(api, tenant)
    endpoints.subscribe(
        tenant.sender, "https://example.org/", name="n8n", event_types=[], only_license=False
    )
    Endpoint.objects.update(disabled_reason="gone", disabled_at=manual_clock())
    Device.objects.update(silent_since=manual_clock(), health={"battery": 9, "charging": False})
    manual_clock.advance(minutes=16)
    page = text_of(owner.get("/console/"))
    for said in (
        "has been silent since", "Its battery was at 9 %", "It was not charging",
        "has been waiting for a phone since",
        "Left of the daily limit: 0 of 1", "One webhook was switched off", "The subscription ends on",
    ):  # fmt: skip
        assert said in page, said


def test_a_wrong_number_is_told_in_the_language_of_the_page(operator: Client) -> None:
    form = {"once": "x", "phone": "601234567.0", "text": "Hello"}
    polish, english = "ustaw kolumnę jako tekst; podaj numer jak", "as text; enter a number"
    for language, words in (("pl", polish), ("en", english)):
        page = operator.post("/console/send/", form, headers={"Accept-Language": language})
        assert words in text_of(page)


def test_the_audit_trail_is_fetched_as_a_file_and_that_stands_in_it(
    tenant: Tenant, owner: Client
) -> None:
    with transaction.atomic():
        audit.record(tenant.account.pk, Actor(None), Action.PHONE_CHANGED, object_id=7, name="=1+1")
    said = owner.get("/console/audit/file/")
    assert said["Content-Disposition"].startswith("attachment")
    lines = text_of(said).splitlines()
    assert lines[0].endswith("at;who;action;object_id;count;details;network")
    assert ";manage.py;phone_changed;7;;" in lines[2]
    assert audit.entries(tenant.account.pk)[0].action == Action.TRAIL_EXPORTED


def test_the_audit_trail_is_read_in_words_and_filtered(tenant: Tenant, owner: Client) -> None:
    account = tenant.account.pk
    with transaction.atomic():
        audit.record(account, Actor(None), Action.EXPORT_FETCHED, object_id=1, rows=70)
        change = {"from": "viewer", "to": "owner"}
        audit.record(account, Actor(None), Action.MEMBER_CHANGED, object_id=1, role=change)
        kept: dict[str, Any] = {"kept_sms": {"from": "all", "to": "nothing"}}
        audit.record(account, Actor(None), Action.SETTINGS_CHANGED, **kept)
    page = text_of(owner.get("/console/audit/", headers={"Accept-Language": "pl"}))
    for said in ("Wiersze: <bdi>70", "podgląd → właściciel", "obcych → żadne"):
        assert said in page
    chosen = {"action": "member_changed"}
    page = text_of(owner.get("/console/audit/", chosen))
    assert "viewer → owner" in page
    assert "Rows" not in page
    lines = text_of(owner.get("/console/audit/file/", chosen)).splitlines()
    assert len(lines) == 2


def test_an_entry_of_the_audit_trail_ends_after_two_years(
    tenant: Tenant, manual_clock: ManualClock
) -> None:
    for days in (800, 700):
        AuditEntry.objects.create(
            account=tenant.account, username="olga", action="logged_in",
            at=timezone.now() - dt.timedelta(days=days),
        )  # fmt: skip
    manual_clock.now = timezone.now()
    tasks.erase_old()
    assert AuditEntry.objects.count() == 1


def test_messages_are_shown_of_the_days_that_were_chosen_and_older_ones_of_these(
    api: Api, tenant: Tenant, operator: Client, manual_clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("console.pages.parts.PAGE", 1)
    for day in ("9", "10", "11"):  # of April
        for number in range(2):
            accept(api, tenant, f"id-{day}-{number}", message=f"Day {day} no {number}")
        manual_clock.advance(days=1)
    chosen = {"first": "2026-04-10", "last": "2026-04-10", "state": "pending"}
    page = text_of(operator.get("/console/messages/", chosen))
    assert "Day 10 no 1" in page
    assert "first=2026-04-10" in page  # the link to the export has it too
    older = re.search(r'href="(\?[^"]*below=\d+)"', page)
    assert older is not None
    page = text_of(operator.get("/console/messages/" + older[1].replace("&amp;", "&")))
    assert "Day 10 no 0" in page
    assert "below=" not in page
    for odd in ({"first": "2026-02-31"}, {"first": "0001-01-01"}, {"last": "9999-12-31"}):
        assert 'class="problem"' in text_of(operator.get("/console/messages/", odd))
    sought = operator.post("/console/messages/?first=2026-04-11", {"sought": "+48123456789"})
    assert "Day 11 no 1" in text_of(sought)


@pytest.mark.parametrize(
    ("times", "hours"),
    [
        ({"0-0": ("09:00", "")}, "Monday: give both times"),
        ({"0-0": ("09:00", "9:00")}, "Monday: give both times"),
        ({"1-0": ("09:00", "09:00")}, "Tuesday: let both ends"),
        ({"2-0": ("13:00", "18:00"), "2-1": ("09:00", "12:00")}, "Wednesday: one window after"),
        ({"3-0": ("22:00", "06:00"), "3-1": ("23:00", "23:30")}, "Thursday: one window after"),
        ({f"{day}-0": ("00:00", "00:00") for day in range(7)}, "Hours that never close"),
        ({}, ""),
        ({"5-0": ("00:00", "00:00")}, "Sa 00:00-24:00"),
        ({"0-0": ("22:00", "00:00")}, "Mo 22:00-00:00"),
        ({"6-0": ("10:00", "12:00"), "6-1": ("22:00", "06:00")}, "Su 10:00-12:00,22:00-06:00"),
        ({"6-1": ("10:00:00", "12:00:00")}, "Su 10:00-12:00"),
    ],
)
def test_the_weeks_hours_are_taken_or_refused_by_the_day(
    tenant: Tenant, owner: Client, times: dict[str, tuple[str, str]], hours: str
) -> None:
    form = {
        "name": "Alice", "country": "PL", "time_zone": "Europe/Warsaw", "retention_days": "180",
        "kept_sms": "known", "stop_words": "", "start_words": "",
    }  # fmt: skip
    for place, ends in times.items():
        form |= {
            f"sending_hours-{place}-{end}": value
            for end, value in zip(("from", "to"), ends, strict=True)
        }
    former = "We 09:00-17:00"
    form["initial-sending_hours"] = former
    Account.objects.filter(pk=tenant.account.pk).update(sending_hours=former)
    page = owner.post("/console/settings/", form)
    is_refused = ": " in hours or hours.startswith("Hours")
    assert page.status_code == (400 if is_refused else 302), text_of(page)
    tenant.account.refresh_from_db()
    assert tenant.account.sending_hours == (former if is_refused else hours)
    assert not is_refused or hours in text_of(page)


def test_opt_outs_are_found_by_number(
    tenant: Tenant, other_tenant: Tenant, operator: Client, viewer: Client
) -> None:
    for number in range(3):
        opt_outs.opt_out(tenant.account.pk, f"+4860100000{number}", OptOut.Source.SMS)
    opt_outs.opt_out(other_tenant.account.pk, "+48601000009", OptOut.Source.SMS)
    path = "/console/opt-outs/"
    page = text_of(operator.post(path, {"sought": "601 000 001"}))
    assert re.findall(r"<strong>(\+48[ 0-9]+)</strong>", page) == ["+48 601 000 001"]
    assert "by SMS" in page
    for sought in ("601 000 009", "601 000 005"):
        assert "This number has not opted out" in text_of(operator.post(path, {"sought": sought}))
    answer = operator.post(path, {"sought": "12"})
    assert (answer.status_code, 'value="12"' in text_of(answer)) == (400, True)
    assert viewer.post(path, {"sought": "601 000 001"}).status_code == 403


def test_a_phone_is_told_of_a_newer_app_where_the_server_has_one(
    phone: Phone, viewer: Client, tmp_path: Path, settings: Any
) -> None:
    settings.DATA_DIR = tmp_path
    Device.objects.update(app_version="1.9.0", last_sync_at=timezone.now())
    assert "is there" not in text_of(viewer.get("/console/phones/"))
    (tmp_path / "apk").mkdir()
    (tmp_path / "apk" / "smsgate.apk").write_bytes(b"PK")
    for offered, mine, is_newer in (
        ("1.10.0", "1.9.0", True), ("1.9.0", "1.9.0", False), ("1.8.9", "1.9.0", False),
        ("1.10.0", "1.10.0", False), ("", "1.9.0", False), ("1.10.0", "beta", False),
    ):  # fmt: skip
        (tmp_path / "apk" / "version").write_text(f"{offered}\n")
        Device.objects.update(health={"app_version": mine})
        page = text_of(viewer.get("/console/phones/"))
        assert (f"{offered} is there" in page) == is_newer, (offered, mine)
        assert ("/pair/smsgate.apk" in page) == is_newer


def test_a_phone_says_that_its_battery_saver_may_stop_the_app(phone: Phone, viewer: Client) -> None:
    for free, is_told in ((False, True), (True, False)):
        Device.objects.update(health={"permissions": {"battery_unrestricted": free}})
        assert ("battery saver may stop" in text_of(viewer.get("/console/phones/"))) == is_told


def test_a_phone_says_by_when_it_calls_again(
    api: Api, phone: Phone, viewer: Client, manual_clock: ManualClock
) -> None:
    assert "Next call by" not in text_of(viewer.get("/console/phones/"))
    Wire(api, phone).claim()
    assert "Next call by" in text_of(viewer.get("/console/phones/"))
    Device.objects.update(silent_since=manual_clock())
    assert "Next call by" not in text_of(viewer.get("/console/phones/"))


def test_a_person_is_called_as_they_want_to_be(
    tenant: Tenant, owner: Client, operator: Client
) -> None:
    operator.post("/console/appearance/", {"called": " Piotr <Nowak>\0 ", "theme": "dark"})
    operator.post("/console/appearance/", {"theme": "light"})  # a form without the name
    name = "Piotr &lt;Nowak&gt;"
    assert 'value="Piotr &lt;Nowak&gt;"' in text_of(operator.get("/console/appearance/"))
    for path in ("team/", "audit/"):
        page = text_of(owner.get(f"/console/{path}"))
        assert f'<strong class="who">{name}</strong> <span class="soft who">piotr</span>' in page
    [entry] = audit.entries(tenant.account.pk).filter(action=Action.NAME_CHANGED)
    assert (entry.username, entry.details) == ("piotr", {})
    operator.post("/console/appearance/", {"called": ""})
    assert name not in text_of(owner.get("/console/team/"))


def test_the_overview_says_that_a_webhook_was_not_told_of_something_lately(
    tenant: Tenant, other_tenant: Tenant, owner: Client, manual_clock: ManualClock
) -> None:
    said = "One webhook was not told of everything"
    for one in (tenant, other_tenant):
        endpoint, _ = endpoints.subscribe(
            one.sender, "https://example.org/", name="", event_types=[], only_license=False
        )
        delivery = told(endpoint)
    mine = Delivery.objects.exclude(pk=delivery.pk)
    assert said in text_of(owner.get("/console/"))
    mine.update(next_at=manual_clock())  # it is tried again
    assert said not in text_of(owner.get("/console/"))
    mine.update(next_at=None, delivered_at=manual_clock())
    assert said not in text_of(owner.get("/console/"))
    mine.update(delivered_at=None)
    manual_clock.advance(days=1, seconds=1)
    assert said not in text_of(owner.get("/console/"))


def test_the_overview_says_how_much_of_the_daily_limit_is_left(
    api: Api, tenant: Tenant, viewer: Client
) -> None:
    assert "Left for today" not in text_of(viewer.get("/console/"))
    tenant.set_rules(max_daily_sms=7)
    accept(api, tenant)
    page = text_of(viewer.get("/console/"))
    assert '<div class="figure">6</div><div class="soft">of 7</div>' in page


def test_the_form_says_that_now_is_outside_the_sending_hours(
    tenant: Tenant, operator: Client, manual_clock: ManualClock
) -> None:
    manual_clock.now = dt.datetime(2026, 7, 1, 20, tzinfo=dt.UTC)  # 22:00 in Warsaw
    tenant.set_rules(sending_hours="09:00-17:00")
    page = text_of(operator.get("/console/send/"))
    assert "outside the sending hours" in page
    assert "02.07.2026 09:00" in page
    manual_clock.advance(hours=12)
    assert "outside the sending hours" not in text_of(operator.get("/console/send/"))


def test_who_runs_the_server_is_told_of_the_phone_that_ships(tenant: Tenant, owner: Client) -> None:
    assert "manage.py phone pair" not in text_of(owner.post("/console/phones/pair/"))
    root = logged_in(person("root", tenant, is_superuser=True))
    assert "manage.py phone pair" in text_of(root.post("/console/phones/pair/"))


def test_the_page_of_opt_outs_names_the_words_that_do_it(tenant: Tenant, operator: Client) -> None:
    tenant.set_rules(stop_words="basta,  koniec ;stop", start_words="")
    page = operator.get("/console/opt-outs/")
    assert (page.context["stop_words"], page.context["start_words"]) == ("stop, basta, koniec", "")
    assert "/console/contacts/imports/" in page.content.decode()


def test_the_overview_says_how_many_conversations_are_unread(
    api: Api, tenant: Tenant, phone: Phone, operator: Client, viewer: Client
) -> None:
    accept(api, tenant, phone="+48601234567")
    received = {"event_id": str(uuid4()), "type": "received", "sender": "+48601234567"}
    assert "unread" not in text_of(operator.get("/console/"))
    Wire(api, phone).report(received | {"text": "Yes", "sim": 0})
    assert "One conversation is unread." in text_of(operator.get("/console/"))
    assert "unread" not in text_of(viewer.get("/console/"))


def test_a_key_is_made_for_what_it_is_to_do_and_changed(
    api: Api, tenant: Tenant, owner: Client
) -> None:
    form = {"name": "n8n", "scopes": ["read", "send", "everything"]}
    page = text_of(owner.post("/console/keys/make/", form))
    key = re.search(r'class="link">([A-Z2-9]{12})<', page)
    assert key is not None
    made = License.objects.latest("pk")
    assert made.scopes == "send read"
    assert "send messages<br>see what became of them<br></dd>" in page
    headers = {"Authorization": f"Bearer {key[1]}"}
    inbox = api.client.get("/api/inbox/", headers=headers)
    assert (inbox.status_code, inbox.json()["code"]) == (403, "scope_missing")
    owner.post(f"/console/keys/{made.pk}/scopes/", {"scopes": ["inbox"]})
    lookup.clear_cache()
    assert api.client.get("/api/inbox/", headers=headers).status_code == 200
    entry = audit.entries(tenant.account.pk)[0]
    assert (entry.action, entry.object_id) == (Action.KEY_CHANGED, made.pk)
    assert entry.details["scopes"] == {"from": "send read", "to": "inbox"}


def test_a_key_may_everything_only_where_that_is_said(tenant: Tenant, owner: Client) -> None:
    number = License.objects.count()
    assert owner.post("/console/keys/make/", {"name": "n8n"}).status_code == 302
    assert License.objects.count() == number
    license = tenant.license
    licenses.set_scopes(license, "read")
    path = f"/console/keys/{license.pk}/scopes/"
    for ticked, stored in (([], "read"), (["everything", "send"], "send"), (["everything"], "")):
        owner.post(path, {"scopes": ticked})
        license.refresh_from_db()
        assert license.scopes == stored


def test_a_webhook_is_changed_or_keeps_what_was_typed(tenant: Tenant, owner: Client) -> None:
    first, second = (
        endpoints.subscribe(
            tenant.sender, f"https://example.org/{n}", name="", event_types=[], only_license=False
        )[0]
        for n in range(2)
    )
    path = f"/console/webhooks/{first.pk}/change/"
    form = {"url": "https://example.org/new", "name": "n8n", "events": ["message.sent"]}
    assert owner.post(path, form).status_code == 302
    first.refresh_from_db()
    assert (first.url, first.name, first.event_types) == (
        "https://example.org/new", "n8n", ["message.sent"],
    )  # fmt: skip
    for url, said in (
        (second.url, "Another webhook has this address"),
        ("ftp://x", "must be a URL"),
    ):
        answer = owner.post(path, form | {"url": url, "name": "typed"})
        assert answer.status_code == 400
        for kept in (said, f'value="{url}"', 'value="typed"', "<details open>"):
            assert kept in text_of(answer), kept
    first.refresh_from_db()
    assert first.name == "n8n"
