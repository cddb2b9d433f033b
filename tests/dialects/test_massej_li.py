"""massej.li (docs/dialects.md): its seven operations."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

import pytest

from dialects.massej_li import DIALECT, words
from licenses import services
from messaging import tasks
from messaging.models import Batch, Message
from messaging.services import opt_outs
from messaging.states import MessageState
from tests.conftest import Api, ManualClock, Phone, Tenant
from tests.delivery import Wire, event, sent
from tests.dialects.conformance import NUMBER, TEXT, Conformance

BASE = "/api/v1/"


class TestItConforms(Conformance):
    dialect = DIALECT
    path = "send"
    sent_status = 201
    state_path = "logs"
    lists = ("logs", "history")

    def headers(self, tenant: Tenant) -> dict[str, str]:
        return {"X-API-Key": tenant.keys.token}

    def body(self, tenant: Tenant, phone: str = NUMBER, text: str = TEXT) -> dict[str, Any]:
        return {"to": phone, "message": text}

    def id_of(self, response: Any) -> str:
        return str(response.json()["data"]["message_id"])

    def state_in(self, response: Any) -> str:
        [message] = response.json()["data"]
        return str(message["status"])

    def check_shape(self, response: Any) -> None:
        body = response.json()
        assert list(body) == ["success", "error", "code"]
        assert body["success"] is False
        assert body["error"]
        assert body["code"] == response.status_code

    def check_opted_out(self, api: Api, tenant: Tenant, response: Any) -> None:
        assert response.status_code == 400
        assert "opted out" in response.json()["error"]
        assert not Batch.objects.exists()


class Program:
    """A client of this API."""

    def __init__(self, api: Api, tenant: Tenant) -> None:
        self.api = api
        self.headers = {"X-API-Key": tenant.keys.token}

    def get(self, path: str, **query: Any) -> Any:
        return self.api.client.get(BASE + path, query, headers=self.headers)

    def post(self, path: str, **body: Any) -> Any:
        return self.api.post(BASE + path, body, **self.headers)

    def data(self, response: Any, status: int = 200) -> Any:
        assert response.status_code == status, response.content
        assert response.json()["success"] is True
        return response.json()["data"]

    def send(self, **fields: Any) -> dict[str, Any]:
        body = {"to": NUMBER, "message": "Hello"} | fields
        sent_now: dict[str, Any] = self.data(self.post("send", **body), 201)
        return sent_now


@pytest.fixture
def program(api: Api, tenant: Tenant) -> Program:
    return Program(api, tenant)


# --- keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
@pytest.mark.parametrize("key", ["token", "license_key"])
def test_a_key_stands_in_either_header(
    program: Program, tenant: Tenant, header: str, key: str
) -> None:
    value = getattr(tenant.keys, key)
    program.headers = {header: f"Bearer {value}" if header == "Authorization" else value}
    program.data(program.get("balance"))


@pytest.mark.parametrize("key", ["", "short6", "license-key1", "no such token"])
def test_a_wrong_key_is_401(program: Program, key: str) -> None:
    program.headers = {"X-API-Key": key}
    response = program.get("balance")
    assert response.status_code == 401
    assert list(response.json()) == ["success", "error", "code"]


def test_a_key_in_the_query_string_opens_nothing(program: Program, tenant: Tenant) -> None:
    program.headers = {}
    for name in ("token", "api_key", "X-API-Key"):
        assert program.get("balance", **{name: tenant.keys.token}).status_code == 401


def test_an_inactive_account_is_told_in_the_documents_words(
    program: Program, tenant: Tenant
) -> None:
    tenant.set_rules(is_active=False)
    response = program.get("balance")
    assert response.status_code == 403
    assert response.json()["error"] == "Account not active"


def test_a_key_may_ask_100_times_a_minute(
    program: Program, tenant: Tenant, manual_clock: ManualClock
) -> None:
    statuses = {program.get("balance").status_code for _ in range(100)}
    assert statuses == {200}
    response = program.get("balance")
    assert response.status_code == 429
    assert int(response["Retry-After"]) == 1
    assert "100 times a minute" in response.json()["error"]
    other = Program(program.api, tenant)
    other.headers = {"X-API-Key": services.add_credential(tenant.license).token}
    assert other.get("balance").status_code == 200
    manual_clock.advance(seconds=60)
    assert program.get("balance").status_code == 200


# --- sending -----------------------------------------------------------------------------------


def test_a_send_answers_as_documented(program: Program, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=99)
    response = program.post("send", to=NUMBER, message="x" * 200, sender_id="Shop", message_type=1)
    assert response.status_code == 201
    assert response.json() == {
        "success": True,
        "message": "SMS sent successfully",
        "data": {"message_id": Message.objects.get().pk, "cost": 2.0, "balance": 98.0},
    }


@pytest.mark.parametrize("to", ["9613123456", "+9613123456", 9613123456])
def test_a_number_starts_with_its_country(program: Program, to: Any) -> None:
    program.send(to=to)
    assert Message.objects.get().phone == "+9613123456"


def test_it_starts_at_the_time_that_was_said(program: Program, manual_clock: Any) -> None:
    program.send(schedule_time="2026-04-10 09:00:00")
    message = Message.objects.get()
    assert message.status == "scheduled"
    assert message.due_at == dt.datetime(2026, 4, 10, 7, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"to": None}, "to"),
        ({"to": "12"}, "to"),
        ({"message": ""}, "message"),
        ({"sender_id": "x" * 12}, "sender_id"),
        ({"message_type": 3}, "message_type"),
        ({"message_type": "Arabic"}, "message_type"),
        ({"schedule_time": "tomorrow"}, "schedule_time"),
    ],
)
def test_a_wrong_field_is_named(program: Program, fields: dict[str, Any], named: str) -> None:
    response = program.post("send", **{"to": NUMBER, "message": "Hello"} | fields)
    assert response.status_code == 400
    assert response.json()["error"].startswith(named)
    assert not Message.objects.exists()


@pytest.mark.parametrize("message_type", [1, 2, 4, "2"])
def test_every_documented_type_is_taken(program: Program, message_type: Any) -> None:
    program.send(message_type=message_type, message="مرحبا")
    assert Message.objects.get().encoding == "ucs2"


def test_a_form_is_read_as_well(api: Api, tenant: Tenant, program: Program) -> None:
    form = "application/x-www-form-urlencoded"
    for path, body, count in (
        ("send", urlencode({"to": NUMBER, "message": "Hello"}), 1),
        ("send-bulk", "recipients[]=48600100201&recipients[]=48600100202&message=Hello", 3),
        ("send-bulk", "recipients[0]=48600100201&recipients[1]=48600100202&message=Hello", 5),
        ("send-bulk", "recipients=48600100201,48600100202&message=Hello", 7),
    ):
        response = api.raw(BASE + path, body, form, **program.headers)
        assert response.status_code == 201, response.content
        assert Message.objects.count() == count


def test_a_bulk_sends_to_each_but_who_has_opted_out(program: Program, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=10)
    numbers = ["+48600100201", "+48600100202", "+48600100203"]
    opt_outs.opt_out(tenant.keys.account_id, numbers[1], opt_outs.Source.API)
    response = program.post("send-bulk", recipients=numbers, message="Hello", sender_id="Shop")
    ids = list(Message.objects.order_by("phone").values_list("pk", flat=True))
    states = ["pending", "failed", "pending"]
    assert program.data(response, 201) == {
        "total": 3, "sent": 2, "failed": 1, "cost": 2.0, "balance": 8.0,
        "results": [
            {"to": number, "message_id": pk, "status": state}
            for number, pk, state in zip(numbers, ids, states, strict=True)
        ],
    }  # fmt: skip


def test_a_bulk_takes_a_thousand_numbers_and_no_more(program: Program) -> None:
    numbers = [f"+4860010{n:04}" for n in range(1001)]
    response = program.post("send-bulk", recipients=numbers, message="Hello")
    assert response.status_code == 400
    assert "1000" in response.json()["error"]
    response = program.post("send-bulk", recipients=numbers[:1000], message="x" * 1500)
    assert program.data(response, 201)["sent"] == 1000


@pytest.mark.parametrize("recipients", [[], ["+48600100201", "12"], None, [None]])
def test_a_bulk_with_a_wrong_number_sends_nothing(program: Program, recipients: Any) -> None:
    response = program.post("send-bulk", recipients=recipients, message="Hello")
    assert response.status_code == 400
    assert response.json()["error"].startswith("recipients")
    assert not Message.objects.exists()


def test_a_bulk_over_the_limit_sends_nothing(program: Program, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=1)
    numbers = ["+48600100201", "+48600100202"]
    assert program.post("send-bulk", recipients=numbers, message="Hello").status_code == 403
    assert not Batch.objects.exists()


# --- reading -----------------------------------------------------------------------------------


def test_the_log_says_what_became_of_each(
    program: Program, phone: Phone, manual_clock: ManualClock
) -> None:
    first = program.send(sender_id="Shop")["message_id"]
    second = program.send(message="Later")["message_id"]
    wire = Wire(program.api, phone)
    wire.claim()
    wire.report(*sent(first), event("part_delivered", first, part=1, parts=1))
    response = program.get("logs")
    shown = program.data(response)
    assert [row["message_id"] for row in shown] == [second, first]
    at = "2026-04-09 16:32:00"
    assert shown[1] == {
        "message_id": first, "to": NUMBER, "message": "Hello", "sender_id": "Shop",
        "status": "delivered", "cost": 1.0, "created_at": at, "schedule_time": None,
        "sent_at": at, "delivered_at": at,
    }  # fmt: skip
    assert response.json()["pagination"] == {
        "page": 1, "per_page": 20, "total": 2, "total_pages": 1,
    }  # fmt: skip
    assert [r["message_id"] for r in program.data(program.get("logs", status="pending"))] == [
        second
    ]
    assert program.data(program.get("history", status="failed")) == []


def test_the_log_comes_in_pages(program: Program) -> None:
    ids = [program.send()["message_id"] for _ in range(5)][::-1]
    response = program.get("logs", page=2, per_page=2)
    assert [row["message_id"] for row in program.data(response)] == ids[2:4]
    assert response.json()["pagination"] == {
        "page": 2, "per_page": 2, "total": 5, "total_pages": 3,
    }  # fmt: skip


def test_the_log_can_be_of_some_days_where_the_account_lives(
    program: Program, manual_clock: ManualClock
) -> None:
    early = program.send()["message_id"]
    manual_clock.advance(hours=8)  # 00:32 of the tenth in Warsaw, still the ninth in UTC
    late = program.send()["message_id"]

    def listed(**query: str) -> list[int]:
        return [row["message_id"] for row in program.data(program.get("logs", **query))]

    assert listed(date_from="2026-04-10") == [late]
    assert listed(date_to="2026-04-09") == [early]
    assert listed(date_from="2026-04-09", date_to="2026-04-10") == [late, early]


@pytest.mark.parametrize(
    "query",
    ["page=0", "per_page=0", "per_page=101", "status=gone", "date_from=x", "date_to=9999-12-31"],
)
def test_a_wrong_query_is_refused(program: Program, query: str) -> None:
    response = program.api.client.get(f"{BASE}logs?{query}", headers=program.headers)
    assert response.status_code == 400
    assert list(response.json()) == ["success", "error", "code"]


def test_the_log_takes_a_fixed_number_of_queries(
    program: Program, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        program.send()
    with django_assert_num_queries(3):  # sender, ids, messages with their batches
        program.get("logs")


def test_the_balance_is_what_is_left_of_the_daily_limit(program: Program, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=100)
    assert program.data(program.get("balance")) == {"balance": 100.0, "currency": "points"}
    tenant.set_rules(max_daily_sms=None)
    assert program.data(program.get("balance"))["balance"] == words.UNLIMITED


def test_every_country_costs_a_point_a_part_and_a_note_says_why(program: Program) -> None:
    response = program.get("pricing")
    assert response.json()["note"] == words.PRICE_NOTE
    rows = program.data(response)
    assert {"country_code": "LB", "prefix": "961", "price": 1.0, "currency": "points"} in rows
    assert len({row["country_code"] for row in rows}) == len(rows) > 200


@pytest.mark.parametrize("path", ["calculate", "calculate-cost", "estimate"])
def test_a_cost_is_told_and_nothing_sent(program: Program, path: str) -> None:
    text = "x" * 161
    assert program.data(program.post(path, to=NUMBER, message=text)) == {
        "recipients": 1, "parts": 2, "cost": 2.0, "currency": "points",
    }  # fmt: skip
    numbers = ["+48600100201", "+48600100202", "+48600100203"]
    told = program.data(program.post(path, recipients=numbers, message=text))
    assert (told["recipients"], told["cost"]) == (3, 6.0)
    for wrong in ({"message": text}, {"to": NUMBER}, {"to": NUMBER, "message": "x" * 1531}):
        assert program.post(path, **wrong).status_code == 400
    assert not Message.objects.exists()


def test_the_account_is_told_with_its_licences_figures(
    program: Program, api: Api, tenant: Tenant, phone: Phone
) -> None:
    tenant.set_rules(max_daily_sms=100)
    first, second = (program.send()["message_id"] for _ in range(2))
    api.post("/api/messages/", tenant.message())  # by another API
    wire = Wire(api, phone)
    wire.claim()
    wire.report(*sent(first), event("part_delivered", first, part=1, parts=1))
    wire.report(event("started", second, parts=1))
    wire.report(event("part_failed", second, part=1, parts=1, code="no_service"))
    tasks.count_states()
    assert program.data(program.get("account")) == {
        "username": "Alice", "status": "active", "balance": 97.0,
        "stats": {"total": 3, "delivered": 1, "failed": 1},
    }  # fmt: skip


def test_an_uncertain_message_is_pending() -> None:
    assert words.STATES[MessageState.UNCERTAIN] == "pending"
