"""What operators of the installation see or do in the admin stands in accounts' audit trails."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.models import Contact
from members import audit
from members.audit import Action
from members.models import AuditEntry, Member, Role
from messaging.models import Message, OptOut
from messaging.services import opt_outs
from smsgate.pages.admin_site import _way
from tests.conftest import Api, Tenant
from tests.console.conftest import logged_in, owner, person
from tests.delivery import accept

pytestmark = pytest.mark.django_db

__all__ = ["owner"]


@pytest.fixture
def operator(db: None) -> Client:
    return logged_in(User.objects.create_superuser("op"))


def trail(tenant: Tenant) -> list[tuple[str, str, int | None, int | None]]:
    found = audit.entries(tenant.account.pk).exclude(action=Action.LOGGED_IN).order_by("pk")
    return [(one.action, one.details["rows"], one.object_id, one.count) for one in found]


def test_each_kind_of_row_in_the_admin_leads_to_an_account() -> None:
    without = {model for model in admin.site._registry if _way(model) is None}
    assert without == {Group}


def test_a_list_is_recorded_in_each_account_whose_rows_it_shows_by_one_statement(
    operator: Client, api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    for number in range(2):
        accept(api, tenant, external_id=f"id-{number}")
    accept(api, other_tenant)
    with CaptureQueriesContext(connection) as asked:
        assert operator.get("/admin/messaging/message/").status_code == 200
    inserts = [one for one in asked if one["sql"].startswith('INSERT INTO "members_auditentry"')]
    assert len(inserts) == 1
    assert trail(tenant) == [(Action.VISITED, "messaging.Message", None, 2)]
    [their] = Message.objects.filter(account=other_tenant.account)
    assert trail(other_tenant) == [(Action.VISITED, "messaging.Message", their.pk, None)]


@pytest.mark.parametrize("page", ["change", "history", "delete"])
def test_a_page_of_one_row_is_recorded_in_its_account_alone(
    operator: Client, tenant: Tenant, other_tenant: Tenant, page: str
) -> None:
    one = Contact.objects.create(account=tenant.account, phone="+48600100200", name="Ola")
    assert operator.get(f"/admin/contacts/contact/{one.pk}/{page}/").status_code == 200
    assert trail(tenant) == [(Action.VISITED, "contacts.Contact", one.pk, None)]
    assert trail(other_tenant) == []
    [entry] = AuditEntry.objects.all()
    assert (entry.username, entry.network) == ("op", "127.0.0.0/24")


def test_what_is_not_there_and_what_is_refused_is_recorded_nowhere(
    operator: Client, tenant: Tenant, owner: Client
) -> None:
    for asked in ("999/change/", "x/change/", "?q=nothing"):
        operator.get(f"/admin/contacts/contact/{asked}")
    owner.get("/admin/licenses/account/")
    logged_in(person("staff", is_staff=True)).get("/admin/licenses/account/")
    assert trail(tenant) == []


def test_a_persons_page_is_recorded_in_each_of_their_accounts(
    operator: Client, tenant: Tenant, other_tenant: Tenant
) -> None:
    user = person("anna", tenant)
    Member.objects.create(account=other_tenant.account, user=user, role=Role.VIEWER)
    form = {"password1": "staple battery horse", "password2": "staple battery horse"}
    assert operator.post(f"/admin/auth/user/{user.pk}/password/", form).status_code == 302
    expected = [(Action.OPERATED, "auth.User", user.pk, None)]
    assert trail(tenant) == trail(other_tenant) == expected


@pytest.mark.parametrize("select_across", ["0", "1"])
def test_an_action_is_recorded_where_its_rows_are_even_if_they_are_gone_then(
    operator: Client, tenant: Tenant, other_tenant: Tenant, select_across: str
) -> None:
    for number in (1, 2):
        opt_outs.opt_out(tenant.account.pk, f"+4860000000{number}", OptOut.Source.API)
    ids = [row.pk for row in OptOut.objects.all()]
    chosen = ids[:1] if select_across == "1" else ids
    form: dict[str, Any] = {
        "action": "delete_selected", "_selected_action": chosen, "post": "yes", "index": "0",
        "select_across": select_across,
    }  # fmt: skip
    assert operator.post("/admin/messaging/optout/", form).status_code == 302
    assert not OptOut.objects.exists()
    assert trail(tenant) == [(Action.OPERATED, "messaging.OptOut", None, 2)]
    assert trail(other_tenant) == []


def test_an_owner_reads_it_in_words(operator: Client, tenant: Tenant, owner: Client) -> None:
    operator.get(f"/admin/licenses/license/{tenant.license.pk}/change/")
    said = f"looked in, as administrator of the installation: licence #{tenant.license.pk}"
    assert said in owner.get("/console/audit/").content.decode()
    polish = owner.get("/console/audit/", headers={"Accept-Language": "pl"}).content.decode()
    assert f"wgląd administratora instalacji: licencja #{tenant.license.pk}" in polish


# How the form of each kind of row that can be added is filled in, beside whose it is.
ADDED: dict[str, dict[str, str]] = {
    "licenses.Account": {
        "name": "Acme", "country": "PL", "time_zone": "Europe/Warsaw", "key_length": "12",
    },
    "members.Member": {"role": "viewer"},
    "account.EmailAddress": {"email": "anna@example.org"},  # of a person, who is a member by then
    "messaging.OptOut": {"phone": "+48600100200"},
    "contacts.Contact": {
        "phone": "+48600100201", "name": "Ola",
        "membership_set-TOTAL_FORMS": "0", "membership_set-INITIAL_FORMS": "0",
    },
    "contacts.ContactGroup": {"name": "Friends"},
    "licenses.HookLink": {},
    "bitrix24.Portal": {},
}  # fmt: skip
# New people and kinds of people are in no account yet; the others are not made by hand.
NOT_OF_ACCOUNTS = {"auth.User", "auth.Group", "mfa.Authenticator", "usersessions.UserSession"}


def test_each_row_that_is_added_is_recorded_in_its_account(
    operator: Client, tenant: Tenant, rf: RequestFactory
) -> None:
    request = rf.get("/admin/")
    request.user = User.objects.get(username="op")
    known = admin.site._registry.items()
    models = {model._meta.label: model for model, of in known if of.has_add_permission(request)}
    assert models.keys() == ADDED.keys() | NOT_OF_ACCOUNTS
    of = {
        "account": tenant.account.pk, "user": person("anna").pk, "license": tenant.license.pk,
    }  # fmt: skip
    for label, form in ADDED.items():
        name = f"admin:{label.lower().replace('.', '_')}_add"
        answer = operator.post(reverse(name), of | form)
        assert answer.status_code in (200, 302), label
        row: Any = models[label]._base_manager.latest("pk")
        entry = audit.entries(row.pk if label == "licenses.Account" else tenant.account.pk)[0]
        assert (entry.action, entry.object_id, entry.username) == ("operated", row.pk, "op"), label
        assert entry.details == {"rows": label, "added": True}


def test_what_was_not_added_is_recorded_nowhere(operator: Client, tenant: Tenant) -> None:
    answer = operator.post("/admin/contacts/contact/add/", {"account": tenant.account.pk})
    assert answer.status_code == 200
    assert trail(tenant) == []
