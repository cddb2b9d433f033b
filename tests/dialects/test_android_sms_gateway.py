"""SMS Gateway for Android: its API for programs (docs/dialects.md, and its published clients)."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from dialects.android_sms_gateway import DIALECT, responses, words
from licenses import services
from licenses.models import Device
from messaging.models import Batch, Message
from messaging.services import opt_outs
from messaging.states import MessageState
from tests.conftest import Api, ManualClock, Phone, Tenant, note_use
from tests.delivery import Wire, event, sent
from tests.dialects.conformance import NUMBER, TEXT, Conformance

SEEDS = "/api/3rdparty/v1/"
PEERS = "/3rdparty/v1/"


def basic(tenant: Tenant) -> dict[str, str]:
    pair = f"{tenant.keys.username}:{tenant.keys.password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


class TestItConforms(Conformance):
    dialect = DIALECT
    path = "messages"
    routes_with_id = (
        ("GET", "messages/{id}"),
        ("GET", "message/{id}"),
        ("DELETE", "messages/{id}"),
    )
    state_path = "messages/{id}"
    lists = ("messages",)

    def headers(self, tenant: Tenant) -> dict[str, str]:
        return basic(tenant)

    def body(self, tenant: Tenant, phone: str = NUMBER, text: str = TEXT) -> dict[str, Any]:
        return {"phoneNumbers": [phone], "textMessage": {"text": text}}

    def id_of(self, response: Any) -> str:
        return str(response.json()["id"])

    def state_in(self, response: Any) -> str:
        [recipient] = response.json()["recipients"]
        assert response.json()["state"] == recipient["state"]
        return str(recipient["state"])

    def check_shape(self, response: Any) -> None:
        body = response.json()
        assert list(body) == ["message"]
        assert body["message"]

    def check_opted_out(self, api: Api, tenant: Tenant, response: Any) -> None:
        assert response.status_code == 200
        shown = response.json()
        assert shown["state"] == "Failed"
        assert shown["recipients"] == [
            {"phoneNumber": NUMBER, "state": "Failed", "error": "the recipient has opted out"}
        ]


class Program:
    """A client of this API, logged in."""

    def __init__(self, api: Api, tenant: Tenant, mount: str = PEERS) -> None:
        self.api = api
        self.mount = mount
        self.headers = basic(tenant)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.api.client.generic(
            method,
            self.mount + path,
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers=self.headers | headers,
        )

    def send(self, *phones: str, text: str = "Hello", **fields: Any) -> Any:
        body = {"phoneNumbers": list(phones or [NUMBER]), "textMessage": {"text": text}} | fields
        return self.call("POST", "messages", body)

    def state(self, message_id: str) -> dict[str, Any]:
        response = self.call("GET", f"messages/{message_id}")
        assert response.status_code == 200, response.content
        shown: dict[str, Any] = response.json()
        return shown


@pytest.fixture
def program(api: Api, tenant: Tenant) -> Program:
    return Program(api, tenant)


# --- sending -----------------------------------------------------------------------------------


def test_the_documents_own_path_answers_as_the_document_says(api: Api, tenant: Tenant) -> None:
    response = Program(api, tenant, SEEDS).send(withDeliveryReport=True)
    assert response.status_code == 200
    assert UUID(response.json()["id"])


def test_the_vendors_path_answers_202_and_where_to_look(program: Program) -> None:
    response = program.send()
    assert response.status_code == 202
    assert response["Location"] == f"/3rdparty/v1/messages/{response.json()['id']}"


def test_an_answer_has_all_that_the_clients_read(
    program: Program, manual_clock: ManualClock
) -> None:
    shown = program.send().json()
    assert shown == {
        "id": shown["id"],
        "deviceId": "",
        "state": "Pending",
        "isHashed": False,
        "isEncrypted": False,
        "createdAt": "2026-04-09T14:32:00.000Z",
        "recipients": [{"phoneNumber": NUMBER, "state": "Pending", "error": None}],
        "states": {"Pending": "2026-04-09T14:32:00.000Z"},
    }
    assert program.state(shown["id"]) == shown


def test_each_recipient_gets_a_message_of_one_batch(program: Program) -> None:
    phones = [f"+4860010020{n}" for n in range(5)]
    shown = program.send(*phones).json()
    assert [recipient["phoneNumber"] for recipient in shown["recipients"]] == phones
    batch = Batch.objects.get()
    assert batch.external_id == shown["id"]
    assert [message.phone for message in batch.messages.order_by("pk")] == phones


def test_one_that_opted_out_does_not_keep_the_others_from_it(
    program: Program, tenant: Tenant
) -> None:
    phones = ["+48600100201", "+48600100202", "+48600100203"]
    opt_outs.opt_out(tenant.keys.account_id, phones[1], opt_outs.Source.API)
    tenant.set_rules(max_daily_sms=2)
    shown = program.send(*phones).json()
    assert [r["phoneNumber"] for r in shown["recipients"]] == phones
    assert [r["state"] for r in shown["recipients"]] == ["Pending", "Failed", "Pending"]
    assert shown["recipients"][1]["error"] == "the recipient has opted out"
    assert shown["state"] == "Pending"


def test_the_limit_refuses_all_recipients_or_none(program: Program, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=2)
    response = program.send("+48600100201", "+48600100202", "+48600100203")
    assert response.status_code == 403
    assert not Message.objects.exists()
    assert not Batch.objects.exists()
    assert program.send("+48600100201", "+48600100202").status_code == 202


def test_the_clients_own_id_is_used_once(program: Program, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=10)
    assert program.send(id="order-7").json()["id"] == "order-7"
    for phones in (["+48600100209"], ["+48600100209", "+48600100208"]):
        again = program.send(*phones, id="order-7")
        assert again.status_code == 409
        assert list(again.json()) == ["message"]
    assert Message.objects.count() == 1
    assert program.state("order-7")["state"] == "Pending"


def test_two_licences_may_use_the_same_id(api: Api, program: Program, other_tenant: Tenant) -> None:
    assert program.send(id="order-7").status_code == 202
    assert Program(api, other_tenant).send(id="order-7", text="Bob's").status_code == 202
    assert {message.text for message in Message.objects.all()} == {"Hello", "Bob's"}


def test_its_fields_are_ours(program: Program, manual_clock: ManualClock) -> None:
    response = program.send(
        simNumber=2,
        priority=5,
        withDeliveryReport=False,
        scheduleAt="2026-04-10T09:00:00+02:00",
        validUntil="2026-04-10T12:00:00+02:00",
    )
    assert response.status_code == 202
    message = Message.objects.get()
    assert (message.sim, message.priority, message.status) == (1, 15, "scheduled")
    assert message.due_at == dt.datetime(2026, 4, 10, 7, tzinfo=dt.UTC)
    assert message.send_before == dt.datetime(2026, 4, 10, 10, tzinfo=dt.UTC)


def test_its_usual_priority_is_our_usual_one(program: Program, tenant: Tenant) -> None:
    program.send(priority=0)
    program.api.post("/api/messages/", tenant.message())
    assert len(set(Message.objects.values_list("priority", flat=True))) == 1


@pytest.mark.parametrize("start", [None, "2026-04-10T09:00:00Z"])
def test_a_time_to_live_counts_from_the_start(
    program: Program, manual_clock: ManualClock, start: str | None
) -> None:
    program.send(ttl=3600, scheduleAt=start)
    begins = dt.datetime(2026, 4, 10, 9, tzinfo=dt.UTC) if start else manual_clock.now
    assert Message.objects.get().send_before == begins + dt.timedelta(hours=1)


def test_the_deprecated_text_is_still_taken(program: Program) -> None:
    body = {"phoneNumbers": [NUMBER], "message": "Old style"}
    assert program.call("POST", "message", body).status_code == 202
    assert Message.objects.get().text == "Old style"


def test_a_machines_long_number_is_taken_where_the_client_wants_no_check(program: Program) -> None:
    machine = "+4759000123456"  # Norway's: four digits more than a person's
    body = {"phoneNumbers": [machine], "textMessage": {"text": TEXT}}
    for path in ("messages", "messages?skipPhoneValidation=false"):
        assert program.call("POST", path, body).status_code == 400
    assert program.call("POST", "messages?skipPhoneValidation=true", body).status_code == 202
    assert Message.objects.get().phone == machine
    for wrong in ("+4812345678901234", "abc", "+48600100200.0", "4521234567"):
        body["phoneNumbers"] = [wrong]
        answer = program.call("POST", "messages?skipPhoneValidation=true", body)
        assert answer.status_code == 400, wrong


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"phoneNumbers": []}, "phoneNumbers"),
        ({"phoneNumbers": None}, "phoneNumbers"),
        ({"phoneNumbers": [NUMBER, "+48 600 100 200"]}, "phoneNumbers"),
        ({"phoneNumbers": [f"+4860010{n:04}" for n in range(101)]}, "phoneNumbers"),
        ({"phoneNumbers": [NUMBER, "nonsense"]}, "phoneNumbers.1"),
        ({"textMessage": None}, "textMessage"),
        ({"textMessage": {"text": ""}}, "textMessage.text"),
        ({"textMessage": {"text": "x" * 1531}}, "textMessage.text"),
        ({"message": "two texts"}, "textMessage"),
        ({"dataMessage": {"data": "aGk=", "port": 1}}, "dataMessage"),
        ({"mmsMessage": {"text": "hi"}}, "mmsMessage"),
        ({"isEncrypted": True}, "isEncrypted"),
        ({"simNumber": 0}, "simNumber"),
        ({"simNumber": 4}, "simNumber"),
        ({"priority": 128}, "priority"),
        ({"ttl": 4}, "ttl"),
        ({"ttl": 60, "validUntil": "2036-01-01T00:00:00Z"}, "ttl"),
        ({"validUntil": "2020-01-01T00:00:00Z"}, "validUntil"),
        ({"validUntil": "soon"}, "validUntil"),
        ({"scheduleAt": "2036-01-02T00:00:00Z", "validUntil": "2036-01-01T00:00:00Z"},
         "validUntil: must be after scheduleAt"),
        ({"id": "x" * 37}, "id"),
        ({"id": "order/7"}, "id: may hold no slash"),
        ({"deviceId": "12345"}, "deviceId"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_as_the_vendor_names_it(
    program: Program, fields: dict[str, Any], named: str
) -> None:
    body = {"phoneNumbers": [NUMBER], "textMessage": {"text": "Hello"}} | fields
    response = program.call("POST", "messages", body)
    assert response.status_code == 400
    assert named in response.json()["message"]
    assert not Message.objects.exists()


def test_a_device_can_be_asked_for_where_it_is_the_only_one(
    program: Program, tenant: Tenant, phone: Phone
) -> None:
    assert program.send(deviceId=str(phone.device.pk)).status_code == 202
    code = services.new_pairing_code(tenant.license).code
    services.pair(code, install_id="install-2", name="Second")
    assert program.send(deviceId=str(phone.device.pk)).status_code == 400


# --- states ------------------------------------------------------------------------------------


def test_the_states_are_the_vendors(program: Program, phone: Phone) -> None:
    wire = Wire(program.api, phone)
    message_id = program.send().json()["id"]
    pk = Message.objects.get().pk
    wire.claim()
    assert program.state(message_id)["state"] == "Processed"
    assert program.state(message_id)["deviceId"] == str(phone.device.pk)
    wire.report(*sent(pk))
    assert program.state(message_id)["state"] == "Sent"
    wire.report(event("part_delivered", pk, part=1, parts=1))
    shown = program.state(message_id)
    assert shown["state"] == shown["recipients"][0]["state"] == "Delivered"
    assert list(shown["states"]) == ["Pending", "Sent", "Delivered"]


def test_what_failed_says_why(program: Program, phone: Phone) -> None:
    wire = Wire(program.api, phone)
    message_id = program.send().json()["id"]
    pk = Message.objects.get().pk
    wire.claim()
    wire.report(
        event("started", pk, parts=1),
        event("part_failed", pk, part=1, parts=1, code="no_service"),
    )
    [recipient] = program.state(message_id)["recipients"]
    assert recipient["state"] == "Failed"
    assert recipient["error"] == "the phone could not send it: no_service"


def _with_messages(tenant: Tenant, *batches: Sequence[dict[str, Any]]) -> list[Batch]:
    """A batch for each of these, with messages of these fields."""
    now = dt.datetime(2026, 4, 9, 14, 32, tzinfo=dt.UTC)
    ours = {"account_id": tenant.keys.account_id, "license_id": tenant.keys.license_id}
    made = Batch.objects.bulk_create(
        Batch(dialect=DIALECT.name, external_id=str(uuid4()), created_at=now, **ours)
        for _ in batches
    )
    Message.objects.bulk_create(
        Message(
            batch=batch, phone=NUMBER, text="Hello", due_at=now, any_hour=False, parts=1,
            encoding="gsm7", created_at=now, sent_at=now, **fields, **ours,
        )
        for batch, messages in zip(made, batches, strict=True)
        for fields in messages
    )  # fmt: skip
    return made


def test_a_list_finds_a_state_by_the_rule_that_shows_it(program: Program, tenant: Tenant) -> None:
    """All pairs of what two recipients can be in."""
    kinds: list[dict[str, Any]] = [{"status": state.value} for state in MessageState]
    kinds += [
        {"status": "leased", "cancel_requested": True},
        {"status": "cancelled", "failure_reason": "opted_out"},
    ]
    pairs = list(itertools.combinations_with_replacement(kinds, 2))
    expected: dict[str, list[str]] = {}
    for batch in reversed(_with_messages(tenant, *pairs)):
        shown = responses.message(batch, list(batch.messages.all()))
        expected.setdefault(shown["state"], []).append(shown["id"])
    assert set(expected) == {*words.ANY_OF, *words.ALL_OF, words.MIXED}
    for state, ids in expected.items():
        response = program.call("GET", f"messages?limit=100&state={state}")
        assert [shown["id"] for shown in response.json()] == ids
        assert {shown["state"] for shown in response.json()} == {state}
        assert response["X-Total-Count"] == str(len(ids))


# --- lists -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mount", "page", "step"), [(SEEDS, 20, "skip"), (SEEDS, 20, "offset"), (PEERS, 50, "offset")]
)
def test_the_newest_come_first_in_pages(
    api: Api, tenant: Tenant, mount: str, page: int, step: str
) -> None:
    made = _with_messages(tenant, *[[{"status": "pending"}]] * 60)
    ids = [batch.external_id for batch in made][::-1]
    program = Program(api, tenant, mount)

    def listed(query: str) -> list[str]:
        response = program.call("GET", f"messages?{query}")
        assert response.status_code == 200, response.content
        assert response["X-Total-Count"] == "60"
        return [shown["id"] for shown in response.json()]

    assert listed("") == ids[:page]
    assert listed(f"{step}=15&limit=10") == ids[15:25]
    for oldest_first in ("created_at", "+created_at", "%2Bcreated_at"):
        assert listed(f"sort={oldest_first}&limit=3") == ids[::-1][:3]
    assert listed(f"{step}=100") == []


def test_a_state_is_searched_for_in_the_list(program: Program, tenant: Tenant) -> None:
    _, gone = _with_messages(tenant, [{"status": "pending"}], [{"status": "cancelled"}])
    response = program.call("GET", "messages?state=Cancelled")
    assert [shown["id"] for shown in response.json()] == [gone.external_id]
    assert response["X-Total-Count"] == "1"


def test_a_list_has_the_documented_fields(api: Api, tenant: Tenant) -> None:
    Program(api, tenant, SEEDS).send()
    [shown] = Program(api, tenant, SEEDS).call("GET", "messages").json()
    assert shown["state"] == "Pending"
    assert dt.datetime.fromisoformat(shown["createdAt"])
    assert len(shown["createdAt"]) == len("2026-05-17T09:32:11.421Z")


def test_a_list_can_be_narrowed(program: Program, manual_clock: ManualClock, phone: Phone) -> None:
    early = program.send().json()["id"]
    Wire(program.api, phone).claim()
    manual_clock.advance(hours=1)
    late = program.send().json()["id"]

    def listed(query: str) -> list[str]:
        return [shown["id"] for shown in program.call("GET", f"messages?{query}").json()]

    assert listed("from=2026-04-09T15:00:00Z") == [late]
    assert listed("to=2026-04-09T15:00:00Z") == [early]
    assert listed(f"deviceId={phone.device.pk}") == [early]
    assert listed("deviceId=nobody") == []
    [shown] = program.call("GET", "messages?limit=1&includeContent=true").json()
    assert shown["textMessage"] == {"text": "Hello"}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "skip=-1", "state=Gone", "from=x"])
def test_a_wrong_query_is_refused(program: Program, query: str) -> None:
    response = program.call("GET", f"messages?{query}")
    assert response.status_code == 400
    assert list(response.json()) == ["message"]


def test_a_page_takes_a_fixed_number_of_queries(
    program: Program, tenant: Tenant, django_assert_num_queries: Any
) -> None:
    _with_messages(tenant, *[[{"status": "pending"}, {"status": "sent"}]] * 7)
    note_use(tenant)
    with django_assert_num_queries(6):  # sender, ids, batches, messages, count, phones
        program.call("GET", "messages")


# --- cancelling --------------------------------------------------------------------------------


def test_what_no_phone_has_started_is_cancelled(program: Program, phone: Phone) -> None:
    message_id = program.send("+48600100201", "+48600100202").json()["id"]
    response = program.call("DELETE", f"messages/{message_id}")
    assert response.status_code == 200
    assert response.json()["state"] == "Cancelled"
    assert Wire(program.api, phone).claim() == []
    assert program.call("DELETE", f"messages/{message_id}").status_code == 200  # as often as asked


def test_what_a_phone_holds_is_asked_back(program: Program, phone: Phone) -> None:
    message_id = program.send().json()["id"]
    [held] = Wire(program.api, phone).claim()
    assert program.call("DELETE", f"messages/{message_id}").json()["state"] == "Cancelling"
    held_now = [{"message_id": held["message_id"], "attempt": held["attempt"]}]
    assert Wire(program.api, phone).sync(held=held_now, capacity=0)["cancel"] == [
        held["message_id"]
    ]


def test_what_was_sent_cannot_be_cancelled(program: Program, phone: Phone) -> None:
    message_id = program.send().json()["id"]
    wire = Wire(program.api, phone)
    wire.claim()
    wire.report(*sent(Message.objects.get().pk))
    response = program.call("DELETE", f"messages/{message_id}")
    assert response.status_code == 409
    assert list(response.json()) == ["message"]


# --- keys and tokens ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic OnA=",  # no username
        "Basic dTo=",  # no password
        "Basic dQ==",  # no colon
        "Basic 4A==",  # not UTF-8
        "Basic AGE6YQ==",  # a NUL
        "Bearer",
        "Bearer a.b.c",
    ],
)
def test_a_wrong_log_in_is_401(api: Api, tenant: Tenant, authorization: str) -> None:
    response = api.client.get(f"{SEEDS}messages", headers={"Authorization": authorization})
    assert response.status_code == 401
    assert list(response.json()) == ["message"]


@pytest.mark.parametrize("wrong", ["username", "password"])
def test_half_of_the_pair_opens_nothing(
    api: Api, tenant: Tenant, other_tenant: Tenant, wrong: str
) -> None:
    mine, theirs = tenant.keys, other_tenant.keys
    pair = {"username": mine.username, "password": mine.password} | {wrong: getattr(theirs, wrong)}
    text = base64.b64encode(f"{pair['username']}:{pair['password']}".encode()).decode()
    response = api.client.get(f"{SEEDS}messages", headers={"Authorization": f"Basic {text}"})
    assert response.status_code == 401


def as_bearer(program: Program, token: str) -> Program:
    program.headers = {"Authorization": f"Bearer {token}"}
    return program


def test_a_credentials_own_token_is_a_bearer_token(api: Api, tenant: Tenant) -> None:
    assert as_bearer(Program(api, tenant), tenant.keys.token).send().status_code == 202


def new_token(program: Program, *scopes: str, **fields: Any) -> dict[str, Any]:
    response = program.call("POST", "auth/token", {"scopes": list(scopes)} | fields)
    assert response.status_code == 201, response.content
    made: dict[str, Any] = response.json()
    return made


def test_a_token_comes_in_both_spellings(program: Program, manual_clock: ManualClock) -> None:
    made = new_token(program, "messages:send", ttl=3600)
    for snake, camel in (
        ("access_token", "accessToken"),
        ("refresh_token", "refreshToken"),
        ("token_type", "tokenType"),
        ("expires_at", "expiresAt"),
    ):
        assert made[snake] == made[camel]
    assert made["token_type"] == "Bearer"
    assert made["expires_at"] == "2026-04-09T15:32:00Z"
    header, claims, _ = made["access_token"].split(".")
    read = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert read["jti"] == made["id"]
    assert read["scopes"] == ["messages:send"]
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == "HS256"


def test_a_token_may_do_what_its_scopes_say(api: Api, tenant: Tenant, program: Program) -> None:
    message_id = program.send().json()["id"]
    token = new_token(program, "messages:read", "tokens:manage")["access_token"]
    limited = as_bearer(Program(api, tenant), token)
    assert limited.call("GET", f"messages/{message_id}").status_code == 200
    for refused, scope in (
        (limited.send(), "messages:send"),
        (limited.call("GET", "messages"), "messages:list"),
        (limited.call("DELETE", f"messages/{message_id}"), "messages:cancel"),
        (limited.call("GET", "devices"), "devices:list"),
        (limited.call("DELETE", "devices/1"), "devices:delete"),
        (limited.call("POST", "auth/token", {"scopes": ["all:any"]}), "all:any"),
    ):
        assert refused.status_code == 403
        assert refused.json() == {"message": f"scope required: {scope}"}
    everything = new_token(program, "all:any")["access_token"]
    assert as_bearer(Program(api, tenant), everything).send().status_code == 202


def test_a_token_ends_when_it_was_to_end(
    api: Api, tenant: Tenant, program: Program, manual_clock: ManualClock
) -> None:
    token = new_token(program, "messages:list", ttl=60)["access_token"]
    limited = as_bearer(Program(api, tenant), token)
    assert limited.call("GET", "messages").status_code == 200
    manual_clock.advance(seconds=61)
    assert limited.call("GET", "messages").status_code == 401


def test_a_revoked_token_and_its_refresh_token_are_void(
    api: Api, tenant: Tenant, program: Program
) -> None:
    made = new_token(program, "messages:list")
    assert program.call("DELETE", f"auth/token/{made['id']}").status_code == 204
    for path, method, token in (
        ("messages", "GET", made["access_token"]),
        ("auth/token/refresh", "POST", made["refresh_token"]),
    ):
        assert as_bearer(Program(api, tenant), token).call(method, path).status_code == 401


@pytest.mark.parametrize("token_id", ["-" * 36, "nonsense", "716100b8-83dc-4873-8e12-fd02f8c414ed"])
def test_revoking_what_is_no_token_does_no_harm(program: Program, token_id: str) -> None:
    assert program.call("DELETE", f"auth/token/{token_id}").status_code in {204, 404}


def test_nobody_revokes_another_licences_token(
    api: Api, tenant: Tenant, other_tenant: Tenant, program: Program
) -> None:
    made = new_token(program, "messages:list")
    Program(api, other_tenant).call("DELETE", f"auth/token/{made['id']}")
    assert as_bearer(program, made["access_token"]).call("GET", "messages").status_code == 200


def test_a_refresh_token_is_good_for_one_new_pair(
    api: Api, tenant: Tenant, program: Program
) -> None:
    made = new_token(program, "messages:list")
    refreshing = as_bearer(Program(api, tenant), made["refresh_token"])
    assert refreshing.call("GET", "messages").status_code == 401  # it opens nothing else
    response = refreshing.call("POST", "auth/token/refresh")
    assert response.status_code == 201
    assert refreshing.call("POST", "auth/token/refresh").status_code == 401
    fresh = as_bearer(Program(api, tenant), response.json()["access_token"])
    assert fresh.call("GET", "messages").status_code == 200
    assert fresh.send().status_code == 403  # with the scopes that it had


def test_tokens_end_with_the_credential_that_they_came_from(
    api: Api, tenant: Tenant, program: Program
) -> None:
    made = new_token(program, "all:any")
    services.rotate_credential(tenant.license)
    assert as_bearer(program, made["access_token"]).call("GET", "messages").status_code == 401


@pytest.mark.parametrize(
    "body", [{}, {"scopes": []}, {"scopes": ["no:such"]}, {"scopes": ["all:any"], "ttl": 0}]
)
def test_a_wrong_wish_for_a_token_is_refused(program: Program, body: Any) -> None:
    assert program.call("POST", "auth/token", body).status_code == 400


# --- devices, health, and what is not here -----------------------------------------------------


def test_devices_are_the_licences_phones(
    program: Program, other_tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    Device.objects.update(sims=[{"slot": 0, "carrier": "Plus"}, {"slot": 1, "carrier": None}])
    [shown] = program.call("GET", "devices").json()
    assert shown["id"] == str(phone.device.pk)
    assert shown["name"] == "Pixel"
    assert shown["simCards"] == [
        {"slotIndex": 0, "simNumber": 1, "carrierName": "Plus"},
        {"slotIndex": 1, "simNumber": 2},
    ]
    assert Program(program.api, other_tenant).call("GET", "devices").json() == []


def test_a_deleted_device_is_unpaired_and_anothers_is_not(
    program: Program, other_tenant: Tenant, phone: Phone
) -> None:
    path = f"devices/{phone.device.pk}"
    assert Program(program.api, other_tenant).call("DELETE", path).status_code == 204
    assert Device.objects.get().revoked_at is None
    assert program.call("DELETE", path).status_code == 204
    assert Device.objects.get().revoked_at is not None
    assert program.call("GET", "devices").json() == []
    assert program.call("DELETE", "devices/nobody").status_code == 204


@pytest.mark.parametrize("path", ["health", "health/live", "health/ready", "health/startup"])
def test_health_needs_no_key(api: Api, db: None, path: str) -> None:
    response = api.client.get(PEERS + path)
    assert response.status_code == 200
    assert response.json()["status"] == "pass"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "webhooks"), ("POST", "webhooks"), ("DELETE", "webhooks/x"), ("GET", "settings"),
        ("PUT", "settings"), ("PATCH", "settings"), ("GET", "logs"), ("GET", "inbox"),
        ("POST", "inbox/refresh"), ("POST", "inbox/export"), ("POST", "messages/inbox/export"),
    ],
)  # fmt: skip
def test_what_is_not_here_says_so(program: Program, method: str, path: str) -> None:
    response = program.call(method, path)
    assert response.status_code == 501
    assert list(response.json()) == ["message"]
    program.headers = {}
    assert program.call(method, path).status_code == 401
