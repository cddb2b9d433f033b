"""sms.by (docs/dialects.md): each of its methods, as its clients call it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings

from contacts.models import Contact, ContactGroup
from dialects import tasks
from dialects.sms_by import DIALECT, words
from licenses import services as licenses
from messaging.models import Batch, Message
from messaging.services import opt_outs
from messaging.states import MessageState
from tests.conftest import Api, ManualClock, Phone, Tenant
from tests.delivery import Wire, event, sent
from tests.dialects.conformance import NUMBER, TEXT, Conformance
from tests.receiver import receiver
from webhooks import delivery

FORM = "application/x-www-form-urlencoded"
BELARUS = "375291234567"
MONDAY = "2026-04-13 10:22"
MONDAY_UNIX = int(dt.datetime(2026, 4, 13, 8, 22, tzinfo=dt.UTC).timestamp())


class TestItConforms(Conformance):
    dialect = DIALECT
    path = "sendQuickSMS"
    routes_with_id = (
        ("GET", "checkSMS?sms_id={id}"),
        ("POST", "checkSms?sms_id={id}"),
    )
    state_path = "checkSMS?sms_id={id}"
    statuses = {**Conformance.statuses, "invalid_key": 403, "daily_limit_exceeded": 400}

    def headers(self, tenant: Tenant) -> dict[str, str]:
        return {}

    def call(
        self, api: Api, method: str, path: str, tenant: Tenant | None, body: Any = None
    ) -> Any:
        if tenant:
            path += ("&" if "?" in path else "?") + urlencode({"token": tenant.keys.token})
        return super().call(api, method, path, None, body)

    def body(self, tenant: Tenant, phone: str = NUMBER, text: str = TEXT) -> dict[str, Any]:
        return {"phone": phone, "message": text}

    def id_of(self, response: Any) -> str:
        return str(response.json()["sms_id"])

    def state_in(self, response: Any) -> str:
        return str(response.json()["status"])

    def check_shape(self, response: Any) -> None:
        body = response.json()
        assert isinstance(body["error"], str)
        assert body["error"]
        assert list(body) in (["error"], ["success", "error", "code"])

    def check_opted_out(self, api: Api, tenant: Tenant, response: Any) -> None:
        assert response.status_code == 400
        assert response.json() == {"error": "phone is in the stop list"}


class Program:
    """A client of this API: all in the query string of a GET, as most of them do."""

    def __init__(self, api: Api, tenant: Tenant) -> None:
        self.api = api
        self.token = tenant.keys.token

    def response(self, method: str, version: str = "v1", /, **fields: Any) -> Any:
        query = urlencode({"token": self.token, **fields})
        return self.api.client.get(f"/api/{version}/{method}?{query}")

    def call(self, method: str, version: str = "v1", /, **fields: Any) -> Any:
        response = self.response(method, version, **fields)
        assert response.status_code == 200, response.content
        return response.json()

    def refused(self, method: str, status: int, /, **fields: Any) -> str:
        response = self.response(method, **fields)
        assert response.status_code == status, response.content
        assert list(response.json()) == ["error"]
        return str(response.json()["error"])

    def post(self, method: str, /, **fields: Any) -> Any:
        return self.api.post(f"/api/v1/{method}", {"token": self.token, **fields})


@pytest.fixture
def program(api: Api, tenant: Tenant) -> Program:
    return Program(api, tenant)


# --- how a client may ask ----------------------------------------------------------------------


def test_a_method_answers_to_get_and_post_in_any_case_with_fields_anywhere(
    api: Api, tenant: Tenant
) -> None:
    fields = {"token": tenant.keys.token, "phone": BELARUS, "message": "Hello"}
    form = "application/x-www-form-urlencoded"
    responses = [
        api.client.get("/api/v1/sendQuickSms", fields),
        api.client.post(f"/api/v1/SENDQUICKSMS?{urlencode(fields)}"),
        api.client.post("/api/v1/sendQuickSMS/", urlencode(fields), content_type=form),
        api.client.post("/api/v1/sendquicksms", fields),  # multipart
        api.post("/api/v1/sendQuickSMS", fields),
        api.post(f"/api/v1/sendQuickSMS?token={tenant.keys.token}", fields | {"token": None}),
        api.client.get("/dialects/sms-by/sendQuickSMS", fields),
    ]
    for response in responses:
        assert response.status_code == 200, response.content
        assert response["Cache-Control"] == "no-store"
    assert Message.objects.filter(phone=f"+{BELARUS}").count() == 7


def test_a_head_request_sends_nothing(api: Api, tenant: Tenant) -> None:
    fields = {"token": tenant.keys.token, "phone": BELARUS, "message": "Hello"}
    assert api.client.head("/api/v1/sendQuickSMS", fields).status_code == 405
    assert not Message.objects.exists()


@pytest.mark.parametrize("phone", [BELARUS, f"+{BELARUS}", f" {BELARUS}", f"00{BELARUS}"])
def test_a_number_starts_with_its_country(program: Program, phone: str) -> None:
    program.call("sendQuickSMS", phone=phone, message="Hello")
    assert Message.objects.get().phone == f"+{BELARUS}"


def test_a_number_may_be_a_json_number(program: Program) -> None:
    assert program.post("sendQuickSMS", phone=int(BELARUS), message="Hello").status_code == 200


def test_an_unknown_method_is_refused_in_words_that_both_vendors_clients_read(
    api: Api, db: None
) -> None:
    for path in ("/api/v1/sendPigeon", "/api/v1/", "/api/v1/some/where"):
        response = api.client.get(path)
        assert response.status_code == 404
        assert list(response.json()) == ["success", "error", "code"]


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_wrong_token_says_so_in_the_vendors_words(program: Program, token: str) -> None:
    program.token = token
    assert program.refused("getLimit", 403) == "access denied"


def test_a_licence_key_is_no_token(program: Program, tenant: Tenant) -> None:
    program.token = tenant.keys.license_key
    assert program.refused("getLimit", 403) == "access denied"


def test_refusals_are_said_in_the_vendors_words(program: Program, tenant: Tenant) -> None:
    assert program.refused("sendQuickSMS", 400, phone="12", message="x") == "incorrect phone number"
    missing = program.refused("sendQuickSMS", 400, message="x")
    assert missing == "phone: this field is required"
    assert program.refused("checkSMS", 404, sms_id=1) == "not found"
    tenant.set_rules(max_daily_sms=0)
    refused = program.refused("sendQuickSMS", 400, phone=BELARUS, message="x")
    assert refused == "limit exceeded"
    tenant.set_rules(is_active=False)
    assert program.refused("getLimit", 403) == "billing error"


def test_an_idempotency_key_is_of_all_that_was_asked(api: Api, tenant: Tenant) -> None:
    def send(text: str) -> Any:
        query = urlencode({"token": tenant.keys.token, "phone": BELARUS, "message": text})
        return api.client.get(
            f"/api/v1/sendQuickSMS?{query}", headers={"Idempotency-Key": "k"}
        )  # fmt: skip

    assert send("Hello").json() == send("Hello").json()
    assert send("Another").status_code == 422
    assert Message.objects.count() == 1


# --- single messages ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sendQuickSMS", "sendQuickSms"])
def test_a_quick_sms_answers_as_documented(program: Program, name: str) -> None:
    answer = program.call(name, phone=BELARUS, message="x" * 200, alphaname_id="abc")
    assert answer == {"sms_id": Message.objects.get().pk, "status": "NEW", "parts": 2}


def test_what_a_sim_cannot_do_is_said(program: Program) -> None:
    answer = program.call(
        "sendQuickSMS", phone=BELARUS, message="x", show_cost=1,
        forwarding_message=1, forwarding_time=5, vibername_id=3,
    )  # fmt: skip
    assert answer["cost"] == 0
    assert "Viber" in answer["warning"]


@pytest.mark.parametrize("name", ["sendOtpTelegram", "sendOtpWhatsApp"])
def test_a_one_time_code_goes_out_as_sms_and_says_so(program: Program, name: str) -> None:
    answer = program.call(name, phone=BELARUS, message="123456")
    assert answer == {
        "sms_id": Message.objects.get().pk, "status": "NEW", "parts": 1, "channel": "sms",
    }  # fmt: skip
    for wrong in ("12a", "1" * 17, "１２"):
        assert "code" in program.refused(name, 400, phone=BELARUS, message=wrong)
    assert Message.objects.count() == 1
    assert program.post(name, phone=BELARUS, message=123456).status_code == 200  # a JSON number
    assert Message.objects.last().text == "123456"  # type: ignore[union-attr]


@pytest.mark.parametrize("messenger", ["Telegram", "WhatsApp"])
def test_an_account_may_have_such_codes_refused(
    program: Program, tenant: Tenant, messenger: str
) -> None:
    tenant.set_rules(dialect_settings={"sms-by": {"codes_by_sms": False}})
    refused = program.refused(f"sendOtp{messenger}", 400, phone=BELARUS, message="123456")
    assert refused == f"{messenger} is not available; this account sends through a phone"
    assert not Message.objects.exists()
    program.call("sendQuickSMS", phone=BELARUS, message="123456")


def test_the_states_of_a_message_are_the_vendors(
    program: Program, phone: Phone, manual_clock: ManualClock
) -> None:
    wire = Wire(program.api, phone)
    sms_id = program.call("sendQuickSMS", phone=BELARUS, message="Hello")["sms_id"]
    shown = {"sms_id": sms_id, "sent": 0, "delivered": 0, "status": "NEW"}
    assert program.call("checkSMS", sms_id=sms_id) == shown
    wire.claim()
    wire.report(*sent(sms_id))
    shown |= {"sent": int(manual_clock.now.timestamp()), "status": "SENT"}
    assert program.call("checkSMS", sms_id=sms_id) == shown
    manual_clock.advance(seconds=12)
    wire.report(event("part_delivered", sms_id, part=1, parts=1))
    shown |= {"delivered": shown["sent"] + 12, "status": "DELIVERED"}
    assert program.call("checkSMS", sms_id=sms_id) == shown


def test_an_uncertain_message_is_new() -> None:
    assert words.STATES[MessageState.UNCERTAIN] == "NEW"


def test_a_message_of_another_api_is_not_shown(program: Program, api: Api, tenant: Tenant) -> None:
    native = api.post("/api/messages/", tenant.message()).json()["id"]
    program.refused("checkSMS", 404, sms_id=native)


# --- a text first, its recipients later --------------------------------------------------------


def test_a_message_is_created_and_then_sent_to_each(program: Program, manual_clock: Any) -> None:
    created = program.call("createSmsMessage", message="Zażółć", name="Spring", time=MONDAY)
    assert created == {
        "status": "ok", "parts": 1, "len": 6, "message_id": Batch.objects.get().pk,
        "alphaname": "system", "time": MONDAY_UNIX,
    }  # fmt: skip
    message_id = created["message_id"]
    assert not Message.objects.exists()
    assert program.call("checkSMSMessageStatus", message_id=message_id) == {
        "status": "moderated", "parts": 1, "alphaname": "SYSTEM",
    }  # fmt: skip
    for phone in (BELARUS, "375291234568"):
        answer = program.call("sendSMS", message_id=message_id, phone=phone)
        assert answer == {"sms_id": Message.objects.last().pk, "status": "NEW"}  # type: ignore[union-attr]
    for message in Message.objects.all():
        assert (message.text, message.status, message.batch_id) == (
            "Zażółć", "scheduled", message_id,
        )  # fmt: skip
        assert int(message.due_at.timestamp()) == MONDAY_UNIX


def test_without_a_time_it_starts_at_once(program: Program) -> None:
    created = program.call("createSmsMessage", message="Hello")
    assert created["time"] == 0
    program.call("sendSms", message_id=created["message_id"], phone=BELARUS)
    assert Message.objects.get().status == "pending"


def test_a_text_that_is_too_long_is_refused_when_it_is_created(program: Program) -> None:
    assert "11 parts" in program.refused("createSmsMessage", 400, message="x" * 1531)
    assert not Batch.objects.exists()


def test_who_has_opted_out_is_not_added(program: Program, tenant: Tenant) -> None:
    opt_outs.opt_out(tenant.keys.account_id, f"+{BELARUS}", opt_outs.Source.API)
    message_id = program.call("createSmsMessage", message="Hello")["message_id"]
    refused = program.refused("sendSMS", 400, message_id=message_id, phone=BELARUS)
    assert refused == "phone is in the stop list"
    assert not Message.objects.exists()


def test_a_text_that_was_erased_is_sent_to_nobody(program: Program) -> None:
    message_id = program.call("createSmsMessage", message="Hello")["message_id"]
    Batch.objects.update(text="")
    program.refused("sendSMS", 404, message_id=message_id, phone=BELARUS)
    assert not Message.objects.exists()


def test_the_list_of_messages_pages_newest_first(program: Program, manual_clock: Any) -> None:
    ids = [program.call("createSmsMessage", message=f"m{n}")["message_id"] for n in range(5)]
    program.call("sendQuickSMS", phone=BELARUS, message="no such text")
    shown = program.call("getMessagesList", limit_offset=1, limit_rows=2)
    assert [row["message_id"] for row in shown["result"]] == ids[::-1][1:3]
    assert len(program.call("getMessagesList")["result"]) == 5
    assert shown["result"][0] == {
        "message_id": ids[3], "message": "m3", "parts": 1, "d_create": "2026-04-09 16:32:00",
        "status": "moderated",
    }  # fmt: skip
    assert "limit_rows" in program.refused("getMessagesList", 400, limit_offset=1)


def test_the_delivery_list_says_what_became_of_each(
    program: Program, phone: Phone, manual_clock: Any
) -> None:
    message_id = program.call("createSmsMessage", message="Hello")["message_id"]
    first, _ = (
        program.call("sendSMS", message_id=message_id, phone=number)["sms_id"]
        for number in (BELARUS, "375291234568")
    )
    wire = Wire(program.api, phone)
    wire.claim()
    wire.report(*sent(first), event("part_delivered", first, part=1, parts=1))
    assert program.call("getSmsDeliveryList", message_id=message_id)["result"] == [
        {"phone": int(BELARUS), "status": "delivered", "d_sent": "2026-04-09 16:32:00"},
        {"phone": 375291234568, "status": "new", "d_sent": None},
    ]
    one = program.call("getSmsDeliveryList", message_id=message_id, limit_offset=1, limit_rows=1)
    assert [row["phone"] for row in one["result"]] == [375291234568]


def test_adding_a_recipient_costs_the_same_however_many_there_are(
    program: Program, django_assert_num_queries: Any
) -> None:
    message_id = program.call("createSmsMessage", message="Hello")["message_id"]
    for n in range(4):
        program.call("sendSMS", message_id=message_id, phone=f"3752912345{n:02}")
    with django_assert_num_queries(5):  # sender, mailing, insert in a savepoint
        program.call("sendSMS", message_id=message_id, phone=BELARUS)


# --- many at once ------------------------------------------------------------------------------

SAMPLE: dict[str, Any] = {
    "callback_url": "",
    "messages": [
        {
            "alphaname_id": "123",
            "name": "mailing list 1",
            "message_type": "personal",
            "schedule_time": "2024-12-31T23:59:59",
            "delivery_list": [
                {"phone": "375299999999", "text": "personal message 1"},
                {"phone": "375298888888", "text": "personal message 2"},
            ],
        },
        {
            "alphaname_id": "234",
            "name": "mailing list 2",
            "message_type": "bulk",
            "text": "message text 2",
            "schedule_time": "2024-12-31T23:59:59",
            "delivery_list": ["375297777777", "375295555555"],
        },
    ],
}


def test_the_documents_sample_is_sent_and_its_states_are_read(
    program: Program, phone: Phone, manual_clock: Any
) -> None:
    answer = program.post("sendBulkSms", **SAMPLE).json()
    assert list(answer) == ["uuid", "success"]
    assert answer["success"] == "OK"
    messages = list(Message.objects.order_by("pk"))
    assert [(message.phone, message.text, message.status) for message in messages] == [
        ("+375299999999", "personal message 1", "pending"),
        ("+375298888888", "personal message 2", "pending"),
        ("+375297777777", "message text 2", "pending"),
        ("+375295555555", "message text 2", "pending"),
    ]
    ids = [message.pk for message in messages]
    wire = Wire(program.api, phone)
    wire.claim()
    wire.report(
        *sent(ids[0]), event("part_delivered", ids[0], part=1, parts=1),
        event("started", ids[1], parts=1),
        event("part_failed", ids[1], part=1, parts=1, code="no_service"),
    )  # fmt: skip
    first, second = program.call("statusBulkSms", uuid=answer["uuid"])
    at = "2026-04-09 16:32:00.000000"
    assert first == {
        "message_id": messages[0].batch_id,
        "name": "mailing list 1",
        "alphaname_id": 123,
        "success": [
            {"delivery_id": ids[0], "phone": "375299999999", "status": "DELIVERED", "status_time": at}
        ],
        "error": [
            {
                "delivery_id": ids[1], "phone": "375298888888", "status": "UNDELIVERED",
                "status_time": at, "error": "no_service",
            }
        ],
    }  # fmt: skip
    assert [row["status"] for row in second["success"]] == ["NEW", "NEW"]
    assert list(second) == ["message_id", "name", "alphaname_id", "success"]


def test_a_bulk_may_come_as_php_writes_a_form(api: Api, program: Program) -> None:
    fields = {
        "token": program.token,
        "messages[0][message_type]": "bulk",
        "messages[0][text]": "Hello",
        "messages[0][delivery_list][0]": "375297777777",
        "messages[0][delivery_list][1]": "375295555555",
        "messages[1][message_type]": "personal",
        "messages[1][delivery_list][0][phone]": "375299999999",
        "messages[1][delivery_list][0][text]": "Hi",
    }
    form = "application/x-www-form-urlencoded"
    response = api.client.post("/api/v1/sendBulkSms", urlencode(fields), content_type=form)
    assert response.status_code == 200, response.content
    assert Message.objects.count() == 3


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"delivery_list": ["375297777777", "12"]}, "messages.0.delivery_list.1: "),
        ({"delivery_list": []}, "delivery_list"),
        ({"delivery_list": "375297777777"}, "delivery_list"),
        ({"text": ""}, "text"),
        ({"text": "x" * 1531}, "11 parts"),
        ({"message_type": "other"}, "message_type"),
        ({"message_type": "personal"}, "delivery_list"),
        ({"schedule_time": "soon"}, "schedule_time"),
    ],
)
def test_a_bulk_is_sent_whole_or_not_at_all(
    program: Program, change: dict[str, Any], named: str
) -> None:
    good = {"message_type": "bulk", "text": "Hello", "delivery_list": ["375297777777"]}
    response = program.post("sendBulkSms", messages=[good | change, good])
    assert response.status_code == 400
    assert named in response.json()["error"]
    response = program.post("sendBulkSms", messages=[good, good | change])
    assert response.status_code == 400
    assert not Message.objects.exists()
    assert not Batch.objects.exists()


def test_a_bulk_over_the_limit_sends_nothing(program: Program, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=3)
    response = program.post("sendBulkSms", **SAMPLE)
    assert (response.status_code, response.json()) == (400, {"error": "limit exceeded"})
    assert not Batch.objects.exists()
    tenant.set_rules(max_daily_sms=4)
    assert program.post("sendBulkSms", **SAMPLE).status_code == 200


def test_in_a_bulk_who_has_opted_out_stands_among_the_errors(
    program: Program, tenant: Tenant
) -> None:
    opt_outs.opt_out(tenant.keys.account_id, "+375297777777", opt_outs.Source.API)
    uuid = program.post("sendBulkSms", **SAMPLE).json()["uuid"]
    _, second = program.call("statusBulkSms", uuid=uuid)
    [left_out] = second["error"]
    assert left_out["phone"] == "375297777777"
    assert left_out["error"] == "phone is in the stop list"
    assert Message.objects.filter(status="pending").count() == 3


def test_a_callback_is_told_once_what_the_status_would_be(
    program: Program, tenant: Tenant, phone: Phone, manual_clock: ManualClock,
    settings: LazySettings,
) -> None:  # fmt: skip
    settings.WEBHOOK_PRIVATE_NETWORKS = ("127.0.0.1",)
    with receiver() as theirs:
        uuid = program.post("sendBulkSms", **SAMPLE | {"callback_url": theirs.url}).json()["uuid"]
        wire = Wire(program.api, phone)
        *rest, last = [message["message_id"] for message in wire.claim()]
        for message_id in rest:
            wire.report(*sent(message_id), event("part_delivered", message_id, part=1, parts=1))
        delivery.deliver(tasks.BODIES)
        assert not theirs.calls
        wire.report(event("started", last, parts=1))
        wire.report(event("part_failed", last, part=1, parts=1, code="no_service"))
        for _ in range(2):
            manual_clock.advance(minutes=1)
            delivery.deliver(tasks.BODIES)
    [call] = theirs.calls
    assert call.json == program.call("statusBulkSms", uuid=uuid)
    assert [len(mailing["success"]) for mailing in call.json] == [2, 1]
    assert call.headers["x-batch-id"] == uuid
    assert call.is_signed_with(licenses.webhook_secret(tenant.account))


@pytest.mark.parametrize(
    "url",
    ["example.com", "ftp://example.com/", "http://10.0.0.1/", "https://a/" + "x" * 2000, 7, ["x"]],
)
def test_a_callback_that_cannot_be_called_refuses_the_bulk(program: Program, url: Any) -> None:
    response = program.post("sendBulkSms", **SAMPLE | {"callback_url": url})
    assert response.status_code == 400
    assert list(response.json()) == ["error"]
    assert response.json()["error"].startswith("callback_url: ")
    assert not Batch.objects.exists()


def test_another_accounts_bulk_is_unknown(api: Api, program: Program, other_tenant: Tenant) -> None:
    uuid = program.post("sendBulkSms", **SAMPLE).json()["uuid"]
    message_id = Batch.objects.exclude(parent=None).values_list("pk", flat=True)[0]
    bob = Program(api, other_tenant)
    bob.refused("statusBulkSms", 404, uuid=uuid)
    for name in ("checkSMSMessageStatus", "getSmsDeliveryList"):
        bob.refused(name, 404, message_id=message_id)
    bob.refused("sendSMS", 404, message_id=message_id, phone=BELARUS)
    bob.refused("confirmSendMessageByList", 404, message_id=message_id, confirm=1)
    assert bob.call("getMessagesList") == {"result": []}
    bob.refused("getSMSMessages", 406)


# --- lists -------------------------------------------------------------------------------------


@pytest.fixture
def list_id(program: Program) -> int:
    """A list of three, made as the vendor's v2 describes it."""
    made = program.call("createSubscriberList", "v2", name="Customers")
    assert made == {"status": "OK", "result": {"list_id": ContactGroup.objects.get().pk}}
    fields: dict[str, Any] = {"list_id": made["result"]["list_id"]}
    for index, name in enumerate(("phone", "email", "name")):
        fields[f"field_names[{index}]"] = name
    people = [
        (BELARUS, "a@x", "Alexey"),
        ("375291111112", "i@x", "Irina"),
        ("375291111113", "", ""),
    ]
    for row, person in enumerate(people):
        fields |= {f"data[{row}][{column}]": value for column, value in enumerate(person)}
    fields["data[3][0]"] = "12"
    answer = program.call("importContacts", "v2", **fields)["result"]
    assert (answer["inserted"], answer["updated"], answer["invalid"]) == (3, 0, 1)
    assert answer["log"][0]["index"] == 3
    return int(made["result"]["list_id"])


def test_contacts_are_imported_as_the_vendor_writes_them(program: Program, list_id: int) -> None:
    assert set(Contact.objects.values_list("phone", "name")) == {
        (f"+{BELARUS}", "Alexey"), ("+375291111112", "Irina"), ("+375291111113", ""),
    }  # fmt: skip
    again = program.api.post(
        "/api/v2/importContacts",
        {
            "token": program.token, "list_id": list_id, "field_names": ["name", "phone"],
            "data": [["Aleksey", BELARUS], ["New", "375291111114"]],
        },
    )  # fmt: skip
    assert again.json()["result"] == {"inserted": 1, "updated": 1, "invalid": 0, "log": []}
    assert Contact.objects.get(phone=f"+{BELARUS}").name == "Aleksey"
    lists = program.call("getSubscriberLists", "v2")["result"]
    assert lists == [{"list_id": list_id, "name": "Customers", "count": 4}]


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_cell_of_a_form_moves_no_other_into_its_column(
    program: Program, empty: str | None
) -> None:
    """PHP leaves a null out, and a form's blanks are absent: the office's number is nobody's mobile."""
    made = program.call("createSubscriberList", "v2", name="L")["result"]["list_id"]
    cells = {
        "field_names[0]": "name", "field_names[1]": "phone", "field_names[2]": "office",
        "data[0][0]": "Ann", "data[0][1]": empty, "data[0][2]": "375291111119",
        "data[1][0]": empty, "data[1][1]": "375291111118", "data[1][2]": "375291111119",
    }  # fmt: skip
    given = {name: value for name, value in cells.items() if value is not None}
    result = program.call("importContacts", "v2", list_id=made, **given)["result"]
    assert (result["inserted"], result["invalid"], result["log"][0]["index"]) == (1, 1, 0)
    assert Contact.objects.get().phone == "+375291111118"
    unnamed = given | {"field_names[0]": "", "data[1][0]": "375291111117"}
    program.call("importContacts", "v2", list_id=made, **unnamed)
    assert Contact.objects.get().phone == "+375291111118"


def test_columns_have_an_end(program: Program, list_id: int) -> None:
    cells = {"field_names[0]": "phone", "data[0][0]": "375291111118", "data[0][999999999]": "x"}
    answer = program.refused("importContacts", 400, list_id=list_id, **cells)
    assert "at most 30 columns" in str(answer)


def test_as_many_contacts_as_the_vendor_promises_are_imported_by_a_form(
    api: Api, program: Program
) -> None:
    made = program.call("createSubscriberList", "v2", name="Many")["result"]["list_id"]
    fields = {"token": program.token, "list_id": made}
    for column in range(30):
        fields[f"field_names[{column}]"] = "phone" if column == 0 else f"custom{column}"
    for row in range(500):
        fields |= {f"data[{row}][{column}]": "x" for column in range(1, 30)}
        fields[f"data[{row}][0]"] = f"3752911{row:05}"
    form = "application/x-www-form-urlencoded"
    response = api.client.post("/api/v2/importContacts", urlencode(fields), content_type=form)
    assert response.status_code == 200, response.content
    assert response.json()["result"]["inserted"] == 500


def _mailing(program: Program, list_id: int) -> int:
    made = program.call(
        "sendSmsList", name="Spring", message="Hello", d_schedule=MONDAY, list_id=list_id,
        alphaname_id=5,
    )  # fmt: skip
    assert made == {"status": "OK", "result": {"message_id": Batch.objects.get().pk}}
    return int(made["result"]["message_id"])


def test_a_mailing_to_a_list_waits_until_it_is_confirmed_and_goes_out_once(
    program: Program, list_id: int, manual_clock: Any
) -> None:
    message_id = _mailing(program, list_id)
    told = program.call("confirmSendMessageByList", message_id=message_id, confirm=0)
    assert told["result"] == {
        "message_id": message_id, "name": "Spring", "list_id": list_id,
        "d_schedule": "2026-04-13 10:22:00", "count_phones": 3, "parts": 3, "cost": "0.00000",
        "confirmed": 0,
    }  # fmt: skip
    program.refused("sendSMS", 400, message_id=message_id, phone=BELARUS)
    assert not Message.objects.exists()
    for _ in range(2):
        told = program.call("confirmSendMessageByList", message_id=message_id, confirm=1)
        assert (told["result"]["confirmed"], told["result"]["count_phones"]) == (1, 3)
    assert Message.objects.count() == 3
    assert {int(m.due_at.timestamp()) for m in Message.objects.all()} == {MONDAY_UNIX}


def test_a_mailing_to_a_list_that_the_limit_does_not_allow_can_be_confirmed_later(
    program: Program, tenant: Tenant, list_id: int
) -> None:
    tenant.set_rules(max_daily_sms=2)
    message_id = _mailing(program, list_id)
    refused = program.refused("confirmSendMessageByList", 400, message_id=message_id, confirm=1)
    assert refused == "limit exceeded"
    assert not Message.objects.exists()
    tenant.set_rules(max_daily_sms=3)
    program.call("confirmSendMessageByList", message_id=message_id, confirm=1)
    assert Message.objects.count() == 3


def test_a_mailing_to_a_list_passes_over_who_has_opted_out(
    program: Program, tenant: Tenant, list_id: int
) -> None:
    opt_outs.opt_out(tenant.keys.account_id, f"+{BELARUS}", opt_outs.Source.API)
    message_id = _mailing(program, list_id)
    program.call("confirmSendMessageByList", message_id=message_id, confirm=1)
    shown = program.call("getSmsDeliveryList", message_id=message_id)["result"]
    assert sorted(row["status"] for row in shown) == ["new", "new", "undelivered"]


def test_a_list_that_is_empty_or_anothers_is_refused(
    api: Api, program: Program, other_tenant: Tenant
) -> None:
    made = program.call("createSubscriberList", "v2", name="Nobody")["result"]["list_id"]
    fields = {"name": "x", "message": "Hello", "d_schedule": MONDAY, "list_id": made}
    bob = Program(api, other_tenant)
    bob.refused("sendSmsList", 404, **fields)
    bob.refused(
        "importContacts", 404, list_id=made, **{"field_names[0]": "phone", "data[0][0]": BELARUS}
    )
    assert bob.call("getSubscriberLists", "v2")["result"] == []
    message_id = program.call("sendSmsList", **fields)["result"]["message_id"]
    program.refused("confirmSendMessageByList", 400, message_id=message_id, confirm=1)
    program.refused("sendSmsList", 400, **fields | {"d_schedule": "soon"})


# --- what there is -----------------------------------------------------------------------------


def test_mailings_are_told_with_their_figures(
    program: Program, phone: Phone, manual_clock: Any
) -> None:
    program.refused("getSMSMessages", 406)
    program.post("sendBulkSms", **SAMPLE)
    message_id = program.call("createSmsMessage", message="x" * 200, name="Later", time=MONDAY)[
        "message_id"
    ]
    program.call("sendSMS", message_id=message_id, phone=BELARUS)
    shown = program.call("getSMSMessages")
    assert shown["status"] == "success"
    now = int(manual_clock.now.timestamp())
    assert shown["data"][0] == {
        "id": message_id, "name": "Later", "d_create": now, "d_schedule": MONDAY_UNIX,
        "type": "API", "parts": "2", "count_phones": 1, "status": "NEW", "sms_delivered": "0",
        "cost": "0.00000", "alphaname": words.SIM,
    }  # fmt: skip
    assert [row["name"] for row in shown["data"]] == ["Later", "mailing list 2", "mailing list 1"]
    assert program.call("getSMSMessages", type="api") == shown
    program.refused("getSMSMessages", 406, type="WEB")
    program.refused("getSMSMessages", 400, type="other")


def test_a_mailing_is_delivered_when_all_of_it_is(program: Program, phone: Phone) -> None:
    sms_id = program.call("sendQuickSMS", phone=BELARUS, message="Hello")["sms_id"]
    wire = Wire(program.api, phone)
    wire.claim()
    wire.report(*sent(sms_id))
    assert program.call("getSMSMessages")["data"][0]["status"] == "SENT"
    wire.report(event("part_delivered", sms_id, part=1, parts=1))
    [row] = program.call("getSMSMessages")["data"]
    assert (row["status"], row["sms_delivered"]) == ("DELIVERED", "1")


def test_the_balance_is_what_is_left_of_the_daily_limit(program: Program, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=142)
    program.call("sendQuickSMS", phone=BELARUS, message="Hello")
    assert program.call("getLimit") == {"limit": 141}
    assert program.call("getBalance") == {
        "status": "OK", "currency": "SMS",
        "result": [{"balance": "141.00000", "viber_balance": "0.00000"}],
    }  # fmt: skip
    tenant.set_rules(max_daily_sms=None)
    assert program.call("getLimit") == {"limit": words.UNLIMITED}


def test_there_is_one_sender_the_sim(program: Program) -> None:
    assert program.call("getAlphanames") == {"0": words.SIM}
    assert program.call("getAlphanameId", name="VasheImya") == {"id": 0}


def test_a_key_in_the_query_string_reaches_no_log(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    program.call("getBalance")
    program.refused("sendQuickSMS", 400, phone="12", message=TEXT)
    program.response("sendPigeon")
    assert any(record.name == "http_api.requests" for record in caplog.records)
    for secret in (program.token, TEXT, json.dumps(TEXT)):
        assert secret not in caplog.text


FIELDS = {"phone": "375291234567", "message": "Hi"}


@pytest.mark.parametrize(
    "queried",
    [{"phone": "375297654321"}, {"message": "Ho"}, {"token": "x" * 43}, {"phone": "80291234567"}],
)
@pytest.mark.parametrize("content_type", ["application/json", FORM])
def test_a_field_that_says_one_thing_in_the_query_and_another_in_the_body_is_refused(
    api: Api, tenant: Tenant, queried: dict[str, str], content_type: str
) -> None:
    fields = FIELDS | {"token": tenant.keys.token}
    body = json.dumps(fields) if content_type != FORM else urlencode(fields)
    response = api.client.post(
        f"/api/v1/sendQuickSMS?{urlencode(queried)}", body, content_type=content_type
    )
    assert response.status_code == 400
    assert "stands twice" in response.json()["error"]
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "queried", ["phone=%2B375291234567", "phone=+375291234567", "phone=375291234567&message="]
)
def test_a_field_that_says_the_same_in_both_is_one(api: Api, tenant: Tenant, queried: str) -> None:
    fields = FIELDS | {"token": tenant.keys.token}
    if "375291234567" in queried and "+" in queried.replace("%2B", "+"):
        fields["phone"] = "+375291234567"
    response = api.client.post(
        f"/api/v1/sendQuickSMS?{queried}", json.dumps(fields), content_type="application/json"
    )
    assert response.status_code == 200, response.content
    assert Message.objects.get().phone == "+375291234567"


@pytest.mark.parametrize("names", [["phone", "Phone "], ["name", "phone", "NAME"]])
def test_a_column_that_is_named_twice_is_refused(
    program: Program, list_id: int, names: list[str]
) -> None:
    before = Contact.objects.count()
    row = ["375291111118", "375291111119", "x"][: len(names)]
    cells = {f"field_names[{n}]": name for n, name in enumerate(names)}
    cells |= {f"data[0][{n}]": value for n, value in enumerate(row)}
    said = program.refused("importContacts", 400, list_id=list_id, **cells)
    assert "names a column twice" in said
    assert Contact.objects.count() == before
