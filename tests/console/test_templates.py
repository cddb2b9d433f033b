"""Templates in the console, and their texts in the form that sends."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from contacts import templates
from contacts.models import Contact, Template
from messaging.models import Message
from tests.conftest import Tenant

pytestmark = pytest.mark.django_db

PLACE = "/console/templates/"
POLISH = {"Accept-Language": "pl"}


def text_of(response: Any) -> str:
    return str(response.content.decode())


def made(tenant: Tenant, text: str = "Hello {name}, {order} waits in {city}.") -> Template:
    return templates.save(tenant.account.pk, None, by="olga", name="Pick-up", text=text)


@pytest.fixture
def jan(tenant: Tenant) -> Contact:
    return Contact.objects.create(
        account=tenant.account, name="Jan", phone="+48600100200", fields={"city": "Kraków"}
    )


def test_a_template_is_written_looked_at_saved_and_deleted(
    tenant: Tenant, operator: Client, jan: Contact
) -> None:
    form = {"name": " Pick-up ", "text": "Hello {name},\r\n{order} waits in {city}."}
    page = text_of(operator.post(f"{PLACE}new/", form | {"preview": "1"}))
    assert "Hello Jan,\n{order} waits in Kraków." in page
    assert "<code>{city}</code>" in page
    assert "None of the newest contacts has:" in page
    assert not Template.objects.exists()
    answer = operator.post(f"{PLACE}new/", form)
    one = Template.objects.get()
    assert answer["Location"] == f"{PLACE}{one.pk}/"
    assert (one.name, one.text, one.changed_by) == (
        "Pick-up", "Hello {name},\n{order} waits in {city}.", "piotr",
    )  # fmt: skip
    operator.post(f"{PLACE}{one.pk}/", {"name": "Ready", "text": "Ready"})
    assert "Ready" in text_of(operator.get(PLACE))
    operator.post(f"{PLACE}{one.pk}/delete/")
    assert not Template.objects.exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("", "x", "Szablon musi mieć nazwę."),
        ("x", " ", "Szablon musi mieć tekst."),
        ("x", "{}", "Żaden kontakt nie może mieć takiego pola: {}"),
        ("x", "x" * 1_600, "Jest za długi na jedną wiadomość."),
        ("Pick-up", "x", "Inny szablon ma tę nazwę."),
    ],
)
def test_a_wrong_one_is_told_in_the_pages_language_and_keeps_what_was_typed(
    tenant: Tenant, operator: Client, name: str, text: str, said: str
) -> None:
    made(tenant)
    answer = operator.post(f"{PLACE}new/", {"name": name, "text": text}, headers=POLISH)
    assert answer.status_code == 400
    assert said in text_of(answer)
    assert text in text_of(answer)
    assert Template.objects.count() == 1


def test_above_the_most_another_is_refused(
    tenant: Tenant, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tenant)
    monkeypatch.setattr(templates, "MOST", 1)
    answer = operator.post(f"{PLACE}new/", {"name": "Two", "text": "x"})
    assert "There are 1 templates already" in text_of(answer)


def test_a_text_that_is_too_long_with_values_says_so_and_may_be_saved(
    tenant: Tenant, operator: Client, jan: Contact
) -> None:
    answer = operator.post(f"{PLACE}new/", {"name": "Long", "text": "{city}" * 200, "preview": 1})
    assert "With long values it is too long for one message." in text_of(answer)
    assert (
        operator.post(f"{PLACE}new/", {"name": "Long", "text": "{city}" * 200}).status_code == 302
    )


def test_a_template_comes_into_the_form_with_the_recipients_values(
    tenant: Tenant, operator: Client, jan: Contact
) -> None:
    one = made(tenant, "Hello {name} of {city}")
    form = {"phone": "600100200", "text": "old", "template": one.pk, "fill": 1, "at": ""}
    page = operator.post("/console/send/", form)
    assert page.context["form"].initial["text"] == "Hello Jan of Kraków"
    assert not Message.objects.exists()


def test_what_the_recipient_lacks_is_asked_for_and_nothing_is_filled_in_meanwhile(
    tenant: Tenant, operator: Client, jan: Contact
) -> None:
    one = made(tenant)
    form = {"phone": "600 100 200", "text": "old", "template": one.pk, "fill": 1}
    page = operator.post("/console/send/", form)
    assert page.context["form"].initial["text"] == "old"
    assert "This recipient lacks what the template needs" in text_of(page)
    assert 'name="value-order"' in text_of(page)
    assert 'name="value-city"' not in text_of(page)
    page = operator.post("/console/send/", form | {"value-order": "7"})
    assert page.context["form"].initial["text"] == "Hello Jan, 7 waits in Kraków."
    for phone in ("", "nobody", "+48600100209"):
        page = operator.post("/console/send/", form | {"phone": phone})
        assert page.context["filling"].missing == ["name", "order", "city"]


def test_a_text_that_is_too_long_for_this_recipient_is_not_filled_in(
    tenant: Tenant, operator: Client, jan: Contact
) -> None:
    one = made(tenant, "{city}" * 3_000)
    Contact.objects.update(fields={"city": "x" * 255})
    page = operator.post("/console/send/", {"phone": jan.phone, "template": one.pk, "fill": 1})
    assert "With these values it is too long" in text_of(page)


def test_another_accounts_template_is_nowhere(
    tenant: Tenant, other_tenant: Tenant, operator: Client
) -> None:
    theirs = templates.save(other_tenant.account.pk, None, by="x", name="Secret", text="Secret")
    for chosen in (theirs.pk, "x", ""):
        assert operator.post("/console/send/", {"template": chosen, "fill": 1}).status_code == 404
    assert "Secret" not in text_of(operator.get("/console/send/"))
    assert "Secret" not in text_of(operator.get(PLACE))
