"""`sms`, `paramsms`, `smstogroups`, and what an order's state is."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from contacts import services as contacts
from dialects.smsend import orders, words
from dialects.smsend.order_requests import Sms
from http_api.shapes import validated
from messaging.drafts import Draft
from messaging.models import Batch, Message
from messaging.segments import segment
from messaging.services import opt_outs
from messaging.states import MessageState
from tests.conftest import Api, ManualClock, Phone, Tenant
from tests.delivery import Wire, event, sent
from tests.dialects.smsend.conftest import NUMBER, Program

PHONES = ["+48600100201", "+48600100202", "+48600100203"]


def texts() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("pk").values_list("phone", "text"))


# --- sms -------------------------------------------------------------------------------------------


def test_the_documents_own_example_is_taken(program: Program, manual_clock: ManualClock) -> None:
    """But for its number, which is none: no network has +349123456789."""
    answer = program.post(
        "sms",
        {
            "message": "Hello world!",
            "message_type": "N",
            "returnCredits": False,
            "recipient": ["+34912345678"],
            "sender": None,
            "scheduled_delivery_time": "20260409165200",
        },
        status=201,
    )
    assert answer == {
        "result": "OK",
        "order_id": answer["order_id"],
        "total_sent": 1,
        "remaining_credits": words.UNLIMITED,
        "internal_order_id": str(Batch.objects.get().pk),
    }
    assert texts() == [("+34912345678", "Hello world!")]
    assert Message.objects.get().due_at == dt.datetime(2026, 4, 9, 14, 52, tzinfo=dt.UTC)


def test_the_documents_other_example_has_a_time_that_is_long_past(program: Program) -> None:
    program.send(NUMBER, returnCredits=True, scheduled_delivery_time="20171223101010")
    assert Message.objects.get().status == "pending"


def test_one_text_goes_to_many_and_to_each_once(program: Program) -> None:
    answer = program.send(*PHONES, PHONES[0], "0048600100203", "600 100 202")
    assert answer["total_sent"] == 3
    assert texts() == [(phone, "Hello world!") for phone in PHONES]


@pytest.mark.parametrize(
    "given", [48600100200, "48600100200", "600100200", "0048600100200", [NUMBER]]
)
def test_recipients_come_in_many_notations(program: Program, given: Any) -> None:
    program.post("sms", {"message": "Hello", "recipient": given}, status=201)
    assert Message.objects.get().phone == NUMBER


def test_booleans_also_come_as_strings_and_empty_strings_are_absent(program: Program) -> None:
    answer = program.send(
        NUMBER, message="x" * 200, returnCredits="true", allowInvalidRecipients="false",
        sender="", order_id="", scheduled_delivery_time="", campaign_name=None,
    )  # fmt: skip
    assert answer["total_sent"] == 2  # credits, which are parts


def test_the_clients_own_order_id_is_used_once(program: Program) -> None:
    assert program.send(order_id="Order_7.b-1")["order_id"] == "Order_7.b-1"
    again = {"message": "Again", "recipient": [NUMBER], "order_id": "Order_7.b-1"}
    program.refused(program.call("POST", "sms", again), 400)
    assert Message.objects.count() == 1


def test_a_message_for_another_day_leaves_todays_credits(
    program: Program, tenant: Tenant, manual_clock: ManualClock
) -> None:
    tenant.set_rules(max_daily_sms=5)
    assert program.send(NUMBER)["remaining_credits"] == 4
    later = program.send(NUMBER, scheduled_delivery_time="20260410090000", message="Later")
    assert later["remaining_credits"] == 4


def test_the_remaining_credits_are_todays_allowance(program: Program, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=5)
    assert program.send(*PHONES)["remaining_credits"] == 2
    body = {"message": "Hello", "recipient": PHONES}
    response = program.call("POST", "sms", body)
    program.refused(response, 400)
    assert response.json()["result"] == "KO"
    assert Message.objects.count() == 3


def test_one_bad_number_spoils_the_order(program: Program) -> None:
    response = program.call("POST", "sms", {"message": "Hello", "recipient": [NUMBER, "+4812"]})
    program.refused(response, 400, "recipient.1")
    assert not Message.objects.exists()
    assert not Batch.objects.exists()


def test_bad_numbers_are_left_out_and_counted_where_the_client_wants_that(program: Program) -> None:
    answer = program.send(NUMBER, "+4812", "nobody", allowInvalidRecipients=True)
    assert (answer["total_sent"], answer["invalid_recipients"]) == (1, 2)
    assert program.states(answer["order_id"]) == ["WAITING"]
    body = {"message": "Hello", "recipient": ["+4812"], "allowInvalidRecipients": True}
    program.refused(program.call("POST", "sms", body), 400, "recipient.0")


def test_who_has_opted_out_does_not_keep_the_others_from_it(
    program: Program, tenant: Tenant
) -> None:
    opt_outs.opt_out(tenant.keys.account_id, PHONES[1], opt_outs.Source.API)
    answer = program.send(*PHONES)
    assert answer["total_sent"] == 2
    shown = program.get(f"sms/{answer['order_id']}")["recipients"]
    assert {recipient["destination"]: recipient["status"] for recipient in shown} == {
        PHONES[0]: "WAITING",
        PHONES[1]: "BLACKLISTED",
        PHONES[2]: "WAITING",
    }


def test_a_validity_period_counts_from_the_start(
    program: Program, manual_clock: ManualClock
) -> None:
    program.send(validity_period=30)
    program.send(validity_period=30, scheduled_delivery_time="20260410090000")
    start = dt.datetime(2026, 4, 10, 7, tzinfo=dt.UTC)
    half_an_hour = dt.timedelta(minutes=30)
    assert list(Message.objects.order_by("pk").values_list("send_before", flat=True)) == [
        manual_clock.now + half_an_hour,
        start + half_an_hour,
    ]


def test_a_text_is_held_to_its_fragments_or_cut_to_them(program: Program) -> None:
    body = {"message": "Zażółć " * 40, "recipient": [NUMBER], "max_fragments": 2}
    program.refused(program.call("POST", "sms", body), 400, "max_fragments")
    program.post("sms", body | {"truncate": True}, status=201)
    cut = Message.objects.get()
    assert str(body["message"]).startswith(cut.text)
    assert (cut.parts, segment(str(body["message"])[: len(cut.text) + 1]).parts) == (2, 3)


def test_a_common_text_is_cut_once_however_many_get_it(tenant: Tenant) -> None:
    body = {"message": "ż" * 900, "truncate": True, "max_fragments": 1}
    numbers = [f"+48600{n:06}" for n in range(1000)]
    order = validated(Sms, body | {"recipient": numbers}, sender=tenant.sender)
    texts = [draft.text for draft in order.items() if isinstance(draft, Draft)]
    assert (len(texts), set(map(len, texts))) == (1000, {70})
    assert len(set(map(id, texts))) == 1, "one text, not a thousand equal ones"


def test_a_cut_text_has_seven_fragments_where_none_are_named(program: Program) -> None:
    program.send(message="ż" * 900, truncate=True)
    assert Message.objects.get().parts == 7


def test_an_url_that_is_not_called_is_said_so(program: Program) -> None:
    answer = program.send(delivery_notification_url="https://example.com/dlr")
    assert answer["warning"].startswith("delivery_notification_url is not called")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"message": ""}, "message"),
        ({"message": None}, "message"),
        ({"message": "x" * 1001}, "message"),
        ({"message": "Look: %SHORT_LINK%", "short_link_url": "https://example.com"}, "message"),
        ({"message": "Look: %PAGESLINK____________%", "id_landing": 7}, "message"),
        ({"recipient": []}, "recipient"),
        ({"recipient": None}, "recipient"),
        ({"recipient": [f"+4860010{n:04}" for n in range(1001)]}, "recipient"),
        ({"recipient": [{}]}, "recipient.0"),
        ({"order_id": "x" * 33}, "order_id"),
        ({"order_id": "a b"}, "order_id"),
        ({"order_id": "bulk"}, "order_id"),
        ({"order_id": "../sms"}, "order_id"),
        ({"scheduled_delivery_time": "tomorrow"}, "scheduled_delivery_time"),
        ({"scheduled_delivery_time": "2025"}, "scheduled_delivery_time"),
        ({"validity_period": 0}, "validity_period"),
        ({"max_fragments": 0}, "max_fragments"),
        ({"returnCredits": "perhaps"}, "returnCredits"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_as_the_vendor_names_it(
    program: Program, fields: dict[str, Any], named: str
) -> None:
    body = {"message": "Hello", "message_type": "N", "recipient": [NUMBER]} | fields
    program.refused(program.call("POST", "sms", body), 400, named)
    assert not Message.objects.exists()


# --- paramsms --------------------------------------------------------------------------------------

GREETING = {"message_type": "N", "message": "Hello ${name}, see you at ${time}."}
ANNA = {"recipient": PHONES[0], "name": "Anna", "time": 9}
BEN = {"recipient": PHONES[1], "name": "${time}", "time": "10"}


@pytest.mark.parametrize("recipients", [{"0": ANNA, "1": BEN}, [ANNA, BEN]])
def test_each_gets_a_text_of_their_own(program: Program, recipients: Any) -> None:
    answer = program.post("paramsms", GREETING | {"recipients": recipients}, status=201)
    assert answer["total_sent"] == 2
    assert texts() == [
        (PHONES[0], "Hello Anna, see you at 9."),
        (PHONES[1], "Hello ${time}, see you at 10."),  # a value is never expanded again
    ]


@pytest.mark.parametrize(
    ("recipient", "named"),
    [
        ({"recipient": PHONES[0], "name": "Anna"}, "recipients.0.time"),
        ({"recipient": PHONES[0], "name": "Anna", "time": None}, "recipients.0.time"),
        ({"recipient": "+4812", "name": "Anna", "time": 9}, "recipients.0.recipient"),
        ({"name": "Anna", "time": 9}, "recipients.0.recipient"),
        ({"recipient": PHONES[0], "name": "A" * 990, "time": 9}, "recipients.0.message"),
        ({"recipient": PHONES[0], "name": {"first": "Anna"}, "time": 9}, "recipients.0.name"),
        ({"recipient": PHONES[0], "name": True, "time": 9}, "recipients.0.name"),
        ({"recipient": PHONES[0], "name": "%SHORT_LINK%", "time": 9}, "recipients.0.message"),
    ],
)
def test_nobody_is_sent_a_placeholder(
    program: Program, recipient: dict[str, Any], named: str
) -> None:
    body = GREETING | {"recipients": {"0": recipient, "1": BEN}}
    program.refused(program.call("POST", "paramsms", body), 400, named)
    assert not Message.objects.exists()
    answer = program.post("paramsms", body | {"allowInvalidRecipients": True}, status=201)
    assert (answer["total_sent"], answer["invalid_recipients"]) == (1, 1)


def test_two_texts_to_one_number_are_two_messages(program: Program) -> None:
    recipients = [ANNA, ANNA | {"time": 10}, ANNA]
    answer = program.post("paramsms", GREETING | {"recipients": recipients}, status=201)
    assert answer["total_sent"] == 2


@pytest.mark.parametrize("recipients", [{}, [], "nobody", None, {"0": 7}])
def test_without_recipients_nothing_is_sent(program: Program, recipients: Any) -> None:
    response = program.call("POST", "paramsms", GREETING | {"recipients": recipients})
    program.refused(response, 400, "recipients")


# --- smstogroups -----------------------------------------------------------------------------------


@pytest.fixture
def groups(tenant: Tenant) -> dict[str, int]:
    """Everybody knows who is in them: A has the first two, B the last two."""
    for group, phones in (("A", PHONES[:2]), ("B", PHONES[1:])):
        for phone in phones:
            draft = contacts.ContactDraft(name="Someone", phone=phone, group_name=group)
            contacts.save_contact(tenant.sender, draft, ignore_foreign_numbers=False)
    results = contacts.get_or_create_groups(tenant.sender, ["A", "B", "nobody"])
    return {result.name: result.id for result in results}


def test_everybody_in_the_groups_gets_it_once(program: Program, groups: dict[str, int]) -> None:
    for body in (
        {"recipient": ["A", "B"]},
        {"recipientsGroupdIds": [str(groups["A"]), groups["B"]]},
        {"recipient": ["A"], "recipientsGroupdIds": [groups["B"]]},
    ):
        answer = program.post("smstogroups", {"message": "Hello", "message_type": "N"} | body)
        assert answer["total_sent"] == 3
        batch = Batch.objects.get(external_id=answer["order_id"])
        assert sorted(batch.messages.values_list("phone", flat=True)) == PHONES


@pytest.mark.parametrize(
    "body",
    [
        {}, {"recipient": []}, {"recipient": ["A", "C"]}, {"recipient": "a"},
        {"recipient": ["nobody"]}, {"recipientsGroupdIds": [999999]},
        {"recipient": ["A", "C"], "allowInvalidRecipients": True},
    ],
)  # fmt: skip
def test_a_group_that_is_not_there_refuses_the_order(
    program: Program, groups: dict[str, int], body: dict[str, Any]
) -> None:
    response = program.call("POST", "smstogroups", {"message": "Hello"} | body)
    program.refused(response, 400, "recipient")
    assert not Message.objects.exists()


def test_another_accounts_groups_are_not_there(
    api: Api, other_tenant: Tenant, groups: dict[str, int]
) -> None:
    bob = Program(api, other_tenant)
    for body in ({"recipient": ["A"]}, {"recipientsGroupdIds": [groups["A"]]}):
        response = bob.call("POST", "smstogroups", {"message": "Hello"} | body)
        bob.refused(response, 400, "recipient")
    assert not Message.objects.exists()


# --- states ----------------------------------------------------------------------------------------


def test_the_states_are_the_vendors(
    program: Program, phone: Phone, manual_clock: ManualClock
) -> None:
    wire = Wire(program.api, phone)
    order_id = program.send()["order_id"]
    pk = Message.objects.get().pk
    assert program.states(order_id) == ["WAITING"]
    wire.claim()
    assert program.states(order_id) == ["WAITING"]
    wire.report(*sent(pk))
    assert program.states(order_id) == ["WAIT4DLVR"]
    manual_clock.advance(days=3)
    assert program.states(order_id) == ["SENT"]
    wire.report(event("part_delivered", pk, part=1, parts=1))
    assert program.get(f"sms/{order_id}") == {
        "result": "OK",
        "recipient_number": 1,
        "recipients": [
            {"status": "DLVRD", "destination": NUMBER, "delivery_date": "20260412163200"}
        ],
    }


def test_every_word_of_a_state_has_a_number() -> None:
    shown = {*words.STATES.values(), words.OPTED_OUT, words.RECEIPT_DUE}
    assert shown == set(words.STATE_NUMBERS)


def test_what_nobody_knows_is_neither_sent_nor_failed() -> None:
    message = Message(status=MessageState.UNCERTAIN)
    assert orders.state(message, dt.datetime.now(dt.UTC)) == "WAITING"


def test_a_scheduled_order_is_taken_back(program: Program) -> None:
    order_id = program.send(*PHONES, scheduled_delivery_time="20991231235900")["order_id"]
    assert program.states(order_id) == ["SCHEDULED"] * 3
    assert program.call("DELETE", f"sms/{order_id}").json()["order_id"] == order_id
    assert program.states(order_id) == ["KO"] * 3


def test_an_order_that_is_sent_is_not_taken_back(program: Program, phone: Phone) -> None:
    wire = Wire(program.api, phone)
    order_id = program.send()["order_id"]
    wire.claim()
    wire.report(*sent(Message.objects.get().pk))
    program.refused(program.call("DELETE", f"sms/{order_id}"), 404)
    assert program.states(order_id) == ["WAIT4DLVR"]


def test_all_that_is_scheduled_is_taken_back_at_once(
    program: Program, api: Api, other_tenant: Tenant
) -> None:
    later = {"scheduled_delivery_time": "20991231235900"}
    bob = Program(api, other_tenant)
    bobs = bob.send(**later)["order_id"]
    mine, now = program.send(*PHONES, **later)["order_id"], program.send()["order_id"]
    assert program.call("DELETE", "sms/bulk").json() == {"result": "OK", "total": 3}
    assert program.states(mine) == ["KO"] * 3
    assert program.states(now) == ["WAITING"]
    assert bob.states(bobs) == ["SCHEDULED"]
