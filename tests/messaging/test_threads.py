"""/api/threads/: what was said with whom, and what people have yet to do about it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from licenses.models import License
from members.models import Member, Role
from messaging import threads
from messaging.models import InboundMessage, Message, Thread
from messaging.services import housekeeping
from messaging.services import threads as services
from messaging.threads import NEWEST, Below, Place, Show
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone, refused
from tests.console.conftest import person
from tests.delivery import Wire, accept, sent
from tests.messaging.test_inbox import receive

URL = "/api/threads/"
ANNA, JAN = "+48600100200", "+48600100201"

pytestmark = pytest.mark.usefixtures("all_sms_kept")


def patch(api: Api, tenant: Tenant, thread_id: int, **body: Any) -> Any:
    path = f"{URL}{thread_id}/"
    return api.client.patch(path, body, "application/json", headers=tenant.pair_headers)


def listed(api: Api, tenant: Tenant, **query: str) -> list[str]:
    answer = api.get(URL, tenant, **query)
    assert answer.status_code == 200, answer.content
    return [row["phone"] for row in answer.json()["results"]]


def said(api: Api, tenant: Tenant, thread_id: int, **query: str) -> list[str]:
    answer = api.get(f"{URL}{thread_id}/messages/", tenant, **query)
    assert answer.status_code == 200, answer.content
    return [
        f"> {one['message']['message']}" if one["message"] else f"< {one['sms']['text']}"
        for one in answer.json()["results"]
    ]


def test_who_writes_has_a_thread_that_is_unread(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    receive(api, phone, "one", "600100200")
    manual_clock.advance(minutes=1)
    receive(api, phone, "two", ANNA)
    receive(api, phone, "sale", "SHOP")
    [shop, anna] = api.get(URL, tenant).json()["results"]
    assert shop["phone"] == "SHOP"
    assert anna == {
        "id": Thread.objects.get(phone=ANNA).pk, "phone": ANNA, "last_at": "2026-04-09T14:33:00Z",
        "unread": 2, "archived": False, "assignee": None,
    }  # fmt: skip
    assert api.get(f"{URL}{anna['id']}/", tenant).json() == anna


def test_what_a_program_sends_and_a_phone_reports_costs_no_thread(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    """Nothing on the way of a message: neither a row nor a statement."""
    with CaptureQueriesContext(
        connection,
    ) as asked:
        message_id = accept(api, tenant, phone=ANNA)
        wire = Wire(api, phone)
        wire.claim()
        wire.report(*sent(message_id))
    assert asked.captured_queries
    assert not [one for one in asked.captured_queries if "thread" in one["sql"]]
    assert not Thread.objects.exists()


def test_what_is_not_kept_makes_no_thread(api: Api, tenant: Tenant, phone: Phone) -> None:
    tenant.set_rules(kept_sms="none")
    receive(api, phone, "Hi", ANNA)
    assert not Thread.objects.exists()


def test_both_ways_are_shown_newest_first_in_pages_without_gap_or_double(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    expected: list[str] = []
    for number in range(3):
        for _ in range(2):  # of one moment
            accept(api, tenant, f"a-{len(expected)}", phone=ANNA, message=f"m{len(expected)}")
            expected.append(f"> m{len(expected)}")
        receive(api, phone, f"s{number}", ANNA)
        expected.append(f"< s{number}")
        accept(api, tenant, f"jan-{number}", phone=JAN)
        receive(api, phone, "other", "SHOP")
        manual_clock.advance(minutes=1)
    one = Thread.objects.get(phone=ANNA)
    whole = said(api, tenant, one.pk)
    assert sorted(whole) == sorted(expected)
    times = [row["at"] for row in api.get(f"{URL}{one.pk}/messages/", tenant).json()["results"]]
    assert times == sorted(times, reverse=True)
    for limit in range(1, 10):
        seen: list[str] = []
        query = f"limit={limit}"
        while query:
            answer = api.client.get(f"{URL}{one.pk}/messages/?{query}", headers=tenant.pair_headers)
            page = answer.json()
            seen += [
                f"> {row['message']['message']}" if row["message"] else f"< {row['sms']['text']}"
                for row in page["results"]
            ]
            query = urlsplit(page["next"]).query if page["next"] else ""
        assert len(seen) == len(set(seen)) == 9, limit
    assert said(api, tenant, Thread.objects.get(phone="SHOP").pk) == ["< other"] * 3


def test_a_number_is_one_thread_in_each_of_its_spellings(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    """Mexico's numbers have two that stand for one."""
    accept(api, tenant, phone="+525512345678", message="Hola")
    receive(api, phone, "Si", "+5215512345678")
    one = Thread.objects.get()
    assert sorted(said(api, tenant, one.pk)) == ["< Si", "> Hola"]


def test_a_thread_is_marked_put_away_and_comes_back_with_the_next_sms(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    receive(api, phone, "one", ANNA)
    one = Thread.objects.get().pk
    assert patch(api, tenant, one, unread=False).json()["unread"] == 0
    assert (listed(api, tenant), listed(api, tenant, show="read")) == ([], [ANNA])
    assert patch(api, tenant, one, unread=True).json()["unread"] == 1
    assert patch(api, tenant, one, archived=True).json() | {"last_at": ""} == {
        "id": one, "phone": ANNA, "last_at": "", "unread": 0, "archived": True, "assignee": None,
    }  # fmt: skip
    assert (listed(api, tenant, show="read"), listed(api, tenant, show="archived")) == ([], [ANNA])
    assert patch(api, tenant, one, unread=True).json()["archived"] is False
    patch(api, tenant, one, archived=True)
    patch(api, tenant, one, archived=False)
    assert listed(api, tenant, show="read") == [ANNA]
    patch(api, tenant, one, archived=True)
    receive(api, phone, "two", ANNA)
    assert listed(api, tenant) == [ANNA]


def test_a_thread_is_a_members_who_may_answer(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone
) -> None:
    receive(api, phone, "one", ANNA)
    one = Thread.objects.get().pk
    olga = person("olga", tenant, Role.OPERATOR)
    person("vera", tenant, Role.VIEWER)
    person("bob", other_tenant)
    assert patch(api, tenant, one, assignee="olga").json()["assignee"] == "olga"
    assert [row.pk for row in threads.threads(tenant.account.pk, Show.MINE, user_id=olga.pk)] == [
        one
    ]
    for name in ("vera", "bob", "nobody"):
        refused(patch(api, tenant, one, assignee=name), 400, "invalid", "assignee")
    assert Thread.objects.get().assignee == olga
    assert patch(api, tenant, one, unread=False).json()["assignee"] == "olga"
    assert patch(api, tenant, one, unassign=True).json()["assignee"] is None
    Member.objects.all().delete()
    assert services.assignees(tenant.account.pk) == []


def test_the_list_is_in_pages_without_gap_or_double(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    for number in range(7):
        receive(api, phone, "Hi", f"+4860010020{number}")
        if number % 3 == 0:
            manual_clock.advance(seconds=1)
    seen: list[str] = []
    query = "limit=2"
    while query:
        page = api.client.get(f"{URL}?{query}", headers=tenant.pair_headers).json()
        seen += [row["phone"] for row in page["results"]]
        query = urlsplit(page["next"]).query if page["next"] else ""
    assert seen == [f"+4860010020{number}" for number in (6, 5, 4, 3, 2, 1, 0)]


@pytest.mark.parametrize("below", ["1", "1-", "-1", "x-y", "1-2-3", "9" * 20 + "-1"])
def test_a_place_that_nobody_gave_is_refused(
    api: Api, tenant: Tenant, phone: Phone, below: str
) -> None:
    receive(api, phone, "Hi", ANNA)
    for path in ("", f"{Thread.objects.get().pk}/messages/"):
        refused(api.get(f"{URL}{path}", tenant, below=below), 400, "invalid", "below")


def test_a_place_is_read_as_it_was_written(manual_clock: ManualClock) -> None:
    manual_clock.advance(microseconds=123_457)
    place = Place(manual_clock(), 7)
    assert Place.of(str(place)) == place
    assert Below.of(str(Below(3, 4))) == Below(3, 4)
    assert Below.of("x") == NEWEST


def test_another_accounts_number_is_another_thread(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone
) -> None:
    receive(api, phone, "mine", ANNA)
    receive(api, pair_phone(other_tenant, "install-2"), "theirs", ANNA)
    theirs = Thread.objects.get(account=other_tenant.account).pk
    assert len(listed(api, tenant)) == 1
    assert said(api, other_tenant, theirs) == ["< theirs"]
    for path in ("", "messages/"):
        refused(api.get(f"{URL}{theirs}/{path}", tenant), 404, "not_found")
    refused(patch(api, tenant, theirs, archived=True), 404, "not_found")
    assert not Thread.objects.filter(is_archived=True).exists()


def test_a_key_needs_the_scopes_of_what_it_reads(api: Api, tenant: Tenant, phone: Phone) -> None:
    receive(api, phone, "Hi", ANNA)
    one = Thread.objects.get().pk
    for scopes, can_list, can_read in (
        ("read", 403, 403), ("inbox", 200, 403), ("inbox read", 200, 200),
    ):  # fmt: skip
        License.objects.filter(pk=tenant.keys.license_id).update(scopes=scopes)
        assert api.get(URL, tenant).status_code == can_list
        assert api.get(f"{URL}{one}/messages/", tenant).status_code == can_read


def test_a_thread_ends_with_what_was_said_in_it(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    tenant.set_rules(retention_days=30)
    for number in range(3):
        receive(api, phone, "Hi", f"+4860010020{number}")
    rows = list(Thread.objects.order_by("pk"))
    patch(api, tenant, rows[0].pk, unread=False)
    patch(api, tenant, rows[1].pk, archived=True)
    manual_clock.advance(days=29)
    receive(api, phone, "Hi", JAN[:-1] + "9")
    housekeeping.erase_old(lambda: True)
    assert Thread.objects.count() == 4
    manual_clock.advance(days=1, seconds=1)
    housekeeping.erase_old(lambda: True)
    assert Thread.objects.count() == InboundMessage.objects.count() == 1


def test_a_message_by_hand_makes_the_thread_read(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    receive(api, phone, "Hi", ANNA)
    patch(api, tenant, Thread.objects.get().pk, archived=True)
    message = Message.objects.get(pk=accept(api, tenant, phone=ANNA))
    manual_clock.advance(seconds=1)
    services.said(message)
    one = Thread.objects.get()
    assert (one.unread, one.is_archived, one.last_out) == (0, False, message.pk)
    assert one.last_at == manual_clock()
    assert threads.last_texts(tenant.account.pk, [one]) == {one.pk: "Hi"}, "as it was said first"


def test_what_came_while_somebody_read_is_unread_still(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    receive(api, phone, "one", ANNA)
    shown = Thread.objects.get()
    receive(api, phone, "two", ANNA)
    services.read(shown)
    assert Thread.objects.get().unread == 2
    services.read(Thread.objects.get())
    assert Thread.objects.get().unread == 0
