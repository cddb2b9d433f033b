"""Lists, pages and totals end after MOST rows, and nothing that they owe is lost by it."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

from http_api import pagination
from messaging import tasks
from messaging.ids_by_time import end_id, first_id
from messaging.models import Message, OptOut
from tests.conftest import Api, ManualClock, Tenant
from tests.delivery import accept
from tests.dialects.smsend.conftest import logged_in

ANDROID = "/api/3rdparty/v1/messages"


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(pagination, "MOST", 3)
    return 3


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("op"))
    return client


def send(api: Api, tenant: Tenant, *numbers: int) -> Any:
    phones = [f"+4860010020{number}" for number in numbers]
    body = {"phoneNumbers": phones, "textMessage": {"text": "Hi"}}
    response = api.post(ANDROID, body, Authorization=f"Bearer {tenant.keys.token}")
    assert response.status_code == 200, response.content
    return response.json()["id"]


def batches(api: Api, tenant: Tenant, **query: Any) -> Any:
    headers = {"Authorization": f"Bearer {tenant.keys.token}"}
    return api.client.get(ANDROID, query, headers=headers)


def test_the_id_at_a_time_is_that_of_the_first_row_of_that_time(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    made: list[tuple[dt.datetime, int]] = []
    for message_id in (5, 6, 13, 14, 15, 100_015, 100_018, 100_019, 100_020, 2**40):
        new = accept(api, tenant, f"m-{message_id}")
        Message.objects.filter(pk=new).update(id=10**9 + message_id)
        made.append((manual_clock.now, 10**9 + message_id))
        manual_clock.advance(minutes=5)
    for (_, low), (at, high) in itertools.pairwise(made):
        assert low < first_id(Message, at) <= high
        assert end_id(Message, at) == high + 1
    assert first_id(Message, manual_clock.now) == made[-1][1] + 1
    assert first_id(Message, made[0][0] - dt.timedelta(365)) <= made[0][1]


def test_the_id_at_a_time_leaves_room_for_transactions_that_end_in_another_order(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    first = accept(api, tenant, "drew its id first")
    accept(api, tenant, "drew its time first")
    at = manual_clock.now + dt.timedelta(seconds=9)
    Message.objects.filter(pk=first).update(created_at=at)
    listed = api.get("/api/messages/", tenant, since=at.isoformat()).json()["results"]
    assert [row["external_id"] for row in listed] == ["drew its id first"]


def test_a_page_of_a_state_that_few_are_in_may_be_short_and_next_leads_to_all_of_them(
    api: Api, tenant: Tenant, manual_clock: ManualClock, most: int
) -> None:
    ids = [accept(api, tenant, f"m-{number}") for number in range(10)]
    delivered = {ids[0], ids[1], ids[8]}
    Message.objects.filter(pk__in=delivered).update(status="delivered", sent_at=manual_clock.now)
    answer, seen = api.get("/api/messages/", tenant, status="delivered").json(), []
    pages = [len(answer["results"])]
    while True:
        seen += [row["id"] for row in answer["results"]]
        if answer["next"] is None:
            break
        url = urlsplit(answer["next"])
        answer = api.client.get(f"{url.path}?{url.query}", headers=tenant.headers).json()
        pages.append(len(answer["results"]))
    assert seen == sorted(delivered, reverse=True)
    assert pages == [1, 0, 1, 1]


def test_a_total_ends_and_no_page_goes_beyond(
    api: Api, tenant: Tenant, manual_clock: ManualClock, most: int
) -> None:
    sent = [send(api, tenant, number) for number in range(5)]
    listed = batches(api, tenant, offset=1, limit=3)
    assert listed["X-Total-Count"] == "4"
    assert [row["id"] for row in listed.json()] == sent[3:0:-1]
    beyond = batches(api, tenant, offset=3)
    assert beyond.status_code == 400
    assert "shorter period" in beyond.json()["message"]
    first = batches(api, tenant, sort="created_at", limit=2)
    assert [row["id"] for row in first.json()] == sent[:2]


def test_a_page_behind_the_end_of_a_short_list_is_empty(
    api: Api, tenant: Tenant, manual_clock: ManualClock, most: int
) -> None:
    send(api, tenant, 1)
    assert batches(api, tenant, offset=50).json() == []


def test_a_state_is_looked_for_in_the_newest(
    api: Api, tenant: Tenant, manual_clock: ManualClock, most: int
) -> None:
    sent = [send(api, tenant, number) for number in range(5)]
    Message.objects.update(status="failed")
    listed = batches(api, tenant, state="Failed")
    assert [row["id"] for row in listed.json()] == sent[:1:-1]
    assert batches(api, tenant, state="Pending").json() == []


@pytest.mark.parametrize(
    ("query", "found"), [({}, [4, 3]), ({"sort": "created_at"}, [0, 1]), ({"offset": 1}, [3])]
)
def test_a_state_is_looked_for_in_as_many_messages_as_are_walked(
    api: Api, tenant: Tenant, manual_clock: ManualClock, most: int, query: Any, found: list[int]
) -> None:
    """The third send has more recipients than are left to be looked at: its state is not known."""
    sent = [send(api, tenant, *numbers) for numbers in ([1], [1], [1, 2, 3], [1], [1])]
    listed = batches(api, tenant, state="Pending", **query)
    assert [row["id"] for row in listed.json()] == [sent[index] for index in found]
    assert listed["X-Total-Count"] == "2"


def test_a_whole_number_is_found_on_the_blacklist_however_old_it_is(
    api: Api, tenant: Tenant, manual_clock: ManualClock, most: int
) -> None:
    for number in range(5):
        OptOut.objects.create(
            account=tenant.account, phone=f"+4860010020{number}", source="api",
            created_at=manual_clock.now,
        )  # fmt: skip

    def found(number: str) -> list[str]:
        url = "/API/v1.0/REST/blacklist/sms"
        answer = api.client.get(url, {"number": number}, headers=logged_in(tenant)).json()
        return [row["phoneNumber"] for row in answer["blacklist"]]

    assert found("48600100200") == ["+48600100200"]
    assert found("0010020") == ["+48600100204", "+48600100203", "+48600100202"]


def test_a_log_of_a_state_is_of_the_newest_and_an_account_counts_all(
    api: Api, tenant: Tenant, manual_clock: ManualClock, most: int
) -> None:
    headers = {"X-API-Key": tenant.keys.token}
    for number in range(5):
        body = {"to": f"+4860010020{number}", "message": "Hi"}
        assert api.post("/api/v1/send", body, **headers).status_code == 201
    Message.objects.update(status="failed")
    tasks.count_states()

    def asked(path: str, **query: Any) -> Any:
        return api.client.get(f"/api/v1/{path}", query, headers=headers)

    assert asked("account").json()["data"]["stats"]["total"] == 5
    log = asked("logs", status="failed").json()
    assert log["pagination"]["total"] == len(log["data"]) == 3
    assert asked("logs").json()["pagination"]["total"] == 4
    assert [row["to"][-1] for row in asked("logs", page=2, per_page=2).json()["data"]] == ["2", "1"]
    beyond = asked("logs", page=4, per_page=1)
    assert (beyond.status_code, "shorter period" in beyond.json()["error"]) == (400, True)


def sms_by(api: Api, tenant: Tenant, method: str, **fields: Any) -> Any:
    return api.post(f"/api/v1/{method}", fields | {"token": tenant.keys.token})


def mailing(api: Api, tenant: Tenant, *numbers: int) -> Any:
    made = sms_by(api, tenant, "createSmsMessage", message="Hi").json()["message_id"]
    for number in numbers:
        phone = f"4860010020{number}"
        answer = sms_by(api, tenant, "sendSMS", message_id=made, phone=phone)
        assert answer.status_code == 200, answer.content
    return made


@pytest.mark.parametrize(
    ("recipients", "shown"),
    [([2, 1, 1, 1], 3), ([1, 2, 1, 1], 2), ([1, 1, 3, 0], 2), ([1, 1, 1, 5], 1), ([0, 0, 0, 0], 4)],
)
def test_mailings_are_counted_as_long_as_their_messages_are_few(
    api: Api,
    tenant: Tenant,
    manual_clock: ManualClock,
    most: int,
    recipients: list[int],
    shown: int,
) -> None:
    made = [mailing(api, tenant, *range(number)) for number in recipients]
    rows = sms_by(api, tenant, "getSMSMessages").json()["data"]
    assert [row["id"] for row in rows] == made[::-1][:shown]
    counted = [min(number, 4) for number in recipients]
    assert [row["count_phones"] for row in rows] == counted[::-1][:shown]


def test_recipients_are_listed_to_the_last_and_texts_to_a_bound(
    api: Api, tenant: Tenant, manual_clock: ManualClock, most: int
) -> None:
    made = [mailing(api, tenant) for _ in range(3)] + [mailing(api, tenant, *range(6))]
    page = {"limit_offset": 4, "limit_rows": 5}
    rows = sms_by(api, tenant, "getSmsDeliveryList", message_id=made[-1], **page).json()["result"]
    assert [row["phone"] for row in rows] == [48600100204, 48600100205]
    rest = sms_by(api, tenant, "getMessagesList", limit_offset=1, limit_rows=9).json()["result"]
    assert [row["message_id"] for row in rest] == made[2::-1]
    beyond = sms_by(api, tenant, "getMessagesList", limit_offset=3, limit_rows=1)
    assert (beyond.status_code, "shorter period" in beyond.json()["error"]) == (400, True)


def test_a_group_is_counted_to_a_bound(
    api: Api, tenant: Tenant, manual_clock: ManualClock, most: int
) -> None:
    made = sms_by(api, tenant, "createSubscriberList", name="All").json()["result"]["list_id"]
    data = {f"data[{n}][0]": f"4860010020{n}" for n in range(6)}
    sms_by(api, tenant, "importContacts", list_id=made, **{"field_names[0]": "phone"}, **data)
    [row] = sms_by(api, tenant, "getSubscriberLists").json()["result"]
    assert row["count"] == 4


def test_the_admin_counts_up_to_a_bound_and_says_so(
    api: Api, tenant: Tenant, operator: Client, most: int
) -> None:
    for number in range(3):
        accept(api, tenant, f"m-{number}")
    assert "3 messages" in operator.get("/admin/messaging/message/").content.decode()
    accept(api, tenant, "one more")
    assert "3+ messages" in operator.get("/admin/messaging/message/").content.decode()


@pytest.mark.parametrize(
    ("term", "found"), [("Order-7", 1), ("order-7", 0), ("Order", 0), ("ID", 1), ("99999999", 0)]
)
def test_the_admin_finds_a_message_by_its_whole_id(
    api: Api, tenant: Tenant, operator: Client, term: str, found: int
) -> None:
    message_id = accept(api, tenant, "Order-7")
    accept(api, tenant, "another")
    page: Any = operator.get(
        "/admin/messaging/message/", {"q": term.replace("ID", str(message_id))}
    )
    assert page.context_data["cl"].result_count == found


@pytest.mark.parametrize(
    ("term", "found"),
    [("+48123456789", 1), ("48123456789", 0), ("nowa", 1), ("Anna 7", 1), ("ŻAK", 1)],
)
def test_the_admin_finds_a_person_by_the_number_or_a_part_of_the_name(
    api: Api, tenant: Tenant, operator: Client, term: str, found: int
) -> None:
    body = tenant.with_keys(name="Anna 7 Nowak-Żak", phone="+48123456789")
    assert api.post("/api/contacts/contacts/", body).status_code == 201
    page: Any = operator.get("/admin/contacts/contact/", {"q": term})
    assert page.context_data["cl"].result_count == found


def test_the_list_of_licences_leads_to_the_messages_of_each(
    api: Api, tenant: Tenant, other_tenant: Tenant, operator: Client
) -> None:
    accept(api, tenant)
    accept(api, other_tenant)
    url = f"/admin/messaging/message/?license__id__exact={tenant.keys.license_id}"
    assert url in operator.get("/admin/licenses/license/").content.decode()
    page: Any = operator.get(url)
    assert page.context_data["cl"].result_count == 1
