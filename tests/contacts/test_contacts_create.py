"""POST /api/contacts/contacts/"""

from __future__ import annotations

from typing import Any

import pytest

from contacts.models import Contact, ContactGroup
from licenses.models import DailyUsage
from messaging.models import Message
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Tenant, refused

URL = "/api/contacts/contacts/"
SOON = "2026-04-10T09:00:00"


def person(tenant: Tenant, **fields: Any) -> dict[str, Any]:
    return tenant.with_keys(name="Jan Kowalski", phone="+48123456789") | fields


def test_it_answers_as_documented(api: Api, tenant: Tenant, manual_clock: ManualClock) -> None:
    body = {
        "key": tenant.keys.license_key,
        "api_key": tenant.keys.api_key,
        "name": "Jan Kowalski",
        "phone": "+48123456789",
        "group_name": "VIP Clients",
        "message": "Welcome {name}! You have been added to our VIP list.",
        "send_after": "2026-04-10T09:00:00",
        "priority": 10,
        "ignore_foreign_numbers": False,
    }
    response = api.post(URL, body)
    assert response.status_code == 201, response.content
    contact = Contact.objects.get()
    assert response.content.decode() == (
        f'{{"id":{contact.pk},"name":"Jan Kowalski","phone":"+48123456789",'
        '"group_name":"VIP Clients","created":true}'
    )
    message = Message.objects.get()
    assert message.text == "Welcome Jan Kowalski! You have been added to our VIP list."
    assert (message.phone, message.external_id) == ("+48123456789", None)
    assert (message.send_after_given, message.status) == (SOON, "scheduled")
    assert [group.name for group in contact.groups.all()] == ["VIP Clients"]


def test_a_known_phone_updates_the_name(api: Api, tenant: Tenant) -> None:
    first = api.post(URL, person(tenant, group_name="VIP")).json()
    response = api.post(URL, person(tenant, name="Jan Nowak", phone="123 456 789"))
    assert response.status_code == 200
    assert response.json() == {
        "id": first["id"],
        "name": "Jan Nowak",
        "phone": "+48123456789",
        "group_name": None,  # the one of this request
        "created": False,
    }
    assert Contact.objects.get().name == "Jan Nowak"
    assert Contact.objects.get().groups.count() == 1


def test_a_contact_can_be_in_several_groups(api: Api, tenant: Tenant) -> None:
    for name in ("VIP", "Newsletter", "VIP"):
        assert api.post(URL, person(tenant, group_name=name)).json()["group_name"] == name
    names = Contact.objects.get().groups.order_by("pk").values_list("name", flat=True)
    assert list(names) == ["VIP", "Newsletter"]


def test_groups_match_exactly_and_the_lowest_id_is_meant(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    for owner in (other_tenant, tenant, tenant):
        api.post("/api/contacts/groups/", owner.with_keys(name="VIP"))
    first = ContactGroup.objects.filter(account=tenant.account).order_by("pk")[0]
    api.post(URL, person(tenant, group_name="VIP"))
    assert Contact.objects.get().groups.get() == first
    for name in ("vip", "VIP ", " VIP"):
        api.post(URL, person(tenant, group_name=name))
    assert Contact.objects.get().groups.count() == 4


@pytest.mark.parametrize("field", ["name", "phone"])
@pytest.mark.parametrize("value", [None, "", [], {}, True, "absent"])
def test_a_required_field_must_be_there(api: Api, tenant: Tenant, field: str, value: Any) -> None:
    body = person(tenant, **{field: value})
    if value == "absent":
        del body[field]
    refused(api.post(URL, body), 400, "invalid", field)
    assert not Contact.objects.exists()


@pytest.mark.parametrize("value", ["x" * 256, [], True])
@pytest.mark.parametrize("field", ["name", "group_name"])
def test_a_name_has_1_to_255_characters(api: Api, tenant: Tenant, field: str, value: Any) -> None:
    refused(api.post(URL, person(tenant, **{field: value})), 400, "invalid", field)
    assert api.post(URL, person(tenant, **{field: "ż" * 255})).status_code == 201


def test_names_are_stored_byte_for_byte(api: Api, tenant: Tenant) -> None:
    name = "  e\u0301 \r\n😀 "
    assert api.post(URL, person(tenant, name=name)).json()["name"] == name
    assert Contact.objects.get().name == name


def test_null_equals_absent_for_optional_fields(api: Api, tenant: Tenant) -> None:
    names = ["group_name", "message", "send_after", "send_before", "priority"]
    body = person(tenant, ignore_foreign_numbers=None) | dict.fromkeys(names)
    assert api.post(URL, body).json()["group_name"] is None
    assert not Message.objects.exists()


@pytest.mark.parametrize("send_after", [None, "absent"])
def test_a_message_needs_send_after(api: Api, tenant: Tenant, send_after: str | None) -> None:
    body = person(tenant, message="Hi", group_name="VIP", send_after=send_after)
    if send_after == "absent":
        del body["send_after"]
    answer = refused(api.post(URL, body), 400, "invalid", "send_after")
    assert answer["errors"]["send_after"] == ["is required when message is given"]
    assert not Contact.objects.exists()
    assert not ContactGroup.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message", "a" * 1531),
        ("send_after", "tomorrow"),
        ("send_before", "tomorrow"),
        ("send_before", "2026-04-10T09:00:00"),
        ("send_before", "2026-04-09T00:00:00"),
        ("priority", 40_000),
        ("ignore_foreign_numbers", "perhaps"),
        ("phone", "+4812"),
    ],
)
def test_a_broken_field_refuses_the_whole_request(
    api: Api, tenant: Tenant, manual_clock: ManualClock, field: str, value: Any
) -> None:
    body = person(tenant, message="Hi", send_after=SOON, group_name="VIP") | {field: value}
    refused(api.post(URL, body), 400, "invalid", field)
    assert not Contact.objects.exists()
    assert not ContactGroup.objects.exists()


@pytest.mark.parametrize(
    ("template", "name", "text"),
    [
        ("Hi {name}, dear {name}", "Jan", "Hi Jan, dear Jan"),
        ("{name}", "{name}", "{name}"),
        ("{name}", "{name}{name}", "{name}{name}"),
        ("{Name} {phone} {} {0} {{name}} %s", "Jan", "{Name} {phone} {} {0} {Jan} %s"),
        ("{name", "Jan", "{name"),
        ("{name!r} {name.x}", "Jan", "{name!r} {name.x}"),
        (" {name}\n", " Jan ", "  Jan \n"),
    ],
)
def test_name_is_replaced_plainly(
    api: Api, tenant: Tenant, template: str, name: str, text: str
) -> None:
    body = person(tenant, name=name, message=template, send_after=SOON)
    assert api.post(URL, body).status_code == 201
    assert Message.objects.get().text == text


def test_the_parts_are_counted_with_the_name_in_place(api: Api, tenant: Tenant) -> None:
    body = person(tenant, name="x" * 100, message="{name}" * 16, send_after=SOON)
    refused(api.post(URL, body), 400, "invalid", "message")
    assert api.post(URL, body | {"name": "x" * 90}).status_code == 201
    assert Message.objects.get().parts == 10


@pytest.mark.parametrize(
    ("phone", "ignore", "reason"),
    [
        ("+48123456789", True, None),
        ("+48123456789", "true", None),
        ("+4915112345678", False, None),
        ("+4915112345678", True, "foreign_number"),
        ("+4915112345678", "true", "foreign_number"),
    ],
)
def test_foreign_numbers_are_saved_and_not_texted_where_so_asked(
    api: Api, tenant: Tenant, phone: str, ignore: Any, reason: str | None
) -> None:
    body = person(tenant, phone=phone, message="Hi", send_after=SOON)
    response = api.post(URL, body | {"ignore_foreign_numbers": ignore})
    assert response.status_code == 201
    assert response.json().get("message_skipped") == reason
    assert ("message_skipped" in response.json()) == (reason is not None)
    assert Message.objects.exists() == (reason is None)


def test_who_has_opted_out_is_saved_and_not_texted(api: Api, tenant: Tenant) -> None:
    opt_outs.opt_out(tenant.keys.account_id, "+48123456789", opt_outs.Source.API)
    body = person(tenant, message="Hi", send_after=SOON, group_name="VIP")
    response = api.post(URL, body)
    assert response.status_code == 201
    assert list(response.json()) == [
        "id", "name", "phone", "group_name", "created", "message_skipped",
    ]  # fmt: skip
    assert response.json()["message_skipped"] == "opted_out"
    assert Contact.objects.get().groups.count() == 1


def test_a_repeated_request_never_sends_twice(api: Api, tenant: Tenant) -> None:
    body = person(tenant, message="Hi {name}", send_after=SOON)
    assert "message_skipped" not in api.post(URL, body).json()
    again = body | {"send_after": "2026-04-10T07:00:00Z"}  # the same instant
    for repeated in (body, again, body | {"priority": 5, "phone": "123456789"}):
        response = api.post(URL, repeated)
        assert response.status_code == 200
        assert response.json()["message_skipped"] == "duplicate_message"
    assert Message.objects.count() == 1
    for other in (
        {"message": "Hi {name}!"},
        {"name": "Another"},
        {"phone": "+48600100200"},
        {"send_after": "2026-04-10T09:00:01"},
    ):
        assert "message_skipped" not in api.post(URL, body | other).json()
    assert Message.objects.count() == 5


def test_over_the_daily_limit_nothing_is_saved(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    tenant.set_rules(max_daily_sms=0)
    body = person(tenant, message="Hi", send_after=SOON, group_name="VIP")
    refused(api.post(URL, body), 403, "daily_limit_exceeded")
    assert not Contact.objects.exists()
    assert not ContactGroup.objects.exists()
    tenant.set_rules(max_daily_sms=1)
    assert api.post(URL, body).status_code == 201
    assert DailyUsage.objects.get().day.isoformat() == "2026-04-10"
    assert api.post(URL, person(tenant)).status_code == 200  # without a message: no limit


def test_the_accounts_are_apart(api: Api, tenant: Tenant, other_tenant: Tenant) -> None:
    assert api.post(URL, person(tenant)).status_code == 201
    assert api.post(URL, person(other_tenant, name="Other")).status_code == 201
    assert sorted(Contact.objects.values_list("name", flat=True)) == ["Jan Kowalski", "Other"]
