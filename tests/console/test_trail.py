"""The audit trail: each act of a person stands in it, and is found by what, whom and when."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from console.urls import urlpatterns
from contacts.models import Contact, ContactGroup, Import
from members import audit
from members.audit import Action, Actor
from members.models import AuditEntry, Member, Role
from messaging.models import Message
from outbox.models import Event
from tests.conftest import Api, ManualClock, Phone, Tenant
from tests.console.conftest import logged_in, person
from tests.console.test_access import address, ids
from tests.console.test_confirming import DESTROY, PLAIN
from tests.delivery import accept

pytestmark = pytest.mark.django_db

__all__ = ["ids"]

# How each form is filled in that needs more than its address.
FORMS: dict[str, dict[str, Any]] = {
    "send": {"phone": "601234567", "text": "Hello", "once": "x"},
    "resolve": {"resolution": "sent"}, "resolve_many": {"resolution": "sent"},
    "opt_out_add": {"phone": "602345678"}, "opt_out_take_back": {"reason": "they wrote"},
    "contact_add": {"phone": "603456789"}, "contact": {"name": "Ola", "phone": "+48601000002"},
    "contacts_chosen": {"action": "add"}, "group_add": {"name": "New"},
    "group_rename": {"name": "Old"}, "import_start": {"consent": "1"},
    "phone_rename": {"name": "Second"}, "phone_pause": {"is_paused": "1"}, "alerts": {"minutes": "9"},
    "phone_alerts": {"minutes": "9"}, "subscribe": {"url": "https://example.com/hook"},
    "webhook_change": {"url": "https://example.com/other"},
    "settings": {"name": "Acme", "country": "PL", "time_zone": "Europe/Warsaw", "retention_days": "9",
                 "kept_sms": "known"},
    "invite": {"name": "Ola", "role": "viewer"}, "member_role": {"role": "operator"},
    "key_make": {"scopes": "everything"}, "key_scopes": {"scopes": "read"},
    "person_export": {"phone": "601000002"},
    "person_erase": {"phone": "601000002", "confirmed": "601 000 002"},
    "exports": {"kind": "csv"}, "template_new": {"name": "New", "text": "x"},
    "template": {"name": "Old", "text": "x"}, "thread": {"text": "Hello"},
    "thread_change": {"action": "archive"},
}  # fmt: skip
# What changes nothing of the account: a browser's own theme, which account is open, how a file that
# nobody has imported is read, a conversation that is looked for or begun. Who joins, and a new password,
# have tests of their own.
NOTHING = {
    "appearance", "switch", "imports", "import_read", "import_check", "join", "reset", "threads",
    "thread_begin",
}  # fmt: skip

STATES = {  # of the import that these are about
    "import_stop": Import.State.RUNNING, "import_undo": Import.State.DONE,
    "import_start": Import.State.CHECKED,
}  # fmt: skip


@pytest.mark.parametrize(
    "name", sorted((DESTROY.keys() | PLAIN | {"contact", "exports"}) - NOTHING)
)
def test_each_form_leaves_an_entry(
    tenant: Tenant, phone: Phone, owner: Client, ids: dict[str, Any], name: str
) -> None:
    other = person("ola", tenant, Role.VIEWER)
    ids["member_id"] = Member.objects.get(user=other).pk
    groups = [
        ContactGroup.objects.create(account=tenant.account, name=f"G{n}").pk for n in range(2)
    ]
    same = Contact.objects.create(account=tenant.account, name="Alice", phone="+48601000003")
    if "resolve" in name:
        Message.objects.update(status="uncertain")
    Import.objects.update(
        state=STATES.get(name, Import.State.READY), ended_at=dt.datetime.now(dt.UTC)
    )
    form: dict[str, Any] = {"group": groups[0], "into_it": groups[1]}
    if name != "send":
        form["chosen"] = ids["message_id"] if name == "resolve_many" else same.pk
    if name == "phone_unpair":
        form["name"] = phone.device.name
    [pattern] = [one for one in urlpatterns if one.name == name]
    before = set(AuditEntry.objects.values_list("pk", flat=True))
    answer = owner.post(address(pattern, ids), form | FORMS.get(name, {}))
    assert answer.status_code in (200, 302), answer.content
    made = AuditEntry.objects.exclude(pk__in=before)
    assert [(one.username, one.account_id) for one in made] == [("olga", tenant.account.pk)]


def test_rows_that_were_refused_are_fetched_and_that_stands_in_it(
    tenant: Tenant, owner: Client, ids: dict[str, Any]
) -> None:
    owner.get(f"/console/contacts/imports/{ids['import_id']}/refused/")
    assert audit.entries(tenant.account.pk)[0].action == Action.REFUSED_FETCHED


def test_the_secret_of_a_webhook_is_shown_and_that_stands_in_it(
    tenant: Tenant, owner: Client, ids: dict[str, Any]
) -> None:
    owner.post(f"/console/webhooks/{ids['endpoint_id']}/secret/")
    entry = audit.entries(tenant.account.pk)[0]
    assert (entry.action, entry.object_id) == (Action.SECRET_SHOWN, ids["endpoint_id"])
    assert "whsec_" not in str(entry.details)


@pytest.fixture
def three(tenant: Tenant, manual_clock: ManualClock) -> dict[str, int]:
    """The ids of three people who did something, one a day."""
    manual_clock.now = dt.datetime(2026, 3, 1, 23, 30, tzinfo=dt.UTC)  # the second, in Warsaw
    found = {}
    for name in ("anna", "bob", "celina"):
        user = person(name)
        found[name] = user.pk
        with transaction.atomic():
            audit.record(tenant.account.pk, Actor(user), Action.LOGGED_IN)
        manual_clock.advance(days=1)
    return found


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ("who={bob}", ["bob"]),
        ("first=2026-03-03", ["celina", "bob"]),
        ("first=2026-03-02&last=2026-03-02", ["anna"]),
        ("last=2026-03-03&who={celina}", []),
        ("action=logged_in&last=2026-03-03", ["bob", "anna"]),
        ("action=never&who=x&first=y", ["celina", "bob", "anna"]),
    ],
)
def test_it_is_filtered_by_person_and_day(
    tenant: Tenant, three: dict[str, int], chosen: str, found: list[str]
) -> None:
    owner = logged_in(person("olga", tenant))
    query = chosen.format(**three)
    page = owner.get(f"/console/audit/?{query}")
    shown = [row[0].username for row in page.context["rows"]]
    assert [name for name in shown if name != "olga"] == found
    lines = owner.get(f"/console/audit/file/?{query}").content.decode().splitlines()[1:]
    assert [line.split(";")[1] for line in lines if ";olga;" not in line] == found


def test_another_accounts_people_are_not_offered(
    tenant: Tenant, other_tenant: Tenant, three: dict[str, int]
) -> None:
    owner = logged_in(person("bruno", other_tenant))
    page = owner.get(f"/console/audit/?who={three['anna']}").content.decode()
    assert "anna" not in page


def test_a_webhooks_form_keeps_what_was_typed(tenant: Tenant, owner: Client) -> None:
    form = {"url": "ftp://example.org/x", "name": "n8n", "events": ["message.sent"]}
    answer = owner.post("/console/webhooks/subscribe/", form)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert 'value="ftp://example.org/x" aria-invalid="true"' in page
    assert 'name="name" maxlength="255" value="n8n"' in page
    assert page.count(" checked") == 1
    assert 'role="alert"' in page


def test_a_delivery_shows_what_it_says_until_that_is_erased(
    api: Api, tenant: Tenant, phone: Phone, owner: Client, ids: dict[str, Any]
) -> None:
    path = f"/console/webhooks/{ids['endpoint_id']}/deliveries/{ids['delivery_id']}/"
    assert "&quot;type&quot;: &quot;webhook.test&quot;" in owner.get(path).content.decode()
    message = accept(api, tenant, external_id="told", message="Dzień dobry")
    Event.objects.update(message_id=message, type="message.sent", data={"status": "sent"})
    assert "Dzień dobry" in owner.get(path).content.decode()
    Message.objects.filter(pk=message).update(text="", phone="")
    assert "Dzień dobry" not in owner.get(path).content.decode()
