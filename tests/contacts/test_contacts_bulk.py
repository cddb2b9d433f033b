"""POST /api/contacts/contacts/bulk/"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, ContactGroup
from licenses.models import DailyUsage
from messaging.models import Message
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Tenant, refused

URL = "/api/contacts/contacts/bulk/"
SOON = "2026-04-10T09:00:00"


def person(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"name": f"Name {number}", "phone": f"+48600100{number:03}"} | fields


def texted(number: int = 0, **fields: Any) -> dict[str, Any]:
    return person(number, message="Hi {name}", send_after=SOON) | fields


def test_it_answers_as_documented(api: Api, tenant: Tenant, manual_clock: ManualClock) -> None:
    known = tenant.with_keys(name="P. Wiśniewski", phone="+48444555666")
    assert api.post("/api/contacts/contacts/", known).status_code == 201
    body = {
        "key": tenant.keys.license_key,
        "api_key": tenant.keys.api_key,
        "ignore_foreign_numbers": False,
        "all_or_nothing": False,
        "contacts": [
            {
                "name": "Anna Nowak",
                "phone": "+48111222333",
                "group_name": "Newsletter",
                "message": "Hi {name}, thanks for signing up!",
                "send_after": "2026-04-10T09:00:00",
            },
            {"name": "Piotr Wiśniewski", "phone": "+48444555666", "group_name": "Newsletter"},
        ],
    }
    response = api.post(URL, body)
    assert response.status_code == 201, response.content
    assert response.content == (
        b'{"created_count":1,"updated_count":1,"skipped_count":0,"skipped":[],'
        b'"messages_created_count":1}'
    )
    assert Message.objects.get().text == "Hi Anna Nowak, thanks for signing up!"
    assert ContactGroup.objects.get().contacts.count() == 2
    assert Contact.objects.get(phone="+48444555666").name == "Piotr Wiśniewski"


@pytest.mark.parametrize("count", [1, 500])
def test_it_takes_1_to_500_contacts(api: Api, tenant: Tenant, count: int) -> None:
    contacts = [texted(number) for number in range(count)]
    answer = api.post(URL, tenant.with_keys(contacts=contacts)).json()
    assert answer["created_count"] == answer["messages_created_count"] == count
    assert Contact.objects.count() == Message.objects.count() == count


@pytest.mark.parametrize("count", [0, 501])
def test_it_refuses_none_and_more_than_500(api: Api, tenant: Tenant, count: int) -> None:
    contacts = [person(number) for number in range(count)]
    refused(api.post(URL, tenant.with_keys(contacts=contacts)), 400, "invalid", "contacts")
    assert not Contact.objects.exists()


@pytest.mark.parametrize("contacts", [None, "absent", {}, "x", 1])
def test_contacts_must_be_a_list(api: Api, tenant: Tenant, contacts: Any) -> None:
    body = tenant.with_keys(contacts=contacts)
    if contacts == "absent":
        del body["contacts"]
    refused(api.post(URL, body), 400, "invalid", "contacts")


INVALID: list[tuple[Any, dict[str, list[str]]]] = [
    (person(phone="x"), {"phone": ["enter a number like +48123456789"]}),
    (person(name=None), {"name": ["this field is required"]}),
    (person(message="Hi"), {"send_after": ["is required when message is given"]}),
    (person(name=""), {"name": ["may not be empty"]}),
    (
        texted(message="{name}" * 300),
        {"message": ["has 12 parts; an SMS may have at most 10"]},
    ),
    (texted(send_before="2020-01-01T00:00:00"), {"send_before": ["is already past"]}),
    (texted(send_before=SOON), {"send_before": ["must be after send_after"]}),
    (texted(priority="x"), {"priority": ["must be a whole number"]}),
    ("text", {"body": ["must be an object"]}),
    (None, {"body": ["must be an object"]}),
    ({}, {"name": ["this field is required"], "phone": ["this field is required"]}),
]


@pytest.mark.parametrize("all_or_nothing", [False, True])
@pytest.mark.parametrize(("bad", "errors"), INVALID)
def test_an_invalid_item_is_skipped_with_its_errors(
    api: Api,
    tenant: Tenant,
    manual_clock: ManualClock,
    bad: Any,
    errors: dict[str, list[str]],
    all_or_nothing: bool,
) -> None:
    """`all_or_nothing` is accepted and has no effect."""
    contacts = [person(1), bad, person(2)]
    body = tenant.with_keys(contacts=contacts, all_or_nothing=all_or_nothing)
    response = api.post(URL, body)
    assert response.status_code == 201, response.content
    assert response.json() == {
        "created_count": 2,
        "updated_count": 0,
        "skipped_count": 1,
        "skipped": [{"index": 1, "reason": "invalid", "errors": errors}],
        "messages_created_count": 0,
    }
    assert Contact.objects.count() == 2


def test_where_only_the_sms_is_left_out_the_contact_is_saved(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    opt_outs.opt_out(tenant.keys.account_id, "+48600100001", opt_outs.Source.API)
    api.post(URL, tenant.with_keys(contacts=[texted(3)]))
    contacts = [
        texted(0),
        texted(1),
        texted(2, phone="+4915112345678"),
        texted(3),
        texted(4, phone="x"),
        texted(0),
        person(5, phone="+4915112345679"),
    ]
    body = tenant.with_keys(contacts=contacts, ignore_foreign_numbers=True)
    response = api.post(URL, body)
    assert response.json() == {
        "created_count": 4,
        "updated_count": 2,
        "skipped_count": 5,
        "skipped": [
            {"index": 1, "reason": "opted_out", "contact_saved": True},
            {"index": 2, "reason": "foreign_number", "contact_saved": True},
            {"index": 3, "reason": "duplicate_message", "contact_saved": True},
            {
                "index": 4,
                "reason": "invalid",
                "errors": {"phone": ["enter a number like +48123456789"]},
            },
            {"index": 5, "reason": "duplicate_message", "contact_saved": True},
        ],
        "messages_created_count": 1,
    }
    assert Contact.objects.count() == 5


def test_the_same_phone_twice_creates_then_updates(api: Api, tenant: Tenant) -> None:
    contacts = [
        texted(1, name="First", group_name="A"),
        texted(1, name="Second", phone="600 100 001", group_name="B"),
    ]
    answer = api.post(URL, tenant.with_keys(contacts=contacts)).json()
    assert (answer["created_count"], answer["updated_count"]) == (1, 1)
    assert answer["messages_created_count"] == 2
    assert Contact.objects.get().name == "Second"
    assert Contact.objects.get().groups.count() == 2
    assert sorted(Message.objects.values_list("text", flat=True)) == ["Hi First", "Hi Second"]


def test_an_invalid_item_does_not_change_a_name(api: Api, tenant: Tenant) -> None:
    contacts = [person(1, name="Good"), person(1, name="Bad", message="Hi")]
    answer = api.post(URL, tenant.with_keys(contacts=contacts)).json()
    assert (answer["created_count"], answer["updated_count"]) == (1, 0)
    assert Contact.objects.get().name == "Good"


def test_over_the_daily_limit_nothing_is_saved(api: Api, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=2)
    contacts = [texted(number, group_name="VIP") for number in range(3)]
    refused(api.post(URL, tenant.with_keys(contacts=contacts)), 403, "daily_limit_exceeded")
    assert not Contact.objects.exists()
    assert not ContactGroup.objects.exists()
    assert not DailyUsage.objects.exists()
    assert api.post(URL, tenant.with_keys(contacts=contacts[:2])).status_code == 201
    again = api.post(URL, tenant.with_keys(contacts=contacts[:2])).json()
    assert again["skipped_count"] == 2  # duplicates are not counted


def test_messages_keep_the_order_of_the_batch(api: Api, tenant: Tenant) -> None:
    contacts = [texted(number) for number in range(50)]
    api.post(URL, tenant.with_keys(contacts=contacts))
    phones = list(Message.objects.order_by("pk").values_list("phone", flat=True))
    assert phones == [contact["phone"] for contact in contacts]


def test_the_lowest_id_of_two_groups_is_meant(api: Api, tenant: Tenant) -> None:
    for _ in range(2):
        api.post("/api/contacts/groups/", tenant.with_keys(name="VIP"))
    api.post(URL, tenant.with_keys(contacts=[person(1, group_name="VIP")]))
    first, second = ContactGroup.objects.order_by("pk")
    assert (first.contacts.count(), second.contacts.count()) == (1, 0)


def queries_of(api: Api, tenant: Tenant, contacts: list[Any]) -> list[str]:
    body = tenant.with_keys(contacts=contacts)
    with CaptureQueriesContext(connection) as captured:
        answer = api.post(URL, body).json()
    assert answer["created_count"] + answer["updated_count"] == len(contacts)
    assert answer["messages_created_count"] == len(contacts)
    return [query["sql"][:60] for query in captured]


@pytest.mark.parametrize("size", [2, 500])
def test_a_batch_costs_thirteen_queries_whatever_its_size(
    api: Api, tenant: Tenant, size: int
) -> None:
    """All at its most expensive: half the contacts are renamed, half of the groups exist; a daily
    limit is counted. What opens and closes the transaction is counted too."""
    tenant.set_rules(max_daily_sms=100_000)
    half = size // 2
    people = [texted(number, group_name=f"Group {number % 10}") for number in range(size)]
    before = [person(n, name="Before", group_name=f"Group {n % 5}") for n in range(half)]
    api.post(URL, tenant.with_keys(contacts=before))
    queries = queries_of(api, tenant, people)
    assert len(queries) <= 13, "\n".join(queries)
    assert Contact.objects.count() == size
    assert not Contact.objects.filter(name="Before").exists()
