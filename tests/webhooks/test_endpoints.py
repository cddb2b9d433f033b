"""`/api/webhooks/`: who is told, what, and what its owner sees of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from http_api.errors import ApiError
from licenses import services
from members.models import Member, Role
from messaging.tasks import send_mail
from outbox.models import Event
from tests.conftest import Api, ManualClock, Tenant, refused
from tests.console.conftest import confirm
from tests.delivery import accept
from tests.mail_server import MailServer
from tests.receiver import Receiver
from tests.webhooks.conftest import events, subscribe, told, work
from webhooks import delivery, due, endpoints, health, retention
from webhooks.due import RETRY_MINUTES, TRIES
from webhooks.models import Delivery, Endpoint

URL = "/api/webhooks/"


def patch(api: Api, tenant: Tenant, endpoint_id: int, **fields: Any) -> Any:
    return api.client.patch(
        f"{URL}{endpoint_id}/", fields, content_type="application/json", headers=tenant.headers
    )


def post(api: Api, tenant: Tenant, path: str, **fields: Any) -> Any:
    return api.post(f"{URL}{path}", fields, **tenant.headers)


def shown(api: Api, tenant: Tenant, endpoint_id: int) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"{URL}{endpoint_id}/", tenant).json()
    return found


def deliveries(api: Api, tenant: Tenant, endpoint_id: int, **query: str) -> list[dict[str, Any]]:
    response = api.get(f"{URL}{endpoint_id}/deliveries/", tenant, **query)
    found: list[dict[str, Any]] = response.json()["results"]
    return found


def test_it_is_told_what_happens_signed_by_its_own_secret(
    api: Api, tenant: Tenant, other_tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    endpoint = subscribe(api, tenant, program.url)
    accept(api, tenant)
    accept(api, other_tenant)
    work(manual_clock)
    [call] = program.calls
    assert call.json == events(api, tenant)[0]
    assert call.headers["webhook-id"] == f"evt_{call.json['id']}"
    assert call.is_signed_with(endpoint["secret"])
    assert endpoint["secret"] != services.webhook_secret(tenant.account)
    [found] = deliveries(api, tenant, endpoint["id"])
    assert (found["state"], found["event"]) == ("delivered", call.json)
    [attempt] = found["attempts"]
    assert (attempt["status_code"], attempt["error"]) == (200, None)


def test_a_program_that_subscribes_at_each_start_is_told_once(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    first = subscribe(api, tenant, program.url, events=["message.sent"], name="n8n")
    again = subscribe(api, tenant, program.url, events=["message.accepted"], name="n8n")
    assert again == first | {"events": ["message.accepted"]}
    accept(api, tenant)
    work(manual_clock)
    assert told(program) == ["message.accepted"]


@pytest.mark.parametrize(
    ("fields", "types"),
    [
        ({}, ["message.accepted", "opt_out.created"]),
        ({"events": ["opt_out.created", "message.sent"]}, ["opt_out.created"]),
        ({"license": "own"}, ["message.accepted", "opt_out.created"]),
    ],
)
def test_it_is_told_what_it_asked_for(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock,
    fields: dict[str, Any], types: list[str],
) -> None:  # fmt: skip
    subscribe(api, tenant, program.url, **fields)
    accept(api, tenant)
    api.post("/api/opt-outs/", {"phone": "+48600100200"}, **tenant.headers)
    work(manual_clock)
    assert sorted(told(program)) == types


def test_one_of_a_licence_hears_nothing_of_another(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    _, key = services.add_license(tenant.account)
    subscribe(api, tenant, program.url, license="own")
    api.post("/api/messages/", tenant.message(license__key=key))
    work(manual_clock)
    assert told(program) == []


@pytest.mark.parametrize(
    "body",
    [
        {}, {"url": ""}, {"url": "ftp://example.com"}, {"url": "http://10.0.0.1/"},
        {"url": "https://user:pw@example.com/"}, {"url": 7}, {"url": f"https://e.com/{'x' * 2000}"},
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_called_is_refused(api: Api, tenant: Tenant, body: Any) -> None:
    refused(post(api, tenant, "", **body), 400, "invalid", "url")
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("names", [["message.send"], ["*"], "message.sent"])
def test_an_event_that_does_not_exist_is_refused(api: Api, tenant: Tenant, names: Any) -> None:
    response = post(api, tenant, "", url="https://example.com/", events=names)
    assert response.status_code == 400
    assert "events" in response.json()["errors"]


def test_another_account_sees_and_changes_nothing(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    endpoint = subscribe(api, tenant, "https://example.com/")
    path = str(endpoint["id"])
    assert api.get(URL, other_tenant).json()["results"] == []
    for response in (
        api.get(f"{URL}{path}/", other_tenant),
        api.get(f"{URL}{path}/deliveries/", other_tenant),
        patch(api, other_tenant, endpoint["id"], enabled=False),
        api.delete(f"{URL}{path}/", other_tenant),
        post(api, other_tenant, f"{path}/test/"),
        post(api, other_tenant, f"{path}/rotate/"),
        post(api, other_tenant, f"{path}/deliveries/1/replay/"),
        post(api, other_tenant, f"{path}/deliveries/replay/", since="2020-01-01T00:00:00"),
    ):
        refused(response, 404, "not_found")
    assert shown(api, tenant, endpoint["id"]) == endpoint


def test_a_key_is_told_only_what_it_may_read(api: Api, tenant: Tenant, program: Receiver) -> None:
    services.set_scopes(tenant.license, "send read manage")
    response = post(api, tenant, "", url=program.url)
    refused(response, 403, "scope_missing")
    subscribe(api, tenant, program.url, events=["message.sent", "device.silent"])
    refused(
        patch(api, tenant, Endpoint.objects.get().pk, events=["sms.received"]), 403, "scope_missing"
    )
    services.set_scopes(tenant.license, "send read")
    refused(post(api, tenant, "", url=program.url, events=["message.sent"]), 403, "scope_missing")


def test_a_key_sees_of_what_was_told_only_what_it_may_read(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    endpoint = subscribe(api, tenant, program.url)
    accept(api, tenant)
    work(manual_clock)
    [found] = deliveries(api, tenant, endpoint["id"])
    services.set_scopes(tenant.license, "manage contacts")
    assert deliveries(api, tenant, endpoint["id"]) == []
    path = f"{endpoint['id']}/deliveries/{found['id']}/replay/"
    refused(post(api, tenant, path), 404, "not_found")


@pytest.mark.parametrize("field", ["name", "enabled"])
def test_a_change_undoes_nothing_that_happened_since_its_request_was_read(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock, field: str
) -> None:
    endpoint = subscribe(api, tenant, program.url)
    as_read = Endpoint.objects.get()
    secret = post(api, tenant, f"{endpoint['id']}/rotate/").json()["secret"]
    health.disable(Endpoint.objects.get(), Endpoint.Disabled.GONE, manual_clock.now)
    endpoints.change(as_read, {"name": "CRM"} if field == "name" else {"enabled": False})
    after = shown(api, tenant, endpoint["id"])
    assert (after["secret"], after["disabled_reason"]) == (secret, "gone")
    as_read = Endpoint.objects.get()
    api.delete(f"{URL}{endpoint['id']}/", tenant)
    with pytest.raises(ApiError):
        endpoints.change(as_read, {"name": "CRM"})


def test_a_new_url_begins_in_good_health(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    endpoint = subscribe(api, tenant, f"{program.url}&wrong")
    program.status = 404
    for number in range(9):
        accept(api, tenant, f"a-{number}")
        work(manual_clock, hours=20)
    accept(api, tenant, "last")
    changed = patch(api, tenant, endpoint["id"], url=program.url).json()
    assert (changed["enabled"], changed["failing_since"]) == (True, None)
    program.calls.clear()
    program.status = 200
    work(manual_clock, seconds=1)
    assert "last" in [call.json["data"]["external_id"] for call in program.calls]


def test_a_test_goes_to_its_endpoint_alone_whatever_that_asked_for(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    one = subscribe(api, tenant, program.url, events=["sms.received"])
    subscribe(api, tenant, f"{program.url}&other")
    assert post(api, tenant, f"{one['id']}/test/").status_code == 202
    work(manual_clock)
    [call] = program.calls
    assert (call.path, call.json["type"]) == ("/hook?key=SECRET", "webhook.test")
    assert call.is_signed_with(one["secret"])


def test_after_a_rotation_both_secrets_sign_for_a_day(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    old = subscribe(api, tenant, program.url)
    new = post(api, tenant, f"{old['id']}/rotate/").json()
    assert new == old | {"secret": new["secret"]}
    assert new["secret"] != old["secret"]
    for hours, signers in ((0, 2), (25, 1)):
        manual_clock.advance(hours=hours)
        accept(api, tenant, f"a-{hours}")
        work(manual_clock)
        call = program.calls[-1]
        assert len(call.headers["webhook-signature"].split()) == signers
        assert call.is_signed_with(new["secret"])
        assert call.is_signed_with(old["secret"]) == (signers == 2)


@pytest.mark.django_db(transaction=True)
def test_its_owners_are_mailed_when_it_is_switched_off_and_see_no_secret_of_its_url(
    api: Api, tenant: Tenant, program: Receiver, mails: MailServer, manual_clock: ManualClock
) -> None:
    for name, role in (("olga", Role.OWNER), ("piotr", Role.OPERATOR)):
        user = User.objects.create_user(name, email=f"{name}@example.org")
        confirm(user)
        Member.objects.create(account=tenant.account, user=user, role=role)
    endpoint = subscribe(api, tenant, program.url)
    accept(api, tenant)
    program.status = 410
    work(manual_clock)
    send_mail()
    [mail] = mails.mails
    assert (mail["To"], mail["Subject"]) == (
        "olga@example.org",
        "Webhook do 127.0.0.1 jest wyłączony",
    )
    assert f"/console/webhooks/{endpoint['id']}/" in mail.get_content()
    assert "SECRET" not in mail.get_content()
    patch(api, tenant, endpoint["id"], enabled=True)
    patch(api, tenant, endpoint["id"], enabled=False)
    send_mail()
    assert len(mails.mails) == 1


@pytest.mark.parametrize("status", [410, 500])
def test_one_that_is_gone_hears_nothing_more_and_its_owner_sees_why(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock, status: int
) -> None:
    endpoint = subscribe(api, tenant, program.url)
    accept(api, tenant)
    program.status = status
    work(manual_clock)
    after = shown(api, tenant, endpoint["id"])
    is_gone = status == 410
    assert (after["enabled"], after["disabled_reason"]) == (
        not is_gone,
        "gone" if is_gone else None,
    )
    [found] = deliveries(api, tenant, endpoint["id"], state="failed" if is_gone else "pending")
    assert found["attempts"][0]["status_code"] == status
    accept(api, tenant, "a-2")
    work(manual_clock, minutes=2)
    assert len(program.calls) == (1 if is_gone else 3)


def test_one_that_fails_for_seven_days_is_switched_off_and_on_again_it_misses_nothing(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    endpoint = subscribe(api, tenant, program.url)
    program.status = 503
    for day in range(8):
        accept(api, tenant, f"a-{day}")
        for _ in range(24):
            work(manual_clock, hours=1)
    after = shown(api, tenant, endpoint["id"])
    assert (after["enabled"], after["disabled_reason"]) == (False, "failing")
    accept(api, tenant, "after")
    calls = len(program.calls)
    work(manual_clock, days=1)
    assert len(program.calls) == calls
    refused(post(api, tenant, f"{endpoint['id']}/test/"), 409, "conflict")
    since = {"since": "2026-04-01T00:00:00Z"}
    replay = f"{endpoint['id']}/deliveries/replay/"
    refused(post(api, tenant, replay, **since), 409, "conflict")
    program.status = 200
    program.calls.clear()
    assert patch(api, tenant, endpoint["id"], enabled=True).json()["enabled"]
    assert post(api, tenant, replay, **since).json() == {"replayed_count": 8}
    work(manual_clock)
    ids = [call.json["data"]["external_id"] for call in program.calls]
    assert sorted(ids) == [f"a-{day}" for day in range(8)]
    assert [one["data"]["external_id"] for one in events(api, tenant)][-1] == "after"


def test_one_that_its_owner_switches_off_rests_until_it_is_switched_on(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    endpoint = subscribe(api, tenant, program.url)
    after = patch(api, tenant, endpoint["id"], enabled=False).json()
    assert (after["enabled"], after["disabled_reason"]) == (False, "owner")
    accept(api, tenant)
    work(manual_clock)
    assert program.calls == []
    again = patch(api, tenant, endpoint["id"], enabled=True).json()
    assert (again["enabled"], again["disabled_at"]) == (True, None)


def test_a_success_in_between_begins_the_seven_days_anew(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    endpoint = subscribe(api, tenant, program.url)
    for day in range(12):
        program.status = 200 if day == 6 else 503
        accept(api, tenant, f"a-{day}")
        for _ in range(24):
            work(manual_clock, hours=1)
    assert shown(api, tenant, endpoint["id"])["enabled"]


def test_events_of_one_message_come_in_order_though_one_of_them_failed(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    subscribe(api, tenant, program.url)
    first, second = accept(api, tenant), accept(api, tenant, "a-2")
    program.status = 500
    work(manual_clock)
    for message_id in (first, second):
        assert api.delete(f"/api/messages/{message_id}/", tenant).status_code == 200
    work(manual_clock, seconds=1)
    program.status = 200
    work(manual_clock, minutes=2)
    work(manual_clock, minutes=2)
    taken = [(call.json["data"]["id"], call.json["type"]) for call in program.calls[2:]]
    for message_id in (first, second):
        mine = [kind for one, kind in taken if one == message_id]
        assert mine == ["message.accepted", "message.cancelled"]


def test_one_delivery_is_sent_again_when_asked(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    endpoint = subscribe(api, tenant, program.url)
    accept(api, tenant)
    work(manual_clock)
    [found] = deliveries(api, tenant, endpoint["id"])
    path = f"{endpoint['id']}/deliveries/{found['id']}/replay/"
    assert post(api, tenant, path).json()["state"] == "pending"
    work(manual_clock)
    first, second = program.calls
    assert (first.json, first.headers["webhook-id"]) == (second.json, second.headers["webhook-id"])
    refused(post(api, tenant, f"{endpoint['id']}/deliveries/9999999/replay/"), 404, "not_found")


def test_what_is_given_up_stays_in_sight(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(health, "FAILURES", 100)
    endpoint = subscribe(api, tenant, program.url)
    accept(api, tenant)
    program.status = 500
    for minutes in (0, *RETRY_MINUTES):
        work(manual_clock, minutes=minutes)
    assert len(program.calls) == TRIES
    [found] = deliveries(api, tenant, endpoint["id"], state="failed")
    assert len(found["attempts"]) == TRIES
    assert shown(api, tenant, endpoint["id"])["failing_since"] is not None


def test_a_slow_receiver_holds_up_no_other_of_its_account(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name in ("slow", "slower", "slowest"):
        subscribe(api, tenant, f"{program.url}&{name}")
    for number in range(40):
        accept(api, tenant, f"a-{number}")
    delivery.look()
    monkeypatch.setattr(due, "MAX_RUN", 1)
    under_way: list[due.Run] = []
    while taken := due.take(manual_clock.now, under_way):
        under_way += taken
    assert Delivery.objects.filter(tries=0).count() > 80, "they have more than there is room for"
    quick = subscribe(api, tenant, f"{program.url}&quick")
    accept(api, tenant, "last")
    delivery.look()
    [[first]] = due.take(manual_clock.now, under_way)
    assert first.endpoint_id == quick["id"]


def test_deleting_one_deletes_what_waits_for_it(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    endpoint = subscribe(api, tenant, program.url)
    accept(api, tenant)
    program.status = 500
    work(manual_clock)
    assert api.delete(f"{URL}{endpoint['id']}/", tenant).status_code == 204
    refused(api.get(f"{URL}{endpoint['id']}/", tenant), 404, "not_found")
    refused(api.delete(f"{URL}{endpoint['id']}/", tenant), 404, "not_found")
    assert api.get(URL, tenant).json()["results"] == []
    program.status = 200
    work(manual_clock, minutes=5)
    assert len(program.calls) == 1
    assert subscribe(api, tenant, program.url)["id"] != endpoint["id"]
    work(manual_clock)
    retention.delete_old(lambda: True)
    assert not Delivery.objects.exists()
    assert Endpoint.objects.count() == 1
    assert Event.objects.exists()


def test_deleting_one_takes_as_long_however_much_it_was_told(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A request may not take what a month of deliveries takes; nor meet a worker that tells it more."""
    endpoint = subscribe(api, tenant, program.url)
    for number in range(5):
        accept(api, tenant, f"a-{number}")
    work(manual_clock)
    assert api.delete(f"{URL}{endpoint['id']}/", tenant).status_code == 204
    assert Delivery.objects.count() == 5
    monkeypatch.setattr(retention, "PIECE", 2)
    manual_clock.advance(minutes=2)
    retention.delete_old(lambda: True)
    assert not Delivery.objects.exists()
    assert not Endpoint.objects.exists()


def test_a_host_of_sends_is_forgotten_when_nothing_is_told_it_any_more(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    accept(api, tenant, callback_url=program.url)
    work(manual_clock)
    work(manual_clock, days=20)
    retention.delete_old(lambda: True)
    assert Endpoint.objects.get().kind == "callback"
    work(manual_clock, days=20)
    retention.delete_old(lambda: True)
    assert not Endpoint.objects.exists()


def test_one_that_is_deleted_while_it_is_told_harms_no_other(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    endpoint = subscribe(api, tenant, f"{program.url}&gone")
    subscribe(api, tenant, program.url)
    accept(api, tenant)
    delivery.look()
    taken = [one for run in due.take(manual_clock.now, []) for one in run]
    api.delete(f"{URL}{endpoint['id']}/", tenant)
    manual_clock.advance(minutes=2)
    retention.delete_old(lambda: True)
    health.record([(one, delivery.Outcome(manual_clock.now, status_code=200)) for one in taken])
    assert Delivery.objects.get().delivered_at == manual_clock.now


# --- URLs of a send ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["single", "bulk", "contact", "contacts"])
def test_a_send_names_the_url_that_is_told_of_it(
    api: Api, tenant: Tenant, program: Receiver, manual_clock: ManualClock, kind: str
) -> None:
    url = f"{program.url}&mine"
    item = {"external_id": "a-1", "phone": "+48600100200", "message": "x"}
    person = {"name": "Jan", "phone": "+48600100200", "message": "x"}
    person["send_after"] = "2026-04-10T09:00:00"
    path, body = {
        "single": ("messages", tenant.message() | {"callback_url": url}),
        "bulk": ("messages/bulk", tenant.bulk([item], callback_url=url)),
        "contact": ("contacts/contacts", tenant.with_keys(callback_url=url, **person)),
        "contacts": ("contacts/contacts/bulk", tenant.with_keys(callback_url=url, contacts=[person])),
    }[kind]  # fmt: skip
    assert api.post(f"/api/{path}/", body).status_code == 201
    accept(api, tenant, "without")
    work(manual_clock)
    [call] = program.calls
    assert (call.path, call.json["type"]) == ("/hook?key=SECRET&mine", "message.accepted")
    assert call.is_signed_with(services.webhook_secret(tenant.account))
    message_id = call.json["data"]["id"]
    assert api.delete(f"/api/messages/{message_id}/", tenant).status_code == 200
    work(manual_clock, seconds=1)
    assert told(program) == ["message.accepted", "message.cancelled"]
    assert api.get(URL, tenant).json()["results"] == []


def test_a_url_of_a_send_that_cannot_be_called_refuses_it(api: Api, tenant: Tenant) -> None:
    body = tenant.message(callback_url="http://127.0.0.1/")
    refused(api.post("/api/messages/", body), 400, "invalid", "callback_url")
    assert events(api, tenant) == []
