"""POST /api/messages/bulk/"""

from __future__ import annotations

import json
from typing import Any

import pytest

from licenses.models import DailyUsage
from messaging.models import Message
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Tenant, note_use, refused

URL = "/api/messages/bulk/"


def item(external_id: Any = "a-1", **fields: Any) -> dict[str, Any]:
    return {"external_id": external_id, "phone": "+48123456789", "message": "Hello"} | fields


def reasons(response: Any) -> list[tuple[int, str]]:
    assert response.status_code == 201, response.content
    answer = response.json()
    assert answer["skipped_count"] == len(answer["skipped"])
    return [(skip["index"], skip["reason"]) for skip in answer["skipped"]]


def test_it_answers_as_documented(api: Api, tenant: Tenant, manual_clock: ManualClock) -> None:
    body = {
        "license__key": tenant.keys.license_key,
        "all_or_nothing": False,
        "messages": [
            {
                "external_id": "promo-april-001",
                "message": "Spring sale — 20% off all orders this week!",
                "phone": "+48123456789",
                "priority": 5,
            },
            {
                "external_id": "promo-april-002",
                "message": "Spring sale — 20% off all orders this week!",
                "phone": "+48987654321",
                "send_after": "2026-04-10T10:00:00",
                "priority": 5,
            },
        ],
    }
    assert api.post("/api/messages/", tenant.message("promo-april-001")).status_code == 201
    response = api.post(URL, body)
    assert response.status_code == 201, response.content
    assert response["Content-Type"] == "application/json"
    assert response.content.decode() == (
        '{"created_count":1,"skipped_count":1,"skipped":'
        '[{"index":0,"reason":"duplicate_external_id","external_id":"promo-april-001"}]}'
    )
    message = Message.objects.get(external_id="promo-april-002")
    assert (message.priority, message.send_after_given) == (5, "2026-04-10T10:00:00")


def test_a_batch_that_is_accepted_whole_skips_nothing(api: Api, tenant: Tenant) -> None:
    response = api.post(URL, tenant.bulk([item("a"), item("b")]))
    assert response.content == b'{"created_count":2,"skipped_count":0,"skipped":[]}'


@pytest.mark.parametrize("count", [1, 1000])
def test_it_takes_1_to_1000_messages(api: Api, tenant: Tenant, count: int) -> None:
    tenant.set_rules(max_daily_sms=1000)
    response = api.post(URL, tenant.bulk([item(f"a-{number}") for number in range(count)]))
    assert response.json() == {"created_count": count, "skipped_count": 0, "skipped": []}
    assert Message.objects.count() == DailyUsage.objects.get().used == count


@pytest.mark.parametrize("count", [0, 1001])
def test_it_refuses_none_and_more_than_1000(api: Api, tenant: Tenant, count: int) -> None:
    messages = [item(f"a-{number}") for number in range(count)]
    refused(api.post(URL, tenant.bulk(messages)), 400, "invalid", "messages")
    assert not Message.objects.exists()


def test_the_largest_batch_of_ten_part_texts_fits(api: Api, tenant: Tenant) -> None:
    """1,000 texts of 670 Cyrillic letters in \\u escapes: 4 MB."""
    messages = [item(f"a-{number}", message="щ" * 670) for number in range(1000)]
    body = json.dumps(tenant.bulk(messages))
    assert len(body) > 4_000_000
    assert api.raw(URL, body).json()["created_count"] == 1000
    assert set(Message.objects.values_list("parts", flat=True)) == {10}


@pytest.mark.parametrize("messages", [None, "absent", {}, "x", 1, True, {"0": {}}])
def test_messages_must_be_a_list(api: Api, tenant: Tenant, messages: Any) -> None:
    body = tenant.bulk(messages)
    if messages == "absent":
        del body["messages"]
    refused(api.post(URL, body), 400, "invalid", "messages")


@pytest.mark.parametrize("value", ["yes", 1, 0, [], "1"])
def test_all_or_nothing_must_be_true_or_false(api: Api, tenant: Tenant, value: Any) -> None:
    body = tenant.bulk([item()], all_or_nothing=value)
    refused(api.post(URL, body), 400, "invalid", "all_or_nothing")


@pytest.mark.parametrize(
    ("value", "status"),
    [(True, 400), ("true", 400), ("True", 400), (False, 201), ("false", 201), (None, 201)],
)
def test_all_or_nothing_decides_about_the_rest(
    api: Api, tenant: Tenant, value: Any, status: int
) -> None:
    body = tenant.bulk([item("a"), item("b", phone="x")], all_or_nothing=value)
    assert api.post(URL, body).status_code == status
    assert Message.objects.count() == (status == 201)


INVALID: list[tuple[Any, Any, dict[str, list[str]]]] = [
    (item(phone="x"), "a-1", {"phone": ["enter a number like +48123456789"]}),
    (item(7, phone=None), "7", {"phone": ["this field is required"]}),
    (item(None), None, {"external_id": ["this field is required"]}),
    (item(""), "", {"external_id": ["may not be empty"]}),
    (item(["x"]), None, {"external_id": ["must be a string"]}),
    (item(priority="x"), "a-1", {"priority": ["must be a whole number"]}),
    (item(message="a" * 1531), "a-1", {"message": ["has 11 parts; an SMS may have at most 10"]}),
    (
        item(send_before="2020-01-01T00:00:00"),
        "a-1",
        {"send_before": ["is already past"]},
    ),
    ("text", None, {"body": ["must be an object"]}),
    (None, None, {"body": ["must be an object"]}),
    ([], None, {"body": ["must be an object"]}),
    (
        {},
        None,
        {
            "external_id": ["this field is required"],
            "message": ["this field is required"],
            "phone": ["this field is required"],
        },
    ),
]


@pytest.mark.parametrize(("bad", "external_id", "errors"), INVALID)
def test_an_invalid_item_is_skipped_with_its_errors(
    api: Api, tenant: Tenant, bad: Any, external_id: str | None, errors: dict[str, list[str]]
) -> None:
    response = api.post(URL, tenant.bulk([item("first"), bad, item("last")]))
    assert response.status_code == 201, response.content
    assert response.json() == {
        "created_count": 2,
        "skipped_count": 1,
        "skipped": [
            {"index": 1, "reason": "invalid", "external_id": external_id, "errors": errors}
        ],
    }


@pytest.mark.parametrize(("bad", "external_id", "errors"), INVALID)
def test_all_or_nothing_refuses_the_batch_of_an_invalid_item(
    api: Api, tenant: Tenant, bad: Any, external_id: str | None, errors: dict[str, list[str]]
) -> None:
    batch = tenant.bulk([item("first"), bad, item("last")], all_or_nothing=True)
    body = refused(api.post(URL, batch), 400, "batch_rejected", "1")
    assert body["errors"] == {"1": errors}
    assert not Message.objects.exists()


def test_within_a_batch_the_first_of_two_duplicates_wins(api: Api, tenant: Tenant) -> None:
    messages = [item("a", message="first"), item("b"), item("a", message="second")]
    response = api.post(URL, tenant.bulk(messages))
    assert reasons(response) == [(2, "duplicate_external_id")]
    assert Message.objects.get(external_id="a").text == "first"


def test_an_invalid_item_takes_no_external_id(api: Api, tenant: Tenant) -> None:
    messages = [item("a", phone="x"), item("a", message="x" * 9999), item("a")]
    response = api.post(URL, tenant.bulk(messages))
    assert reasons(response) == [(0, "invalid"), (1, "invalid")]


def test_rules_are_checked_in_the_documented_order(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    """Shape, duplicates, opt-outs, sending hours; the limit counts only what remains."""
    tenant.set_rules(sending_hours="08:00-12:00", max_daily_sms=1)
    opt_outs.opt_out(tenant.keys.account_id, "+48600100200", opt_outs.Source.API)
    assert api.post("/api/messages/", tenant.message("old")).status_code == 201
    gone = {"phone": "+48600100200"}
    later = {"send_after": "2026-04-11T09:00:00"}
    messages = [
        item("old", phone="x"),
        item("old", **gone),
        item("a", **gone),
        item("b"),
        item("c", **later),
        item("c", **gone),
    ]
    response = api.post(URL, tenant.bulk(messages))
    assert reasons(response) == [
        (0, "invalid"),
        (1, "duplicate_external_id"),
        (2, "opted_out"),
        (3, "outside_sending_hours"),
        (5, "duplicate_external_id"),
    ]
    assert response.json()["created_count"] == 1
    assert {usage.day.isoformat(): usage.used for usage in DailyUsage.objects.all()} == {
        "2026-04-10": 1,
        "2026-04-11": 1,
    }


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("external_id", "duplicate_external_id"),
        ("phone", "opted_out"),
        ("send_after", "outside_sending_hours"),
    ],
)
def test_all_or_nothing_refuses_the_batch_of_any_skip(
    api: Api, tenant: Tenant, manual_clock: ManualClock, field: str, reason: str
) -> None:
    assert api.post("/api/messages/", tenant.message("old")).status_code == 201
    tenant.set_rules(sending_hours="08:00-12:00")
    opt_outs.opt_out(tenant.keys.account_id, "+48600100200", opt_outs.Source.API)
    later = {"send_after": "2026-04-11T09:00:00"}
    bad = {
        "external_id": item("old", **later),
        "phone": item("b", phone="+48600100200", **later),
        "send_after": item("c"),
    }[field]
    batch = tenant.bulk([item("a", **later), bad], all_or_nothing=True)
    body = refused(api.post(URL, batch), 400, "batch_rejected", "1")
    assert list(body["errors"]["1"]) == [field]
    assert reason in body["errors"]["1"][field][0]
    assert Message.objects.count() == 1


def test_all_or_nothing_lists_every_bad_index(api: Api, tenant: Tenant) -> None:
    messages = [item("a"), item("a"), item("b"), item("c", phone="x"), "x", item("b")]
    batch = tenant.bulk(messages, all_or_nothing=True)
    body = refused(api.post(URL, batch), 400, "batch_rejected", "1", "3", "4", "5")
    assert "4 of 6" in body["message"]
    assert not Message.objects.exists()


def test_outside_the_hours_an_own_send_after_is_accepted(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    tenant.set_rules(sending_hours="08:00-12:00")
    messages = [
        item("night", send_after="2026-04-10T23:00:00"),
        item("past", send_after="2026-04-09T09:00:00"),
        item("none"),
    ]
    assert reasons(api.post(URL, tenant.bulk(messages))) == [(2, "outside_sending_hours")]
    due = dict(Message.objects.values_list("external_id", "due_at"))
    assert due["night"].isoformat() == "2026-04-10T21:00:00+00:00"
    assert due["past"].isoformat() == "2026-04-10T06:00:00+00:00"  # the next opening


@pytest.mark.parametrize("all_or_nothing", [False, True])
def test_over_the_daily_limit_nothing_is_created(
    api: Api, tenant: Tenant, all_or_nothing: bool
) -> None:
    tenant.set_rules(max_daily_sms=2)
    batch = tenant.bulk([item("a"), item("b"), item("c")], all_or_nothing=all_or_nothing)
    refused(api.post(URL, batch), 403, "daily_limit_exceeded")
    assert not Message.objects.exists()
    assert sum(DailyUsage.objects.values_list("used", flat=True)) == 0
    assert api.post(URL, tenant.bulk([item("a"), item("b")])).status_code == 201
    refused(api.post(URL, tenant.bulk([item("c")])), 403, "daily_limit_exceeded")
    assert reasons(api.post(URL, tenant.bulk([item("a")]))) == [(0, "duplicate_external_id")]


def test_the_limit_counts_by_the_day_on_which_a_message_may_start(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    tenant.set_rules(max_daily_sms=2)
    days = ["2026-04-10T00:00:00", "2026-04-10T23:59:59", "2026-04-11T00:00:00", None, None]
    batch = [item(f"a-{number}", send_after=day) for number, day in enumerate(days)]
    assert api.post(URL, tenant.bulk(batch)).json()["created_count"] == 5
    refused(
        api.post(URL, tenant.bulk([item("b", send_after="2026-04-10T12:00:00")])),
        403,
        "daily_limit_exceeded",
    )
    more = item("c", send_after="2026-04-11T12:00:00")
    assert api.post(URL, tenant.bulk([more])).status_code == 201


@pytest.mark.parametrize("size", [1, 1000])
def test_the_number_of_queries_does_not_depend_on_the_size(
    api: Api, tenant: Tenant, size: int, django_assert_num_queries: Any
) -> None:
    """Key, savepoint, lock, duplicates and opt-outs, limit, insert, events, release."""
    tenant.set_rules(max_daily_sms=10_000)
    note_use(tenant)
    body = tenant.bulk([item(f"a-{number}") for number in range(size)])
    with django_assert_num_queries(8):
        assert api.post(URL, body).status_code == 201
