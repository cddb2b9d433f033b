"""The acts of programs that stand in the audit trail of their account."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from contacts import imports
from contacts.models import Contact, ContactGroup, Import
from licenses.scopes import Scope
from licenses.viewsets import NativeViewSet
from members import audit
from members.audit import Action
from messaging.models import OptOut
from messaging.services import opt_outs
from tests.conftest import Api, Tenant
from tests.console.test_access import told
from webhooks import endpoints

pytestmark = pytest.mark.django_db

# What needs no entry though it deletes or manages: a start has its own, wherever it is asked for.
ELSEWHERE = {("imports", "start")}
GONE = {"destroy", "delete_many", "merge", "undo", "stop"}


def writing_actions(routes: Any) -> dict[tuple[str, str], Any]:
    """The actions of the native API's views that write, by view and name."""
    found: dict[tuple[str, str], Any] = {}
    for route in routes:
        if isinstance(route, URLResolver):
            found |= writing_actions(route.url_patterns)
        elif isinstance(route, URLPattern) and issubclass(
            getattr(route.callback, "cls", object), NativeViewSet
        ):
            view: Any = route.callback
            for method, action in view.actions.items():
                if method not in {"get", "head"}:
                    key = (view.initkwargs["basename"].split("-")[0], action)
                    found[key] = (view.cls, getattr(view.cls, action))
    return found


def test_each_act_that_manages_or_deletes_leaves_an_entry() -> None:
    wanted = {
        key: hasattr(act, "recorded_as")
        for key, (cls, act) in writing_actions(get_resolver().url_patterns).items()
        if key[1] in GONE or cls.needs[key[1]] == Scope.MANAGE
    }
    wanted = {key: is_recorded for key, is_recorded in wanted.items() if key[0] != "messages"}
    assert len(wanted) >= 15
    assert [key for key, is_recorded in wanted.items() if not is_recorded] == []


def entries(tenant: Tenant) -> list[tuple[str, str, int | None]]:
    found = audit.entries(tenant.account.pk).order_by("pk")
    return [(one.username, one.action, one.object_id) for one in found]


def test_a_programs_acts_on_webhooks_stand_in_the_trail(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    body = {"url": "https://example.org/hook"}
    for _ in range(2):
        api.post("/api/webhooks/", body, **tenant.headers)
    [row] = endpoints.endpoints(tenant.account.pk)
    told(row)
    url = f"/api/webhooks/{row.pk}/"
    assert api.post(f"{url}rotate/", {}, **other_tenant.headers).status_code == 404
    assert api.post(f"{url}rotate/", {}, **tenant.headers).status_code == 200
    since = {"since": "2020-01-01T00:00:00Z"}
    assert api.post(f"{url}deliveries/replay/", since, **tenant.headers).status_code == 202
    assert api.delete(url, tenant).status_code == 204
    name = f"licence {tenant.keys.license_id}"
    assert entries(tenant) == [
        (name, action, row.pk)
        for action in (
            Action.WEBHOOK_MADE, Action.WEBHOOK_CHANGED, Action.WEBHOOK_CHANGED,
            Action.WEBHOOK_REPLAYED, Action.WEBHOOK_DELETED,
        )
    ]  # fmt: skip
    assert audit.entries(tenant.account.pk)[0].network == "127.0.0.0/24"
    assert entries(other_tenant) == []


def test_an_opt_out_that_a_program_takes_back_stands_there_without_its_number(
    api: Api, tenant: Tenant
) -> None:
    opt_outs.opt_out(tenant.account.pk, "+48601234567", OptOut.Source.API)
    for status in (204, 404):
        assert api.delete("/api/opt-outs/+48601234567/", tenant).status_code == status
    assert entries(tenant) == [(f"licence {tenant.keys.license_id}", Action.OPT_OUT_REMOVED, None)]
    assert "601234567" not in str(audit.entries(tenant.account.pk)[0].details)


def test_contacts_groups_and_imports_that_a_program_ends_stand_there(
    api: Api, tenant: Tenant
) -> None:
    account = tenant.account
    contact = Contact.objects.create(account=account, phone="+48601234567", name="Ola")
    group = ContactGroup.objects.create(account=account, name="Friends")
    file = imports.upload(account.pk, "PL", b"601000003", name="x", by="x")
    keys = {**tenant.headers, "X-Api-Key": tenant.keys.api_key}

    def delete(path: str) -> int:
        return int(api.client.delete(f"/api/contacts/{path}/", headers=keys).status_code)

    assert delete(f"contacts/{contact.pk}") == 204
    assert delete(f"contacts/{contact.pk}") == 404
    assert delete(f"groups/{group.pk}") == 204
    Import.objects.update(state=Import.State.CHECKED)
    started = api.client.post(
        f"/api/contacts/imports/{file.pk}/start/", {"consent": True, "consent_note": "form"},
        content_type="application/json", headers=keys,
    )  # fmt: skip
    assert started.status_code == 200, started.content
    assert [one[1:] for one in entries(tenant)] == [
        (Action.CONTACTS_DELETED, contact.pk), (Action.GROUP_DELETED, group.pk),
        (Action.IMPORT_STARTED, file.pk),
    ]  # fmt: skip


def test_a_request_that_is_repeated_leaves_one_entry(api: Api, tenant: Tenant) -> None:
    endpoint, _ = endpoints.subscribe(
        tenant.sender, "https://example.org/", name="", event_types=[], only_license=False
    )
    for _ in range(2):
        headers = {**tenant.headers, "Idempotency-Key": "once"}
        assert api.post(f"/api/webhooks/{endpoint.pk}/rotate/", {}, **headers).status_code == 200
    assert len(entries(tenant)) == 1
