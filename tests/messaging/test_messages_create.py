"""POST /api/messages/"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from licenses import services
from licenses.models import DailyUsage, License
from messaging.models import Message
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Tenant, note_use, refused

URL = "/api/messages/"


def test_it_answers_as_documented(api: Api, tenant: Tenant, manual_clock: ManualClock) -> None:
    body = {
        "external_id": "order-confirmation-12345",
        "license__key": tenant.keys.license_key,
        "message": "Your order #12345 has been confirmed. Delivery: 2-3 business days.",
        "phone": "+48123456789",
        "send_after": "2026-04-10T09:00:00",
        "priority": 10,
    }
    response = api.post(URL, body)
    assert response.status_code == 201, response.content
    answer = response.json()
    assert list(answer) == [
        "id", "external_id", "phone", "message", "status", "send_after", "created_at",
    ]  # fmt: skip
    assert isinstance(answer.pop("id"), int)
    assert answer == {
        "external_id": "order-confirmation-12345",
        "phone": "+48123456789",
        "message": "Your order #12345 has been confirmed. Delivery: 2-3 business days.",
        "status": "pending",
        "send_after": "2026-04-10T09:00:00",
        "created_at": "2026-04-09T14:32:00Z",
    }


def test_it_refuses_a_duplicate_external_id(api: Api, tenant: Tenant) -> None:
    assert api.post(URL, tenant.message()).status_code == 201
    response = api.post(URL, tenant.message(message="another text"))
    assert response.status_code == 400
    assert response.json()["code"] == "duplicate_external_id"
    known = Message.objects.get()
    assert response.json()["message"] == (
        f"external_id: a message with this external_id already exists; its id is {known.pk}"
    )
    assert Message.objects.count() == 1


@pytest.mark.parametrize("limit", [0, 1])
def test_it_refuses_what_is_over_the_daily_limit(api: Api, tenant: Tenant, limit: int) -> None:
    account = tenant.account
    account.max_daily_sms = limit
    account.save()
    statuses = [api.post(URL, tenant.message(f"a-{n}")).status_code for n in range(3)]
    assert statuses == [201] * limit + [403] * (3 - limit)
    assert Message.objects.count() == limit
    assert sum(DailyUsage.objects.values_list("used", flat=True)) == limit


def test_a_duplicate_is_not_counted(api: Api, tenant: Tenant) -> None:
    account = tenant.account
    account.max_daily_sms = 2
    account.save()
    codes = [api.post(URL, tenant.message(external_id)).status_code for external_id in "aab"]
    assert codes == [201, 400, 201]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("2026-04-09T16:31:00", "pending"),  # a minute ago in Warsaw
        ("2026-04-09T14:32:00Z", "pending"),
        ("2026-04-09T16:33:00", "scheduled"),
        ("2026-04-09T16:33", "scheduled"),
        ("2026-04-09T14:32:00.500Z", "scheduled"),
        ("2026-04-09T16:32:00,000001", "scheduled"),
        ("2026-11-22T04:04:19.278+01:00", "scheduled"),  # n8n's $now
        ("2026-11-22T04:04:19.123456789+0100", "scheduled"),
        ("2026-11-22T04:04:19-03", "scheduled"),
        ("1970-01-01T00:00:00Z", "pending"),
        ("2026-03-29T02:30:00", "pending"),  # in the spring gap
        ("2026-10-25T02:30:00", "scheduled"),  # in the autumn overlap
        ("2199-12-31T23:59:59", "scheduled"),
    ],
)
def test_it_echoes_send_after_in_the_clients_own_notation(
    api: Api, tenant: Tenant, manual_clock: ManualClock, given: str, status: str
) -> None:
    response = api.post(URL, tenant.message(send_after=given))
    assert response.status_code == 201, response.content
    answer = response.json()
    assert answer["send_after"] == given
    assert answer["status"] == "pending"
    assert Message.objects.get().status == status


@pytest.mark.parametrize(
    ("given", "due"),
    [
        ("2027-03-28T02:30:00", "2027-03-28T01:00:00"),  # the gap's end
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00"),  # the first of the two
        ("2026-07-01T12:00:00", "2026-07-01T10:00:00"),
        ("2026-12-01T12:00:00", "2026-12-01T11:00:00"),
        ("2020-01-01T12:00:00", "2026-04-09T14:32:00"),  # the past means now
    ],
)
def test_a_naive_time_is_the_accounts_local_time(
    api: Api, tenant: Tenant, manual_clock: ManualClock, given: str, due: str
) -> None:
    assert api.post(URL, tenant.message(send_after=given)).status_code == 201
    assert Message.objects.get().due_at == dt.datetime.fromisoformat(f"{due}+00:00")


@pytest.mark.parametrize("field", ["send_after", "send_before"])
@pytest.mark.parametrize(
    "given",
    [
        "tomorrow",
        "2026-04-10",
        "10.04.2026 09:00",
        "2026-04-10 09:00:00",
        "2026-02-30T09:00:00",
        "2026-04-10T24:00:00",
        "2026-04-10T09:60:00",
        "2026-04-10T09:00:61",
        "2026-04-10T09:00:00+25:00",
        "2026-04-10T09:00:00 02:00",
        "0000-01-01T00:00:00",
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59",
        "9999-12-31T23:59:59-14:00",
        "9998-12-31T23:59:59Z",
        "1969-12-31T23:59:59",
        "2200-01-01T00:00:00",
        "٢٠٢٦-04-10T09:00:00",
        "Sun Nov 22 2026 10:00:00 GMT+0000 (Coordinated Universal Time)",
        1775811600,
        1775811600.5,
        True,
        [],
        {"date": "2026-04-10"},
    ],
)
@pytest.mark.parametrize("hours", ["", "08:00-20:00", "20:00-08:00"])
def test_it_refuses_a_time_that_is_not_iso_8601(
    api: Api, tenant: Tenant, field: str, given: Any, hours: str
) -> None:
    tenant.set_rules(sending_hours=hours)
    body = refused(api.post(URL, tenant.message(**{field: given})), 400, "invalid", field)
    assert "2026-04-10T09:00:00" in body["errors"][field][0]


def test_no_time_however_odd_is_a_server_error(api: Api, tenant: Tenant) -> None:
    for number, hours in enumerate(["", "08:00-20:00", "20:00-08:00"]):
        tenant.set_rules(sending_hours=hours)
        for year in ("0001", "0002", "0100", "1970", "2199", "9998", "9999"):
            for day in ("01-01", "01-03", "12-29", "12-31"):
                for offset in ("", "Z", "+14:00", "-12:00"):
                    at = f"{year}-{day}T23:59:59{offset}"
                    fields = {"send_after": at, "send_before": "2199-01-01T00:00:00"}
                    response = api.post(URL, tenant.message(f"{number}{at}", **fields))
                    assert response.status_code in {201, 400}, at


@pytest.mark.parametrize(
    ("after", "before", "accepted"),
    [
        (None, "2026-04-09T16:32:01", True),
        (None, "2026-04-09T16:32:00", False),  # now: already past
        (None, "2020-01-01T00:00:00", False),
        ("2026-04-10T09:00:00", "2026-04-10T09:00:01", True),
        ("2026-04-10T09:00:00", "2026-04-10T09:00:00", False),
        ("2026-04-10T09:00:00", "2026-04-10T07:00:00Z", False),  # the same instant
        ("2026-04-10T09:00:00", "2026-04-10T08:00:00Z", True),
        ("2020-01-01T00:00:00", "2020-01-02T00:00:00", False),
    ],
)
def test_the_deadline_must_lie_ahead_and_after_the_start(
    api: Api,
    tenant: Tenant,
    manual_clock: ManualClock,
    after: str | None,
    before: str,
    accepted: bool,
) -> None:
    response = api.post(URL, tenant.message(send_after=after, send_before=before))
    if accepted:
        assert response.status_code == 201, response.content
    else:
        refused(response, 400, "invalid", "send_before")


def test_a_text_too_long_and_a_deadline_past_are_both_named(api: Api, tenant: Tenant) -> None:
    body = tenant.message(message="x" * 2000, send_before="2020-01-01T00:00:00")
    refused(api.post(URL, body), 400, "invalid", "message", "send_before")
    item = {"external_id": "b", "phone": "+48123456789"}
    item |= {key: body[key] for key in ("message", "send_before")}
    [skip] = api.post(f"{URL}bulk/", tenant.bulk([item])).json()["skipped"]
    assert skip["errors"].keys() == {"message", "send_before"}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("+48123456789", "+48123456789"),
        ("48123456789", "+48123456789"),
        ("123456789", "+48123456789"),
        (123456789, "+48123456789"),
        (48123456789, "+48123456789"),
        (" 123-456-789 ", "+48123456789"),
        ("+48 (12) 345.67.89", "+48123456789"),
        ("[12] 345 67 89", "+48123456789"),
        ("+48987654321", "+48987654321"),  # the documents' own example: possible, not valid
        ("+44 20 7946 0958", "+442079460958"),
        ("+1 202-555-0123", "+12025550123"),
        ("+48\u00a0123\u2011456\u2013789", "+48123456789"),
    ],
)
def test_it_stores_phones_in_e164(api: Api, tenant: Tenant, given: Any, stored: str) -> None:
    response = api.post(URL, tenant.message(phone=given))
    assert response.status_code == 201, response.content
    assert response.json()["phone"] == stored
    assert Message.objects.get().phone == stored


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "+",
        "nonsense",
        "+0123456789",
        "++48123456789",
        "0048123456789x",
        "+481234567890123456",
        "+4812",
        "12345",
        "112",
        "4915112345678",  # another country's, bare
        "+48١٢٣٤٥٦٧٨٩",
        "+48123456789,+48987654321",
        "+48123456789;ext=1",
        "tel:+48123456789",
        -48123456789,
        48123456789.0,
        10**30,
        True,
        ["+48123456789"],
        {"number": "+48123456789"},
    ],
)
def test_it_refuses_what_is_no_phone_number(api: Api, tenant: Tenant, given: Any) -> None:
    body = refused(api.post(URL, tenant.message(phone=given)), 400, "invalid", "phone")
    assert "+48123456789" in body["message"]
    assert not Message.objects.exists()


def test_short_codes_need_the_licences_permission(api: Api, tenant: Tenant) -> None:
    refused(api.post(URL, tenant.message(phone="7255")), 400, "invalid", "phone")
    License.objects.update(allow_short_codes=True)
    assert api.post(URL, tenant.message(phone="7255")).json()["phone"] == "7255"


def test_a_bare_number_is_one_of_the_accounts_country(api: Api, tenant: Tenant) -> None:
    tenant.set_rules(country="DE")
    response = api.post(URL, tenant.message(phone="0151 12345678"))
    assert response.json()["phone"] == "+4915112345678"
    refused(api.post(URL, tenant.message("a-2", phone="48123456789012")), 400, "invalid", "phone")


@pytest.mark.parametrize("field", ["external_id", "message", "phone"])
@pytest.mark.parametrize("value", [None, "", [], {}, True, 1.5, "absent"])
def test_a_required_field_must_be_there_and_be_a_string(
    api: Api, tenant: Tenant, field: str, value: Any
) -> None:
    body = tenant.message(**{field: value})
    if value == "absent":
        del body[field]
    refused(api.post(URL, body), 400, "invalid", field)


def test_null_equals_absent_for_optional_fields(api: Api, tenant: Tenant) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ["send_after", "send_before", "priority", "on_uncertain"]
    )
    response = api.post(URL, tenant.message() | nothing)
    assert response.status_code == 201, response.content
    assert response.json()["send_after"] is None
    assert Message.objects.get().priority == 10


@pytest.mark.parametrize(
    ("given", "stored"),
    [(0, 0), (5, 5), ("5", 5), ("-5", -5), ("", 10), (-32768, -32768), (32767, 32767), (None, 10)],
)
def test_it_takes_the_priority(api: Api, tenant: Tenant, given: Any, stored: int) -> None:
    assert api.post(URL, tenant.message(priority=given)).status_code == 201
    assert Message.objects.get().priority == stored


@pytest.mark.parametrize(
    "given", ["high", "1.0", 1.5, True, -32769, 32768, "32768", 10**39, [], "١"]
)
def test_it_refuses_what_is_no_priority(api: Api, tenant: Tenant, given: Any) -> None:
    refused(api.post(URL, tenant.message(priority=given)), 400, "invalid", "priority")


@pytest.mark.parametrize("given", ["x", "x" * 255, "😀" * 255, " x", "a/b?c", "żółć", 12345, 2**60])
def test_it_takes_any_external_id_of_255_characters(api: Api, tenant: Tenant, given: Any) -> None:
    response = api.post(URL, tenant.message(given))
    assert response.status_code == 201, response.content
    assert response.json()["external_id"] == str(given)
    refused(api.post(URL, tenant.message(str(given))), 400, "duplicate_external_id", "external_id")


def test_an_external_id_has_at_most_255_characters(api: Api, tenant: Tenant) -> None:
    answer = api.post(URL, tenant.message("x" * 256))
    said = refused(answer, 400, "invalid", "external_id")
    assert said["message"] == "external_id: may have at most 255 characters"


def test_external_ids_are_told_apart_byte_for_byte(api: Api, tenant: Tenant) -> None:
    for external_id in ("a", "A", " a", "a ", "é", "e\u0301"):
        assert api.post(URL, tenant.message(external_id)).status_code == 201


def test_external_ids_are_unique_per_licence(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    second, key = services.add_license(tenant.account)
    assert api.post(URL, tenant.message()).status_code == 201
    assert api.post(URL, other_tenant.message()).status_code == 201
    assert api.post(URL, tenant.message(license__key=key)).status_code == 201
    assert Message.objects.get(license=second).external_id == "a-1"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 1530, 10),
        ("a" * 1531, None),
        ("€" * 765, None),  # an escape never straddles two parts: 76 in each
        ("€" * 760, 10),
        ("ż" * 70, 1),
        ("ż" * 71, 2),
        ("ż" * 670, 10),
        ("ż" * 671, None),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 330, 10),
        ("😀" * 331, None),
        ("a" * 60_000, None),
    ],
)
def test_a_text_has_one_to_ten_parts(
    api: Api, tenant: Tenant, text: str, parts: int | None
) -> None:
    response = api.post(URL, tenant.message(message=text))
    if parts is None:
        body = refused(response, 400, "invalid", "message")
        assert re.search(r"\d+ parts", body["message"])
    else:
        assert response.status_code == 201, response.content
        assert Message.objects.get().parts == parts


def test_it_leaves_name_as_it_is(api: Api, tenant: Tenant) -> None:
    assert api.post(URL, tenant.message(message="Hi {name}!")).json()["message"] == "Hi {name}!"


def test_it_refuses_who_has_opted_out(
    api: Api, tenant: Tenant, other_tenant: Tenant, manual_clock: ManualClock
) -> None:
    opt_outs.opt_out(tenant.keys.account_id, "+48123456789", opt_outs.Source.API)
    tenant.set_rules(max_daily_sms=1)
    refused(api.post(URL, tenant.message()), 400, "opted_out", "phone")
    assert api.post(URL, other_tenant.message()).status_code == 201
    assert api.post(URL, tenant.message(phone="+48987654321")).status_code == 201


def test_a_duplicate_is_said_before_an_opt_out_and_both_before_the_limit(
    api: Api, tenant: Tenant
) -> None:
    assert api.post(URL, tenant.message()).status_code == 201
    opt_outs.opt_out(tenant.keys.account_id, "+48123456789", opt_outs.Source.API)
    for limit in (None, 0):
        tenant.set_rules(max_daily_sms=limit)
        refused(api.post(URL, tenant.message()), 400, "duplicate_external_id", "external_id")
        refused(api.post(URL, tenant.message("a-2")), 400, "opted_out", "phone")
        refused(api.post(URL, tenant.message("a-3", phone="x")), 400, "invalid", "phone")
    refused(api.post(URL, tenant.message("a-4", phone="+48987654321")), 403, "daily_limit_exceeded")


@pytest.mark.parametrize(
    ("hours", "send_after", "answered", "due", "any_hour"),
    [
        # 16:32 in Warsaw
        ("08:00-20:00", None, None, "2026-04-09T14:32", False),
        ("08:00-16:00", None, "2026-04-10T08:00:00+02:00", "2026-04-10T06:00", False),
        ("17:00-18:00", None, "2026-04-09T17:00:00+02:00", "2026-04-09T15:00", False),
        ("22:00-06:00", None, "2026-04-09T22:00:00+02:00", "2026-04-09T20:00", False),
        ("16:32-16:33", None, None, "2026-04-09T14:32", False),
        ("16:00-16:32", None, "2026-04-10T16:00:00+02:00", "2026-04-10T14:00", False),
        # its owner chose that
        ("08:00-16:00", "2026-04-10T23:00:00", "same", "2026-04-10T21:00", True),
        ("08:00-16:00", "2026-04-10T09:00:00", "same", "2026-04-10T07:00", False),
        # inside the hours, but past: now, and that is closed
        ("08:00-16:00", "2026-04-09T15:00:00", "same", "2026-04-10T06:00", False),
        ("08:00-16:00", "2026-04-09T16:30:00", "same", "2026-04-09T14:32", True),
    ],
)
def test_outside_the_sending_hours_it_waits_for_the_next_opening(
    api: Api,
    tenant: Tenant,
    manual_clock: ManualClock,
    hours: str,
    send_after: str | None,
    answered: str | None,
    due: str,
    any_hour: bool,
) -> None:
    tenant.set_rules(sending_hours=hours)
    response = api.post(URL, tenant.message(send_after=send_after))
    assert response.status_code == 201, response.content
    assert response.json()["send_after"] == (send_after if answered == "same" else answered)
    message = Message.objects.get()
    assert message.due_at == dt.datetime.fromisoformat(f"{due}:00+00:00")
    assert message.any_hour is any_hour


def test_created_at_is_utc_without_fractions(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    manual_clock.advance(milliseconds=999)
    assert api.post(URL, tenant.message()).json()["created_at"] == "2026-04-09T14:32:00Z"


def test_it_costs_two_queries_and_no_transaction(
    api: Api, tenant: Tenant, django_assert_max_num_queries: Any
) -> None:
    """The key, and one statement; a savepoint since the test runs in a transaction."""
    tenant.set_rules(max_daily_sms=10)
    note_use(tenant)
    body = tenant.message()
    with django_assert_max_num_queries(4):
        assert api.post(URL, body).status_code == 201
