"""Contacts, groups and opt-outs in the admin: numbers as every route reads them, and one account."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client

from contacts.models import Contact, ContactGroup, Membership
from licenses.models import License
from messaging.models import Message, OptOut
from messaging.services import opt_outs
from tests.conftest import Api, Tenant
from tests.delivery import accept
from tests.dialects.smsend.conftest import Program

ADD = "/admin/contacts/contact/add/"


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("op"))
    return client


def form(tenant: Tenant, *groups: int, **fields: Any) -> dict[str, Any]:
    """What the page of a contact posts."""
    inline = {"TOTAL_FORMS": len(groups), "INITIAL_FORMS": 0}
    body = {"account": tenant.account.pk, "phone": "600 100 200", "name": "Ola"} | fields
    body |= {f"membership_set-{name}": value for name, value in inline.items()}
    for index, group in enumerate(groups):
        body[f"membership_set-{index}-contactgroup"] = group
    return body


def group(tenant: Tenant, name: str = "Friends") -> ContactGroup:
    return ContactGroup.objects.create(account=tenant.account, name=name)


def page(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


def test_a_contact_gets_the_number_that_was_meant_and_its_groups(
    operator: Client, tenant: Tenant
) -> None:
    friends = group(tenant)
    assert operator.post(ADD, form(tenant, friends.pk)).status_code == 302
    contact = Contact.objects.get()
    assert (contact.phone, contact.name) == ("+48600100200", "Ola")
    assert list(contact.groups.all()) == [friends]


@pytest.mark.parametrize(
    ("phone", "words"),
    [
        ("abc", "enter a number like"),
        ("600100200.0", "spreadsheet"),
        ("4521234567", "another country"),
        ("7255", "no number of PL"),
        ("+48 600 100 200 x5", "no extension"),
        ("", "required"),
    ],
)
def test_what_is_no_number_is_refused_in_the_form(
    operator: Client, tenant: Tenant, phone: str, words: str
) -> None:
    pages = (
        (ADD, form(tenant, phone=phone)),
        ("/admin/messaging/optout/add/", {"account": tenant.account.pk, "phone": phone}),
    )
    for path, body in pages:
        shown = page(operator.post(path, body, follow=True))
        assert words in shown
        assert "success" not in shown
    assert not Contact.objects.exists()
    assert not OptOut.objects.exists()


def test_a_short_code_needs_a_licence_that_allows_it(operator: Client, tenant: Tenant) -> None:
    License.objects.update(allow_short_codes=True)
    assert operator.post(ADD, form(tenant, phone="7255")).status_code == 302
    assert Contact.objects.get().phone == "7255"


def test_two_spellings_are_one_person(operator: Client, tenant: Tenant) -> None:
    operator.post(ADD, form(tenant))
    again = operator.post(ADD, form(tenant, phone="+48 600-100-200", name="Again"))
    assert "already exists" in page(again)
    change = f"/admin/contacts/contact/{Contact.objects.get().pk}/change/"
    assert operator.post(change, form(tenant, phone="600100201")).status_code == 302
    assert Contact.objects.get().phone == "+48600100201"
    assert "spreadsheet" in page(operator.post(change, form(tenant, phone="600100201.0")))


def test_an_opt_out_made_twice_is_told_and_not_celebrated(operator: Client, tenant: Tenant) -> None:
    opt_out = {"account": tenant.account.pk, "phone": "600 100 200"}
    assert "success" in page(operator.post("/admin/messaging/optout/add/", opt_out, follow=True))
    shown = page(operator.post("/admin/messaging/optout/add/", opt_out, follow=True))
    assert "already exists" in shown
    assert "success" not in shown
    assert OptOut.objects.get().phone == "+48600100200"


def test_a_contact_is_in_no_group_of_another_account(
    operator: Client, tenant: Tenant, other_tenant: Tenant
) -> None:
    bobs, friends = group(other_tenant), group(tenant)
    refused = operator.post(ADD, form(tenant, friends.pk, bobs.pk))
    assert "This group belongs to another account." in page(refused)
    in_polish = operator.post(
        ADD, form(tenant, friends.pk, bobs.pk), headers={"Accept-Language": "pl"}
    )
    assert "Ta grupa należy do innego konta." in page(in_polish)
    assert not Contact.objects.exists()
    operator.post(ADD, form(tenant))
    contact = Contact.objects.get()
    change = f"/admin/contacts/contact/{contact.pk}/change/"
    assert "another account" in page(operator.post(change, form(tenant, bobs.pk)))
    operator.post(change, form(tenant, account=other_tenant.account.pk))
    operator.post(
        f"/admin/contacts/contactgroup/{friends.pk}/change/",
        {"account": other_tenant.account.pk, "name": "Renamed"},
    )
    contact.refresh_from_db()
    friends.refresh_from_db()
    assert {contact.account_id, friends.account_id} == {tenant.account.pk}
    assert friends.name == "Renamed"
    assert not Membership.objects.exists()


@pytest.mark.parametrize("owner", ["tenant", "other_tenant"])
def test_the_database_joins_no_rows_of_two_accounts(
    tenant: Tenant, other_tenant: Tenant, owner: str
) -> None:
    contact = Contact.objects.create(account=tenant.account, phone="+48600100200", name="Ola")
    bobs = group(other_tenant)
    account_id = (tenant if owner == "tenant" else other_tenant).account.pk

    @transaction.atomic
    def join() -> None:
        Membership.objects.create(account_id=account_id, contact=contact, contactgroup=bobs)
        connection.check_constraints()  # as at the end of the transaction

    with pytest.raises(IntegrityError):
        join()


@pytest.mark.parametrize("phone", ["600 100 200", "abc", "+0123456789", "+48600100200\n", "12", ""])
def test_the_database_keeps_no_phone_that_is_no_number(
    api: Api, tenant: Tenant, phone: str
) -> None:
    account = tenant.account
    message = Message.objects.get(pk=accept(api, tenant))
    message.pk, message.external_id, message.phone = None, "b", phone
    opt_out = OptOut(account=account, phone=phone, source="api", created_at=message.created_at)
    for row in (Contact(account=account, phone=phone, name="Ola"), opt_out, message):
        if row is message and phone == "":  # what retention has erased
            continue
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()


def test_a_group_is_sent_to_without_who_opted_out_and_without_forbidden_short_codes(
    api: Api, operator: Client, tenant: Tenant
) -> None:
    friends = group(tenant)
    License.objects.update(allow_short_codes=True)
    for phone in ("600 000 001", "600 000 002", "7255"):
        operator.post(ADD, form(tenant, friends.pk, phone=phone))
    License.objects.update(allow_short_codes=False)
    opt_outs.opt_out(tenant.account.pk, "+48600000001", opt_outs.Source.API)
    body = {"message": "hi again", "message_type": "GP", "recipient": ["Friends"]}
    answer = Program(api, tenant).post("smstogroups", body)
    assert answer["total_sent"] == 1
    sent = Message.objects.exclude(status="cancelled").values_list("phone", flat=True)
    assert list(sent) == ["+48600000002"]


@pytest.mark.parametrize("account", ["", "99", "x"])
@pytest.mark.parametrize("path", [ADD, "/admin/messaging/optout/add/"])
def test_a_form_without_its_account_names_that_alone(
    operator: Client, tenant: Tenant, path: str, account: str
) -> None:
    html = page(operator.post(path, form(tenant, account=account)))
    assert "Constraint" not in html
    assert "This field is required." in html or "Select a valid choice." in html
