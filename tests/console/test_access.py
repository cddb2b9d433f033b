"""Who may ask for what: every address of the console, by role, by account, and by strangers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import URLPattern, reverse

from console.context import MENU
from console.urls import urlpatterns
from contacts import imports, templates
from contacts.models import Contact, ContactGroup
from licenses import services as licenses
from licenses import tokens
from licenses.models import Token
from members import audit
from members.audit import Action
from members.models import AuditEntry, Invitation, Member, Role
from messaging.models import Message, OptOut
from messaging.selectors import MessageFilter
from messaging.services import exports, opt_outs, threads
from outbox.models import Event
from outbox.types import EventType
from tests.conftest import Api, ManualClock, Phone, Tenant
from tests.console.conftest import logged_in, person
from tests.delivery import accept
from webhooks import endpoints
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db

# The least role that may ask; whoever has less is refused.
NEEDS = {
    "overview": Role.VIEWER, "messages": Role.VIEWER, "message": Role.VIEWER,
    "opt_outs": Role.VIEWER, "phones": Role.VIEWER, "live": Role.VIEWER, "appearance": Role.VIEWER,
    "send": Role.OPERATOR, "cancel": Role.OPERATOR, "resolve": Role.OPERATOR,
    "resolve_many": Role.OPERATOR,
    "opt_out_add": Role.OPERATOR, "phone_pause": Role.OPERATOR,
    **dict.fromkeys(
        (
            "contacts", "contacts_chosen", "contact_add", "contact", "contact_delete", "contact_merge",
            "groups", "group_add", "group_rename", "group_merge", "group_delete",
            "imports", "import", "import_read", "import_check", "import_start", "import_stop",
            "import_undo", "import_delete", "import_refused",
            "threads", "thread", "thread_begin", "thread_change",
            "templates", "template_new", "template", "template_delete",
        ),
        Role.OPERATOR,
    ),
    "contacts_export": Role.OWNER,
    "opt_out_take_back": Role.OWNER, "pair": Role.OWNER, "pairing": Role.OWNER,
    "audit_file": Role.OWNER, "exports": Role.OWNER,
    "export_fetch": Role.OWNER, "export_delete": Role.OWNER,
    "phone_rename": Role.OWNER, "phone_unpair": Role.OWNER,
    "key_scopes": Role.OWNER, "webhook_change": Role.OWNER,
    "keys": Role.OWNER, "key_make": Role.OWNER, "key_replace": Role.OWNER,
    "license_switch": Role.OWNER, "api_keys_replace": Role.OWNER, "credential_replace": Role.OWNER,
    "hook_make": Role.OWNER, "hook_revoke": Role.OWNER, "webhooks": Role.OWNER,
    "subscribe": Role.OWNER, "webhook": Role.OWNER, "webhook_secret": Role.OWNER,
    "webhook_test": Role.OWNER, "webhook_switch": Role.OWNER, "webhook_replay": Role.OWNER,
    "webhook_delete": Role.OWNER, "delivery": Role.OWNER, "settings": Role.OWNER,
    "person": Role.OWNER, "person_export": Role.OWNER, "person_erase": Role.OWNER,
    "first_steps": Role.OWNER, "first_steps_put_away": Role.OWNER,
    "team": Role.OWNER, "invite": Role.OWNER, "withdraw": Role.OWNER, "member_role": Role.OWNER,
    "member_remove": Role.OWNER, "alerts": Role.OWNER, "phone_alerts": Role.OWNER,
    "reset_link": Role.OWNER, "audit": Role.OWNER,
}  # fmt: skip
OPEN = {"join", "switch", "reset"}
READ = {
    "overview", "messages", "message", "opt_outs", "phones", "team", "audit", "send", "live",
    "keys", "webhooks", "webhook", "settings", "appearance", "pairing", "first_steps",
    "delivery", "person",
    "exports", "export_fetch", "audit_file",
    "contacts", "contact", "contacts_export", "groups", "imports", "import", "import_refused",
    "templates", "template_new", "template", "threads", "thread",
}  # fmt: skip


def told(endpoint: Endpoint) -> Delivery:
    """A delivery to this webhook that was given up."""
    event = Event.objects.create(
        account_id=endpoint.account_id, type=EventType.WEBHOOK_TEST, at=endpoint.created_at, number=1,
        data={"endpoint": endpoint.pk},
    )  # fmt: skip
    return Delivery.objects.create(
        account_id=endpoint.account_id, endpoint=endpoint, event=event, created_at=event.at
    )


@pytest.fixture
def ids(api: Api, tenant: Tenant, phone: Phone) -> dict[str, Any]:
    """Something of Alice for each kind of id that an address names."""
    accept(api, tenant)
    row, _ = opt_outs.opt_out(tenant.account.pk, "+48601000001", OptOut.Source.API)
    endpoint, _ = endpoints.subscribe(
        tenant.sender, "https://example.org/", name="n8n", event_types=[], only_license=False
    )
    tokens.new_hook(tenant.license)
    invitation = Invitation.objects.create(
        account=tenant.account, role=Role.VIEWER, name="Jan", digest="x", expires_at="2100-01-01T00:00Z"
    )  # fmt: skip
    return {
        "message_id": Message.objects.get().pk,
        "opt_out_id": row.pk,
        "device_id": phone.device.pk,
        "invitation_id": invitation.pk,
        "member_id": 0,
        "license_id": tenant.keys.license_id,
        "public_id": Token.objects.get().public_id,
        "endpoint_id": endpoint.pk,
        "delivery_id": told(endpoint).pk,
        "export_id": exports.ask(tenant.account.pk, MessageFilter()).pk,
        "contact_id": Contact.objects.create(
            account=tenant.account, name="Alice", phone="+48601000002"
        ).pk,
        "group_id": ContactGroup.objects.create(account=tenant.account, name="Alice").pk,
        "import_id": imports.upload(
            tenant.account.pk, "PL", b"601000003", name="Alice", by="Alice"
        ).pk,
        "thread_id": threads.opened(tenant.account.pk, "+48601000004").pk,
        "template_id": templates.save(
            tenant.account.pk, None, by="Alice", name="Alice", text="Alice"
        ).pk,
        "code_id": licenses.new_pairing_code(tenant.license).id,
    }


def address(pattern: URLPattern, ids: dict[str, Any]) -> str:
    names = re.findall(r"<(?:int|uuid):(\w+)>", str(pattern.pattern))
    return reverse(f"console:{pattern.name}", kwargs={name: ids[name] for name in names})


def ask(client: Client, pattern: URLPattern, ids: dict[str, Any], **form: Any) -> Any:
    call = client.get if pattern.name in READ else client.post
    return call(address(pattern, ids), form)


def test_every_address_says_who_may_ask() -> None:
    assert {pattern.name for pattern in urlpatterns} == NEEDS.keys() | OPEN
    assert all(item.role == NEEDS[item.name] for item in MENU)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_what_it_may(tenant: Tenant, ids: dict[str, Any], role: Role) -> None:
    client = logged_in(person("anna", tenant, role))
    ids["member_id"] = Member.objects.get().pk
    for pattern in sorted(urlpatterns, key=lambda one: str(one.name).endswith("_delete")):
        if pattern.name in OPEN:
            continue
        form = {
            "scopes": "everything",
            "url": f"https://example.com/{pattern.name}",
            "phone": "603000000",
            "confirmed": "603000000",
        }
        status = ask(client, pattern, ids, **form).status_code
        may = role.includes(NEEDS[str(pattern.name)])
        assert (status != 403) == may, (pattern.name, status)
        # nobody makes a link for a new password of their own
        assert not may or status < 400 or pattern.name == "reset_link", (pattern.name, status)
    assert Member.objects.get().role == role


@pytest.mark.parametrize("name", [name for name in NEEDS if name not in {"pair"}])
def test_another_accounts_rows_are_nowhere(
    other_tenant: Tenant, ids: dict[str, Any], tenant: Tenant, name: str
) -> None:
    ids["member_id"] = Member.objects.create(
        account=tenant.account, user=person("olga"), role=Role.OWNER
    ).pk
    stranger = logged_in(person("bob", other_tenant))
    [pattern] = [one for one in urlpatterns if one.name == name]
    names_an_id = "<" in str(pattern.pattern)
    response = ask(stranger, pattern, ids, role="viewer", resolution="sent", reason="x", name="x")
    assert response.status_code == (404 if names_an_id else response.status_code), name
    assert not AuditEntry.objects.filter(account=tenant.account).exists()
    if response.streaming:  # a file of the stranger's own, which another test reads
        return
    text = response.content.decode()
    assert "+48 601" not in text
    assert "Alice" not in text


def test_a_stranger_is_led_to_the_log_in_and_back(ids: dict[str, Any]) -> None:
    ids["member_id"] = 1
    for pattern in urlpatterns:
        if pattern.name in OPEN:
            continue
        response = ask(Client(), pattern, ids)
        assert response.status_code == 302
        assert response["Location"].startswith("/account/login/?next=/console/")


@pytest.mark.parametrize("path", ["/console", "/login", "/login/"])
def test_what_people_type_leads_to_the_console(path: str) -> None:
    assert Client().get(path)["Location"] == "/console/"


def test_who_is_in_no_account_is_told_so() -> None:
    response = logged_in(person("nobody")).get("/console/")
    assert response.status_code == 403
    assert "You are in no account yet" in response.content.decode()


def test_a_member_who_was_removed_sees_nothing_from_then_on(tenant: Tenant, owner: Client) -> None:
    assert owner.get("/console/").status_code == 200
    Member.objects.all().delete()
    assert owner.get("/console/").status_code == 403


def test_a_person_in_two_accounts_sees_one_at_a_time(tenant: Tenant, other_tenant: Tenant) -> None:
    user = person("anna", tenant)
    Member.objects.create(account=other_tenant.account, user=user, role=Role.VIEWER)
    client = logged_in(user)
    assert "<span>Alice</span>" in client.get("/console/").content.decode()
    client.post("/console/account/", {"account": other_tenant.account.pk})
    page = client.get("/console/").content.decode()
    assert "<span>Bob</span>" in page
    assert "/console/send/" not in page  # a viewer there


def test_an_administrator_looks_in_as_a_viewer_and_that_is_recorded(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    client = logged_in(person("root", other_tenant, is_superuser=True, is_staff=True))
    assert client.post("/console/account/", {"account": tenant.account.pk}).status_code == 302
    assert "as administrator of the installation" in client.get("/console/").content.decode()
    assert client.post("/console/send/").status_code == 403
    assert [entry.action for entry in audit.entries(tenant.account.pk)] == [Action.VISITED]
    for path in ("", "messages/", "messages/?below=9", "live/", "keys/", "messages/999/"):
        client.get(f"/console/{path}")
    seen = [entry.details["page"] for entry in audit.entries(tenant.account.pk)]
    assert seen == ["messages", "messages", "overview"]


def test_a_page_that_asks_for_itself_again_is_recorded_once_a_minute(
    tenant: Tenant, other_tenant: Tenant, manual_clock: ManualClock
) -> None:
    client = logged_in(person("root", other_tenant, is_superuser=True, is_staff=True))
    client.post("/console/account/", {"account": tenant.account.pk})
    for seconds, times in ((0, 1), (59, 1), (2, 2)):
        manual_clock.advance(seconds=seconds)
        client.get("/console/phones/")
        assert audit.entries(tenant.account.pk).count() == times


def test_what_an_administrator_sees_is_told_the_owner_in_words(
    api: Api, tenant: Tenant, other_tenant: Tenant, owner: Client
) -> None:
    root = logged_in(person("root", other_tenant, is_superuser=True, is_staff=True))
    root.post("/console/account/", {"account": tenant.account.pk})
    message = accept(api, tenant)
    assert root.get(f"/console/messages/{message}/").status_code == 200
    page = owner.get("/console/audit/", headers={"Accept-Language": "pl"}).content.decode()
    assert f"wgląd administratora instalacji: Wiadomość #{message}" in page


def test_nobody_else_opens_an_account_that_is_not_theirs(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    client = logged_in(person("bob", other_tenant))
    for wanted in (tenant.account.pk, "x", "", "٣"):
        assert client.post("/console/account/", {"account": wanted}).status_code == 404


def test_a_viewer_reads_no_whole_number(
    api: Api, tenant: Tenant, ids: dict[str, Any], viewer: Client, operator: Client
) -> None:
    number = Message.objects.get().phone
    for path in ("/console/", "/console/messages/", f"/console/messages/{ids['message_id']}/",
                 "/console/opt-outs/"):  # fmt: skip
        seen = viewer.get(path).content.decode().replace(" ", "")
        assert number not in seen, path
        assert "+48601000001" not in seen, path
    assert number in operator.get("/console/messages/").content.decode().replace(" ", "")
    assert viewer.post("/console/messages/", {"sought": number}).status_code == 403


@pytest.mark.parametrize("role", list(Role))
def test_an_account_may_ask_each_member_for_a_second_factor(
    tenant: Tenant, other_tenant: Tenant, ids: dict[str, Any], role: Role
) -> None:
    user = person("anna", tenant, role)
    Member.objects.create(account=other_tenant.account, user=user, role=Role.VIEWER)
    client = logged_in(user)
    tenant.set_rules(needs_second_factor=True)
    ids["member_id"] = 0
    for pattern in urlpatterns:
        if pattern.name not in OPEN:
            response = ask(client, pattern, ids)
            assert response.status_code == 403, pattern.name
            assert "Set up an app" in response.content.decode(), pattern.name
    assert client.get("/account/second-factor/").status_code == 200
    codes = Authenticator.objects.create(user=user, type=Authenticator.Type.RECOVERY_CODES, data={})
    assert client.get("/console/").status_code == 403
    client.post("/console/account/", {"account": other_tenant.account.pk})
    assert client.get("/console/").status_code == 200, "the other account asks for none"
    client.post("/console/account/", {"account": tenant.account.pk})
    codes.type = Authenticator.Type.WEBAUTHN
    codes.save()
    assert client.get("/console/").status_code == 200
    if role == Role.OWNER:
        team = client.get("/console/team/").content.decode()
        assert team.count('class="badge good"') == 1


def test_an_owner_asks_for_a_second_factor_in_the_settings(tenant: Tenant, owner: Client) -> None:
    page = owner.get("/console/settings/").context["form"]
    form = {name: page[name].value() for name in page.fields if name != "sending_hours"}
    form = {name: "" if value is None else value for name, value in form.items()}
    answer = owner.post("/console/settings/", form | {"needs_second_factor": "on"})
    assert answer.status_code == 302
    assert "Set up an app" in owner.get("/console/settings/").content.decode()
    [entry] = audit.entries(tenant.account.pk).filter(action=Action.SETTINGS_CHANGED)
    assert entry.details["needs_second_factor"] == {"from": "", "to": "True"}
