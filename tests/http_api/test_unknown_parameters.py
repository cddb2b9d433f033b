"""A filter that is ignored answers with what nobody asked for: unknown query parameters are refused."""

from __future__ import annotations

import re

import pytest

from licenses import tokens
from licenses.viewsets import NativeViewSet
from tests.conftest import Api, Tenant, refused
from tests.routes import routes

LISTS = {
    "/api/messages/": "cursor, external_id, limit, phone, since, status",
    "/api/inbox/": "after, cursor, device, limit, sender, since, until",
    "/api/opt-outs/": "cursor, limit",
}

READ = {
    re.sub(r"\(\?P<[^)]*\)", "1", path): pattern.callback
    for path, pattern in routes()
    if path.startswith("/api/") and "get" in getattr(pattern.callback, "actions", {})
}


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("query", ["states=sent", "format=json", "phone[]=1"])
def test_each_address_that_is_read_refuses_what_it_does_not_know(
    api: Api, tenant: Tenant, path: str, query: str
) -> None:
    """`format` too, which Django REST framework would take for itself: there is one format."""
    view = READ[path].cls  # type: ignore[attr-defined]
    assert issubclass(view, NativeViewSet)
    response = api.client.get(f"{path}?{query}", headers=tenant.pair_headers)
    refused(response, 400, "invalid", query.partition("=")[0])


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("value", ["sent", ""])
def test_a_list_names_the_parameters_that_it_has(
    api: Api, tenant: Tenant, path: str, value: str
) -> None:
    body = refused(api.get(path, tenant, state=value, limit="1"), 400, "invalid", "state")
    assert body["message"] == f"state: is no parameter here; there are {LISTS[path]}"


def test_all_unknown_ones_are_named(api: Api, tenant: Tenant) -> None:
    refused(api.get("/api/inbox/", tenant, a="1", b="2"), 400, "invalid", "a", "b")


@pytest.mark.parametrize("path", ["/api/me/", "/api/messages/1/"])
def test_an_address_without_parameters_says_so(api: Api, tenant: Tenant, path: str) -> None:
    body = refused(api.get(path, tenant, verbose="1"), 400, "invalid", "verbose")
    assert body["message"] == "verbose: is no parameter here; this address takes none"


def test_what_writes_reads_its_body_alone(api: Api, tenant: Tenant) -> None:
    """Programs that post put parameters of their own beside it: they must not cost the message."""
    response = api.post("/api/messages/?source=shop&phone=1", tenant.message())
    assert response.status_code == 201, response.content
    assert response.json()["phone"] == "+48123456789"
    path = f"/api/messages/{response.json()['id']}/?source=shop"
    assert api.client.delete(path, headers=tenant.headers).status_code == 200
    response = api.post("/api/contacts/groups/?source=shop", tenant.with_keys(name="VIP"))
    assert response.status_code == 201, response.content


@pytest.mark.parametrize("name", ["license__key", "key", "api_key"])
def test_a_key_in_a_url_is_sent_where_keys_belong(api: Api, tenant: Tenant, name: str) -> None:
    body = refused(
        api.get("/api/messages/", tenant, **{name: tenant.keys.license_key}), 400, "invalid", name
    )
    assert body["message"] == f"{name}: a key belongs in a header or the body, never in a URL"
    assert tenant.keys.license_key not in str(body)


def test_a_wrong_key_is_told_first(api: Api, tenant: Tenant) -> None:
    response = api.client.get("/api/me/?x=1", headers={"X-License-Key": "ZZZZZZ"})
    refused(response, 401, "license_not_found")


def test_hook_links_and_dialects_take_what_their_programs_add(api: Api, tenant: Tenant) -> None:
    token = tokens.issue(tokens.Kind.HOOK, tenant.license.pk)
    query = "phone=%2B48123456789&message=Hi&utm_source=robot"
    assert api.client.get(f"/hooks/{token}/?{query}").status_code == 201
    headers = {"X-API-Key": tenant.keys.license_key}
    assert api.client.get("/api/v1/balance?_=1", headers=headers).status_code == 200
