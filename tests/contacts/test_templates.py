"""/api/templates/: texts with variables, each of which has a value or there is no text."""

from __future__ import annotations

from typing import Any

import pytest

from contacts import templates
from contacts.models import Contact, Template
from http_api.errors import ApiError
from messaging.personalization import MessagePersonalizationService
from messaging.segments import LONGEST
from tests.conftest import Api, Tenant, refused

pytestmark = pytest.mark.django_db

PLACE = "/api/templates/"
TEXT = "Hello {name}, {order} waits in {city}."


def ask(api: Api, tenant: Tenant, method: str, path: str = "", **body: Any) -> Any:
    call = getattr(api.client, method)
    if method == "get":
        return call(f"{PLACE}{path}", body, headers=tenant.pair_headers)
    return call(f"{PLACE}{path}", body, "application/json", headers=tenant.pair_headers)


def made(api: Api, tenant: Tenant, name: str = "Pick-up", text: str = TEXT) -> int:
    answer = ask(api, tenant, "post", name=name, text=text)
    assert answer.status_code == 201, answer.content
    return int(answer.json()["id"])


@pytest.fixture
def jan(tenant: Tenant) -> Contact:
    return Contact.objects.create(
        account=tenant.account, name="Jan", phone="+48600100200", fields={"city": "Łódź"}
    )


def test_a_template_is_made_listed_changed_and_deleted(api: Api, tenant: Tenant) -> None:
    one = made(api, tenant)
    shown = ask(api, tenant, "get", f"{one}/").json()
    assert (shown["name"], shown["text"]) == ("Pick-up", TEXT)
    assert shown["variables"] == ["name", "order", "city"]
    assert ask(api, tenant, "get").json()["results"] == [shown]
    changed = ask(api, tenant, "patch", f"{one}/", text="Bye {name}{name}").json()
    assert (changed["name"], changed["variables"]) == ("Pick-up", ["name"])
    answer = ask(api, tenant, "delete", f"{one}/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Template.objects.exists()


def test_a_contacts_values_and_given_ones_come_into_the_text(
    api: Api, tenant: Tenant, jan: Contact
) -> None:
    one = made(api, tenant)
    answer = ask(api, tenant, "post", f"{one}/render/", phone="600100200", variables={"order": "7"})
    text = "Hello Jan, 7 waits in Łódź."
    assert answer.json() == {"text": text, "encoding": "ucs2", "parts": 1}
    given = {"order": "7", "city": "Rome", "name": "{order}"}
    answer = ask(api, tenant, "post", f"{one}/render/", phone=jan.phone, variables=given)
    assert answer.json()["text"] == "Hello {order}, 7 waits in Rome.", "a value is never expanded"


@pytest.mark.parametrize("given", [{}, {"order": ""}, {"order": " "}])
def test_a_missing_or_blank_value_is_an_error_that_names_it(
    api: Api, tenant: Tenant, jan: Contact, given: dict[str, str]
) -> None:
    one = made(api, tenant)
    answer = ask(api, tenant, "post", f"{one}/render/", phone=jan.phone, variables=given)
    assert "order" in str(refused(answer, 400, "invalid", "variables")["errors"]["variables"])


def test_a_contact_without_a_name_leaves_no_hole(api: Api, tenant: Tenant, jan: Contact) -> None:
    Contact.objects.update(name="")
    one = made(api, tenant, text="Hello {name}!")
    for phone in (jan.phone, "+48600999999"):
        answer = ask(api, tenant, "post", f"{one}/render/", phone=phone)
        assert "{name}" in refused(answer, 400, "invalid", "variables")["message"]


def test_a_value_for_what_is_no_variable_is_refused(api: Api, tenant: Tenant) -> None:
    one, plain = made(api, tenant), made(api, tenant, "Plain", "Hello")
    for place, there_are in ((one, "there are {name}, {order}, {city}"), (plain, "it has none")):
        answer = ask(api, tenant, "post", f"{place}/render/", variables={"oder": "7"})
        body = refused(answer, 400, "invalid", "variables")
        assert body["errors"]["variables"] == [
            f"this template has no variable {{oder}}; {there_are}"
        ]


def test_another_accounts_contact_gives_no_values(
    api: Api, tenant: Tenant, other_tenant: Tenant, jan: Contact
) -> None:
    theirs = made(api, other_tenant, text="Hello {name}")
    answer = ask(api, other_tenant, "post", f"{theirs}/render/", phone=jan.phone)
    refused(answer, 400, "invalid", "variables")


def test_a_text_that_is_too_long_with_its_values_is_refused(
    api: Api, tenant: Tenant, jan: Contact
) -> None:
    one = made(api, tenant, text="{city}" * 500)
    answer = ask(api, tenant, "post", f"{one}/render/", phone=jan.phone)
    refused(answer, 400, "invalid", "message")
    many = made(api, tenant, "Many", "{city}" * 2_500)
    long = ask(api, tenant, "post", f"{many}/render/", variables={"city": "x" * 255})
    assert "at least" in refused(long, 400, "invalid", "message")["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", None), ("name", "x" * 256), ("name", []), ("text", ""), ("text", 1),
        ("text", "x" * (LONGEST + 1)), ("text", "x" * 1_600), ("text", "Hello {}"),
        ("text", "Hello { name }"), ("text", "Hello {" + "x" * 256 + "}"), ("text", "{a\nb}"),
    ],
)  # fmt: skip
def test_a_wrong_name_or_text_is_refused(api: Api, tenant: Tenant, field: str, value: Any) -> None:
    body = {"name": "Pick-up", "text": TEXT} | {field: value}
    refused(ask(api, tenant, "post", **body), 400, "invalid", field)
    assert not Template.objects.exists()


def test_a_name_is_one_templates(api: Api, tenant: Tenant, other_tenant: Tenant) -> None:
    made(api, tenant)
    other = made(api, tenant, "Other")
    made(api, other_tenant)
    refused(ask(api, tenant, "post", name="Pick-up", text="x"), 409, "conflict", "name")
    refused(ask(api, tenant, "patch", f"{other}/", name="Pick-up"), 409, "conflict", "name")
    assert ask(api, tenant, "patch", f"{other}/", name="Other").status_code == 200


def test_an_account_has_so_many(api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MOST", 1)
    one = made(api, tenant)
    refused(ask(api, tenant, "post", name="Two", text="x"), 400, "invalid", "name")
    assert ask(api, tenant, "patch", f"{one}/", name="Two").status_code == 200


def test_a_text_is_judged_by_the_longest_values(tenant: Tenant, jan: Contact) -> None:
    Contact.objects.create(
        account=tenant.account, name="Aleksandra", phone="+48600100201", fields={"city": "Warszawa"}
    )
    shown = templates.outlook(tenant.account.pk, "Hello {name} of {city}, {order}")
    assert shown.text == "Hello Aleksandra of Łódź, {order}"
    assert (shown.segmentation.encoding, shown.unknown) == ("ucs2", ["order"])


def test_braces_that_are_no_variable_stay_as_they_are() -> None:
    text = MessagePersonalizationService().render_strictly(
        "{ a } } {{b}} {", {" a ": "1", "b": "2"}
    )
    assert text == "1 } {2} {"


def test_strict_rendering_refuses_what_the_route_would_refuse() -> None:
    with pytest.raises(ApiError) as refusal:
        MessagePersonalizationService().render_strictly("{a}{b}{a}", {"b": ""})
    assert refusal.value.errors == {"variables": ["there is no value for {a}, {b}"]}
