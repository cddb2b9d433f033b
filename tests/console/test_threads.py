"""Conversations in the console, asked as a browser's forms ask."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts import templates
from contacts.models import Contact
from members.models import Role
from messaging.models import Message, OptOut, Thread
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone
from tests.console.conftest import logged_in, person
from tests.delivery import accept
from tests.messaging.test_inbox import receive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("all_sms_kept")]

PLACE = "/console/conversations/"
ANNA, JAN = "+48600100200", "+48600100201"
POLISH = {"Accept-Language": "pl"}


def text_of(response: Any) -> str:
    return str(response.content.decode())


def place(phone: str = ANNA) -> str:
    return f"{PLACE}{Thread.objects.get(phone=phone).pk}/"


def shown(client: Client, **query: str) -> list[str]:
    return [one.phone for one in client.get(PLACE, query).context["threads"]]


def test_unread_ones_come_first_and_the_newest_first_among_each(
    api: Api, phone: Phone, operator: Client, manual_clock: ManualClock
) -> None:
    for number in (ANNA, JAN, "SHOP"):
        receive(api, phone, f"from {number}", number)
        manual_clock.advance(minutes=1)
    page = text_of(operator.get(PLACE))
    assert "<title>(3) Conversations" in page
    assert "from SHOP" in page
    operator.get(place("SHOP"))
    assert shown(operator) == [JAN, ANNA, "SHOP"]
    assert shown(operator, show="unread") == [JAN, ANNA]
    operator.post(f"{place(JAN)}change/", {"action": "archive"})
    assert shown(operator) == [ANNA, "SHOP"]
    assert shown(operator, show="archived") == [JAN]
    operator.post(f"{place(JAN)}change/", {"action": "restore"})
    operator.post(f"{place('SHOP')}change/", {"action": "unread"})
    assert shown(operator) == ["SHOP", ANNA, JAN]
    operator.post(f"{place()}change/", {"action": "assign", "assignee": "piotr"})
    assert shown(operator, show="mine") == [ANNA]
    operator.post(f"{place()}change/", {"action": "assign", "assignee": "nobody"})
    assert shown(operator, show="mine") == [ANNA]
    operator.post(f"{place()}change/", {"action": "assign", "assignee": ""})
    assert shown(operator, show="mine") == []
    assert shown(operator, show="x") == shown(operator)


def test_the_list_is_in_pages(
    api: Api,
    phone: Phone,
    operator: Client,
    monkeypatch: pytest.MonkeyPatch,
    manual_clock: ManualClock,
) -> None:
    monkeypatch.setattr("console.pages.threads.PAGE", 2)
    for number in range(5):
        receive(api, phone, "Hi", f"+4860010020{number}")
    assert "?show=unread" in text_of(operator.get(PLACE)).split('class="more"')[1]
    Thread.objects.update(unread=0)
    seen: list[str] = []
    query: dict[str, str] = {}
    while True:
        context = operator.get(PLACE, query).context
        seen += [one.phone for one in context["threads"]]
        if context["page"]["below"] is None:
            break
        query = {"below": str(context["page"]["below"])}
    assert seen == [f"+4860010020{number}" for number in (4, 3, 2, 1, 0)]


def test_who_is_looked_for_is_found_by_number_contact_or_senders_name(
    api: Api, tenant: Tenant, phone: Phone, operator: Client
) -> None:
    for number in (ANNA, JAN, "SHOP"):
        receive(api, phone, "Hi", number)
    Contact.objects.create(account=tenant.account, name="Żaneta Nowak", phone=ANNA)
    for sought, found in (
        ("600 100 201", [JAN]), ("zan", [ANNA]), ("nowak", [ANNA]), ("SHOP", ["SHOP"]), ("x", []),
    ):  # fmt: skip
        answer = operator.post(PLACE, {"sought": sought})
        assert [one.phone for one in answer.context["threads"]] == found, sought


def test_an_empty_list_names_the_phones_that_may_not_receive(
    phone: Phone, operator: Client
) -> None:
    assert "may not receive SMS" not in text_of(operator.get(PLACE))
    phone.device.health = {"permissions": {"receive_sms": False}}
    phone.device.save()
    page = text_of(operator.get(PLACE))
    assert "These phones may not receive SMS:" in page
    assert phone.device.name in page


def test_an_answer_goes_by_the_phone_and_sim_that_were_written_to_and_once(
    api: Api, tenant: Tenant, phone: Phone, operator: Client
) -> None:
    receive(api, phone, "Where is my order?", ANNA, sim=1)
    page = operator.get(place())
    assert "Where is my order?" in text_of(page)
    form = {"once": page.context["reply"].once, "text": "On its way"}
    for _ in range(2):
        assert operator.post(place(), form)["Location"] == place()
    message = Message.objects.get()
    assert (message.phone, message.text, message.sim) == (ANNA, "On its way", 1)
    assert message.license_id == phone.device.license_id
    one = Thread.objects.get()
    assert (one.unread, one.last_out) == (0, message.pk)
    again = operator.post(place(), form | {"text": "Something else"})
    assert again.status_code == 400
    assert "This form has sent another message before" in text_of(again)
    empty = operator.post(place(), {"text": " ", "once": ""}, headers=POLISH)
    assert (empty.status_code, "Najpierw coś napisz." in text_of(empty)) == (400, True)
    assert Message.objects.count() == 1


def test_a_thread_shows_what_a_program_sent_and_its_state(
    api: Api, tenant: Tenant, phone: Phone, operator: Client, manual_clock: ManualClock
) -> None:
    accept(api, tenant, phone=ANNA, message="Your code is 7")
    manual_clock.advance(seconds=1)
    receive(api, phone, "Thanks", ANNA)
    page = text_of(operator.get(place()))
    assert page.index("Your code is 7") < page.index("waiting for a phone") < page.index("Thanks")


def test_a_stop_is_shown_where_it_was_said_and_closes_the_answer(
    api: Api, phone: Phone, operator: Client, manual_clock: ManualClock
) -> None:
    receive(api, phone, "first", ANNA)
    manual_clock.advance(minutes=1)
    receive(api, phone, "STOP", ANNA)
    manual_clock.advance(minutes=1)
    receive(api, phone, "last", ANNA)
    page = text_of(operator.get(place(), headers=POLISH))
    assert page.index("first") < page.index("zrezygnował(a)") < page.index("last")
    assert 'id="closed"' in page
    assert "<textarea" not in page
    operator.post(place(), {"text": "please"})
    assert not Message.objects.exists()


def test_a_name_is_not_answered(api: Api, phone: Phone, operator: Client) -> None:
    receive(api, phone, "Sale!", "SHOP")
    page = text_of(operator.get(place("SHOP")))
    assert "This sender has no number" in page
    assert "<textarea" not in page
    operator.post(place("SHOP"), {"text": "please"})
    assert not Message.objects.exists()


def test_a_template_is_a_quick_reply(
    api: Api, tenant: Tenant, phone: Phone, operator: Client
) -> None:
    Contact.objects.create(account=tenant.account, name="Anna", phone=ANNA)
    one = templates.save(tenant.account.pk, None, by="x", name="Hours", text="{name}: open at 9")
    receive(api, phone, "When?", ANNA)
    page = operator.post(place(), {"text": "old", "template": one.pk, "fill": "1"})
    assert page.context["reply"].filling.text == "Anna: open at 9"
    assert ">\nAnna: open at 9</textarea>" in text_of(page)
    assert not Message.objects.exists()


def test_what_is_older_is_on_another_page_and_reads_nothing(
    api: Api, phone: Phone, operator: Client, manual_clock: ManualClock
) -> None:
    for number in range(60):
        receive(api, phone, f"text {number:02}", ANNA)
        manual_clock.advance(seconds=1)
    page = operator.get(place())
    assert "text 09" not in text_of(page)
    Thread.objects.update(unread=1)
    older = operator.get(place(), {"below": str(page.context["page"]["below"])})
    assert "text 09" in text_of(older)
    assert "text 10" not in text_of(older)
    assert Thread.objects.get().unread == 1
    assert older.context["page"]["below"] is None


def test_a_conversation_is_begun_with_any_number(tenant: Tenant, operator: Client) -> None:
    for _ in range(2):
        assert operator.post(f"{PLACE}begin/", {"phone": "600 100 200"})["Location"] == place()
    assert "Nothing was said yet" in text_of(operator.get(place()))
    assert operator.post(f"{PLACE}begin/", {"phone": "x"})["Location"] == PLACE
    operator.post(place(), {"text": "Hello", "once": ""})
    assert Message.objects.get().text == "Hello"


def test_a_message_from_the_form_that_sends_stands_in_its_thread(
    tenant: Tenant, operator: Client
) -> None:
    operator.post("/console/send/", {"phone": ANNA, "text": "Hello", "once": "x", "at": ""})
    assert Thread.objects.get().last_out == Message.objects.get().pk
    assert "Hello" in text_of(operator.get(PLACE))


def test_a_contacts_page_shows_what_was_said(
    api: Api, tenant: Tenant, phone: Phone, operator: Client
) -> None:
    one = Contact.objects.create(account=tenant.account, name="Anna", phone=ANNA)
    accept(api, tenant, phone=ANNA, message="Your code is 7")
    receive(api, phone, "Thanks", ANNA)
    page = text_of(operator.get(f"/console/contacts/{one.pk}/"))
    assert "Your code is 7" in page
    assert "Thanks" in page


def test_a_blocked_number_wants_no_messages(api: Api, phone: Phone, operator: Client) -> None:
    receive(api, phone, "spam", ANNA)
    operator.post("/console/opt-outs/add/", {"phone": ANNA})
    assert 'id="closed"' in text_of(operator.get(place()))
    assert OptOut.objects.get().phone == ANNA


def test_neither_a_viewer_nor_another_account_sees_any(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone, operator: Client
) -> None:
    receive(api, phone, "secret", ANNA)
    viewer = logged_in(person("vera", tenant, Role.VIEWER))
    stranger = logged_in(person("bob", other_tenant))
    for path in (PLACE, place()):
        assert viewer.get(path).status_code == 403
    assert stranger.get(place()).status_code == 404
    assert "secret" not in text_of(stranger.get(PLACE))
    assert Thread.objects.get().unread == 1, "who may not read it has not"
    mine = place()
    receive(api, pair_phone(other_tenant, "install-2"), "of Bob", ANNA)
    assert "of Bob" not in text_of(operator.get(mine))


def test_a_thread_and_the_list_cost_few_queries(
    api: Api, tenant: Tenant, phone: Phone, operator: Client
) -> None:
    Contact.objects.create(account=tenant.account, name="Anna", phone=ANNA)
    templates.save(tenant.account.pk, None, by="x", name="Hours", text="open at 9")
    for number in range(30):
        accept(api, tenant, f"a-{number}", phone=ANNA)
        receive(api, phone, "Hi", ANNA)
        receive(api, phone, "Hi", f"+486001003{number:02}")
    for path in (place(), PLACE):
        with CaptureQueriesContext(connection) as asked:
            assert operator.get(path).status_code == 200
        assert len(asked) <= 15, [one["sql"][:100] for one in asked.captured_queries]


def test_an_opt_out_by_a_person_is_shown_as_theirs(
    api: Api, tenant: Tenant, phone: Phone, operator: Client
) -> None:
    receive(api, phone, "Hi", ANNA)
    opt_outs.opt_out(tenant.account.pk, ANNA, OptOut.Source.ADMIN)
    assert "by a person" in text_of(operator.get(place()))
