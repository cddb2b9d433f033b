"""Scopes: what a licence's keys may do, on every surface."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

import dialects.urls
from licenses import services, tokens
from licenses.authentication import DeviceToken, KeyAuthentication
from licenses.models import License
from licenses.scopes import GIVEN, Scope, parse_scopes
from tests.conftest import Api, Tenant, refused
from tests.routes import routes


def give(tenant: Tenant, *scopes: str) -> None:
    services.set_scopes(tenant.license, " ".join(scopes))


def calls(tenant: Tenant) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    """By scope, a call on each native surface that needs it: method, path, body."""
    contact = tenant.with_keys(phone="+48600100200", name="Anna")
    text = {"message": "Hi", "send_after": "2026-01-01T10:00:00"}
    return {
        "send": [
            ("post", "/api/messages/", tenant.message()),
            ("post", "/api/messages/bulk/", tenant.bulk([tenant.message("b-1")])),
        ],
        "read": [("get", "/api/messages/", {}), ("get", "/api/messages/1/", {})],
        "inbox": [("get", "/api/inbox/", {}), ("get", "/api/threads/", {})],
        "contacts": [
            ("post", "/api/contacts/contacts/", contact),
            ("post", "/api/contacts/contacts/bulk/", tenant.with_keys(contacts=[contact])),
            ("post", "/api/templates/", tenant.with_keys(name="A", text="A")),
            ("post", "/api/contacts/groups/", tenant.with_keys(name="A")),
            ("post", "/api/contacts/groups/bulk/", tenant.with_keys(groups=[{"name": "A"}])),
            ("get", "/api/opt-outs/", {}),
            ("post", "/api/opt-outs/", {"phone": "+48600100201"}),
        ],
        "manage": [
            ("delete", "/api/messages/1/", {}),
            ("post", "/api/messages/1/resolve/", {"as": "sent"}),
            ("delete", "/api/opt-outs/+48600100201/", {}),
            ("post", "/api/erasures/", tenant.with_keys(phone="+48600100209")),
        ],
        "contacts send": [
            ("post", "/api/contacts/contacts/", contact | text),
            ("post", "/api/contacts/contacts/bulk/", tenant.with_keys(contacts=[contact | text])),
        ],
    }


def called(api: Api, tenant: Tenant, method: str, path: str, body: dict[str, Any]) -> Any:
    call = getattr(api.client, method)
    if method == "get":
        return call(path, headers=tenant.headers)
    return call(path, json.dumps(body), content_type="application/json", headers=tenant.headers)


def test_a_key_without_scopes_may_do_everything(api: Api, tenant: Tenant) -> None:
    for some in calls(tenant).values():
        for call in some:
            assert called(api, tenant, *call).status_code != 403, call


@pytest.mark.parametrize("lacking", GIVEN)
def test_what_a_key_lacks_is_403_and_named_and_all_else_works(
    api: Api, tenant: Tenant, lacking: str
) -> None:
    give(tenant, *(scope for scope in GIVEN if scope != lacking))
    for needed, some in calls(tenant).items():
        for call in some:
            response = called(api, tenant, *call)
            if lacking in needed.split():
                body = refused(response, 403, "scope_missing")
                assert f"`{lacking}`" in body["message"]
            else:
                assert response.status_code != 403, call


def test_every_key_may_be_tested(api: Api, tenant: Tenant) -> None:
    give(tenant, "inbox")
    assert api.get("/api/me/", tenant).status_code == 200


def test_a_refused_key_changes_nothing(api: Api, tenant: Tenant) -> None:
    give(tenant, "read")
    refused(api.post("/api/messages/", tenant.message()), 403, "scope_missing")
    assert api.get("/api/messages/", tenant).json()["results"] == []


def test_an_idempotent_answer_is_not_read_with_a_lesser_key(api: Api, tenant: Tenant) -> None:
    once = {"Idempotency_Key": "k"}
    assert api.post("/api/messages/", tenant.message(), **once).status_code == 201
    give(tenant, "read")
    refused(api.post("/api/messages/", tenant.message(), **once), 403, "scope_missing")


def test_a_hook_link_needs_that_its_licence_may_send(api: Api, tenant: Tenant) -> None:
    token = tokens.new_hook(tenant.license)
    give(tenant, "read")
    response = api.client.get(f"/hooks/{token}/?phone=%2B48600100200&message=Hi")
    refused(response, 403, "scope_missing")


def test_the_dialects_keys_have_their_licences_scopes(tenant: Tenant) -> None:
    give(tenant, "read")
    client, keys = Client(), tenant.keys
    basic = Client()
    response = basic.post(
        "/api/3rdparty/v1/messages",
        json.dumps({"textMessage": {"text": "Hi"}, "phoneNumbers": ["+48600100200"]}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {keys.token}"},
    )
    assert response.status_code == 403
    assert "send" in response.content.decode()
    answer = client.get(
        "/dialects/smsend/token", {"username": keys.username, "password": keys.password}
    )
    user_key, access = answer.content.decode().split(";")
    logged_in = {"User-Key": user_key, "Access-Token": access}
    for path in ("newsrsmsmessage", "blacklist/sms", "contacts"):
        response = client.get(f"/dialects/smsend/{path}", headers=logged_in)
        assert response.status_code == 403, path
    history = client.get("/dialects/smsend/smshistory?from=20260101", headers=logged_in)
    assert history.status_code == 200


def test_every_address_that_takes_a_key_says_what_it_needs() -> None:
    """What says nothing needs `manage`, so that a new address is not open by mistake."""
    unsaid = []
    found = [*routes(), *routes(dialects.urls.urlpatterns)]
    assert {"/api/inbox/", "/API/v1.0/REST/newsrsmsmessage/"} <= {path for path, _ in found}
    for path, pattern in found:
        view: Any = getattr(pattern.callback, "cls", None)
        taken = getattr(view, "authentication_classes", [])
        if not any(issubclass(one, KeyAuthentication) for one in taken) or DeviceToken in taken:
            continue
        if view.__name__ == "MethodViewSet":  # sms.by's: by the name in its path
            continue
        actions: dict[str, str] = getattr(pattern.callback, "actions", {})
        unsaid += [
            (path, action)
            for action in set(actions.values())
            if view.needs.get(action) not in set(Scope)
        ]
    assert unsaid == []


def test_scopes_are_stored_in_one_order() -> None:
    assert parse_scopes("manage, read,send  read") == "send read manage"
    assert parse_scopes("") == ""


@pytest.mark.parametrize("text", ["sned", "send;read", "all:any", ",", "SEND"])
def test_what_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        parse_scopes(text)


def test_provision_and_rotate_give_scopes(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("provision", "Acme", "--json", "--scopes", "send,read")
    made = json.loads(capsys.readouterr().out)
    license = License.objects.get(pk=made["license_id"])
    assert license.scopes == "send read"
    call_command("rotate", str(license.pk), "--scopes", "inbox")
    license.refresh_from_db()
    assert license.scopes == "inbox"
    assert services.add_license(license.account)[0].scopes == ""
    with pytest.raises(CommandError, match="no scope 'sned'"):
        call_command("provision", "Other", "--scopes", "sned")
