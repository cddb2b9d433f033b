"""An empty cell of a spreadsheet is no value, on every native route, in JSON as in forms."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from contacts.models import Contact
from licenses import tokens
from messaging.models import Message
from tests.conftest import Api, Tenant, refused

URL = "/api/messages/"
CONTACTS = "/api/contacts/contacts/"
FORM = "application/x-www-form-urlencoded"
BLANKS = ["", " ", "\t", "\u200b", "\ufeff \u3164", None]
UNSEEN = ["\u200b", "\ufeff", "\u00ad", "\u2800", " \u2060\u3164 "]

OPTIONAL_OF_MESSAGE = ["send_after", "send_before", "priority", "on_uncertain"]
OPTIONAL_OF_CONTACT = ["group_name", "message", "send_after", "send_before", "priority"]


@pytest.mark.parametrize("blank", BLANKS)
def test_a_blank_optional_field_of_a_message_is_absent(
    api: Api, tenant: Tenant, blank: str | None
) -> None:
    fields = dict.fromkeys(OPTIONAL_OF_MESSAGE, blank)
    response = api.post(URL, tenant.message(**fields))
    assert response.status_code == 201, response.content
    assert response.json()["send_after"] is None
    message = Message.objects.get()
    assert (message.priority, message.on_uncertain) == (10, "hold")


@pytest.mark.parametrize("blank", BLANKS)
def test_blank_cells_of_a_bulk_do_not_cost_their_message(
    api: Api, tenant: Tenant, blank: str | None
) -> None:
    cells = dict.fromkeys(OPTIONAL_OF_MESSAGE, blank)
    items = [
        {"external_id": f"a-{n}", "phone": "+48123456789", "message": "Hi"} | cells
        for n in range(3)
    ]
    response = api.post(f"{URL}bulk/", tenant.bulk(items, all_or_nothing=blank))
    assert response.status_code == 201, response.content
    assert (response.json()["created_count"], response.json()["skipped"]) == (3, [])


@pytest.mark.parametrize("blank", BLANKS)
def test_blank_cells_of_contacts_are_absent(api: Api, tenant: Tenant, blank: str | None) -> None:
    cells = dict.fromkeys(OPTIONAL_OF_CONTACT, blank)
    person = {"name": "Jan", "phone": "+48123456789"} | cells
    single = api.post(CONTACTS, tenant.with_keys(**person, ignore_foreign_numbers=blank))
    assert single.status_code == 201, single.content
    assert single.json()["group_name"] is None
    bulk = api.post(f"{CONTACTS}bulk/", tenant.with_keys(contacts=[person], all_or_nothing=blank))
    assert (bulk.json()["updated_count"], bulk.json()["skipped"]) == (1, [])
    assert Contact.objects.get().groups.count() == 0
    assert not Message.objects.exists()


@pytest.mark.parametrize("blank", ["", None])
@pytest.mark.parametrize("field", ["external_id", "phone", "message"])
def test_a_blank_required_field_is_still_refused(
    api: Api, tenant: Tenant, field: str, blank: str | None
) -> None:
    refused(api.post(URL, tenant.message() | {field: blank}), 400, "invalid", field)


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u3000"])
def test_white_space_is_no_id_and_no_name(api: Api, tenant: Tenant, blank: str) -> None:
    refused(api.post(URL, tenant.message(external_id=blank)), 400, "invalid", "external_id")
    rows = [{"external_id": blank, "phone": "+48123456789", "message": "Hi"}] * 2
    skipped = api.post(f"{URL}bulk/", tenant.bulk(rows)).json()["skipped"]
    assert [skip["reason"] for skip in skipped] == ["invalid", "invalid"]
    person = tenant.with_keys(name=blank, phone="+48123456789")
    refused(api.post(CONTACTS, person), 400, "invalid", "name")
    refused(api.post("/api/contacts/groups/", tenant.with_keys(name=blank)), 400, "invalid", "name")


@pytest.mark.parametrize("blank", ["", " ", None])
def test_a_blank_key_in_the_body_leaves_that_of_the_header(
    api: Api, tenant: Tenant, blank: str | None
) -> None:
    response = api.post(URL, tenant.message(license__key=blank), **tenant.headers)
    assert response.status_code == 201, response.content
    body = {"key": blank, "api_key": blank, "name": "VIP"}
    headers = {**tenant.headers, "X-Api-Key": tenant.keys.api_key}
    assert api.post("/api/contacts/groups/", body, **headers).status_code == 201


@pytest.mark.parametrize("blank", ["", None])
def test_an_empty_row_of_a_bulk_is_skipped_as_invalid(
    api: Api, tenant: Tenant, blank: str | None
) -> None:
    row = dict.fromkeys(["external_id", "phone", "message", *OPTIONAL_OF_MESSAGE], blank)
    good = {"external_id": "a-1", "phone": "+48123456789", "message": "Hi"}
    answer = api.post(f"{URL}bulk/", tenant.bulk([row, good, {"": blank}])).json()
    assert answer["created_count"] == 1
    assert [(skip["index"], skip["reason"]) for skip in answer["skipped"]] == [
        (0, "invalid"),
        (2, "invalid"),
    ]
    for skip in answer["skipped"]:
        assert skip["errors"].keys() == {"external_id", "phone", "message"}


def test_a_text_of_one_space_is_a_text(api: Api, tenant: Tenant) -> None:
    assert api.post(URL, tenant.message(message=" ")).json()["message"] == " "


def test_a_blank_field_of_a_form_is_absent(api: Api, tenant: Tenant) -> None:
    fields = tenant.message(**dict.fromkeys(OPTIONAL_OF_MESSAGE, ""))
    assert api.raw(URL, urlencode(fields), FORM).status_code == 201


@pytest.mark.parametrize("path", [URL, "/api/inbox/", "/api/opt-outs/"])
def test_blank_parameters_of_a_list_are_absent_and_cursor_0_is_its_beginning(
    api: Api, tenant: Tenant, path: str
) -> None:
    everything = api.get(path, tenant).json()
    for query in ({"cursor": "", "limit": ""}, {"cursor": "0"}):
        assert api.get(path, tenant, **query).json() == everything
    refused(api.get(path, tenant, limit="0"), 400, "invalid", "limit")


def test_a_blank_body_of_a_resolve_lacks_its_word(api: Api, tenant: Tenant) -> None:
    body: dict[str, Any] = {"license__key": tenant.keys.license_key, "as": ""}
    refused(api.post(f"{URL}1/resolve/", body), 400, "invalid", "as")


def test_hook_links_take_blanks_as_absent(api: Api, tenant: Tenant) -> None:
    token = tokens.issue(tokens.Kind.HOOK, tenant.license.pk)
    query = urlencode(
        {"phone": "+48123456789", "message": "Hi", "external_id": "", "send_after": " "}
    )
    assert api.client.get(f"/hooks/{token}/?{query}").status_code == 201


@pytest.mark.parametrize("blank", UNSEEN)
def test_what_nobody_can_see_is_no_name_and_no_id(api: Api, tenant: Tenant, blank: str) -> None:
    refused(api.post(URL, tenant.message(blank)), 400, "invalid", "external_id")
    person = tenant.with_keys(name=blank, phone="+48123456789")
    refused(api.post(CONTACTS, person), 400, "invalid", "name")


@pytest.mark.parametrize("blank", UNSEEN)
def test_an_unseen_id_of_a_hook_link_is_none_and_costs_no_message(
    api: Api, tenant: Tenant, blank: str
) -> None:
    """As an id, all messages but the first would be answered 200 and never sent."""
    link = f"/hooks/{tokens.new_hook(tenant.license)}/"
    for text in ("first", "second"):
        cells = {"phone": "+48123456789", "message": text, "external_id": blank}
        response = api.client.get(f"{link}?{urlencode(cells)}")
        assert response.status_code == 201, response.content
    assert list(Message.objects.order_by("pk").values_list("text", "external_id")) == [
        ("first", None), ("second", None),
    ]  # fmt: skip
