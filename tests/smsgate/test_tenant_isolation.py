"""Over every route: what is another account's answers as if it did not exist, and no list shows it."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import pytest

from contacts.models import Contact, ContactGroup, Import, Template
from messaging.models import Erasure, InboundMessage, Message, OptOut, Thread
from privacy import erasing
from tests.conftest import Api, Phone, Tenant, pair_phone
from tests.routes import routes
from webhooks import publishing
from webhooks.models import Delivery, Endpoint

SECRET = "tajny tekst Boba"
NUMBER = "+48600900900"

# Routes that show nothing of any account, or speak to phones, which have tests of their own.
_OTHERS = {"schema", "docs", "pair", "healthz", "readyz", "home", None}


def _api_routes() -> list[tuple[str, str, str]]:
    """Every (name, method, path) of the API; `{id}` stands where a path takes one."""
    found = []
    for path, pattern in routes():
        if pattern.name in _OTHERS or str(pattern.name).startswith("companion"):
            continue
        actions = getattr(pattern.callback, "actions", None)
        if actions is None:
            continue
        path = re.sub(r"\(\?P<[^)]*\)", "{id}", path)
        found += [(str(pattern.name), method, path) for method in actions if method != "head"]
    return found


ROUTES = _api_routes()
WITH_ID = [route for route in ROUTES if "{id}" in route[2]]
LISTS = [route for route in ROUTES if route[1] == "get" and "{id}" not in route[2]]


@pytest.fixture
def bob(api: Api, other_tenant: Tenant) -> Tenant:
    """An account that has one of everything."""
    hook = {"url": "https://example.com/bob", "events": ["message.accepted"]}
    api.post("/api/webhooks/", hook, **other_tenant.headers)
    api.post("/api/messages/", other_tenant.message("bobs-1", phone=NUMBER, message=SECRET))
    keys = other_tenant.with_keys()
    api.post("/api/contacts/contacts/", keys | {"name": SECRET, "phone": NUMBER})
    api.post("/api/contacts/groups/", keys | {"name": SECRET})
    api.post("/api/contacts/imports/", keys | {"text": f"{NUMBER};{SECRET}", "consent": True})
    api.post("/api/templates/", keys | {"name": SECRET, "text": SECRET})
    api.post("/api/opt-outs/", {"phone": "+48600900901"}, **other_tenant.headers)
    received = {"event_id": str(uuid4()), "type": "received", "sender": NUMBER, "text": SECRET}
    bobs_phone = pair_phone(other_tenant, "bobs-install")
    api.post("/companion/sync/", {"events": [received]}, **bobs_phone.headers)
    erasing.erase(other_tenant.keys.account_id, "+48600900902", by=SECRET)
    publishing.publish(other_tenant.keys.account_id)
    assert InboundMessage.objects.count() == OptOut.objects.count() == Delivery.objects.count() == 1
    return other_tenant


def _bobs(name: str) -> str:
    """The id in this route of what is Bob's."""
    if name.startswith("opt-outs"):
        return OptOut.objects.get().phone
    kinds: dict[str, Any] = {"contacts": Contact, "groups": ContactGroup, "webhooks": Endpoint}
    kinds |= {"imports": Import, "templates": Template, "threads": Thread}
    kinds["erasures"] = Erasure
    return str(kinds.get(name.partition("-")[0], Message).objects.get().pk)


def _bobs_path(name: str, path: str) -> str:
    """Return the path of what is Bob's: where it takes a second id, that of his delivery."""
    head, _, tail = path.rpartition("{id}")
    if "{id}" not in head:
        return path.format(id=_bobs(name))
    assert head.endswith("/deliveries/")
    return f"{head.format(id=_bobs(name))}{Delivery.objects.get().pk}{tail}"


def _state() -> list[Any]:
    kinds: tuple[Any, ...] = (
        Message, OptOut, Contact, ContactGroup, Import, Template, Thread, Erasure, Endpoint,
        Delivery,
    )  # fmt: skip
    return [list(kind.objects.values()) for kind in kinds]


def _unknown(name: str) -> str:
    return "+48600900999" if name.startswith("opt-outs") else "999999999"


def _called(api: Api, tenant: Tenant, method: str, path: str) -> Any:
    bodies = {"post": {"as": "sent", "ids": [999_999_998]}, "patch": {"name": "Renamed"}}
    call, headers = getattr(api.client, method), tenant.pair_headers
    if method == "get":
        return call(path, headers=headers)
    body = json.dumps(bodies.get(method, {}))
    return call(path, body, content_type="application/json", headers=headers)


def test_the_routes_are_found() -> None:
    """So that nothing here passes because it looked at nothing."""
    assert {name for name, _, _ in WITH_ID} >= {
        "messages-detail",
        "messages-resolve",
        "opt-outs-detail",
        "contacts-detail",
        "groups-detail",
    }
    assert {name for name, _, _ in LISTS} == {
        "messages-list", "inbox-list", "opt-outs-list", "contacts-list", "groups-list", "me",
        "imports-list", "templates-list", "threads-list", "erasures-list",
        "webhooks-list", "events-list",
    }  # fmt: skip
    assert len(ROUTES) >= 15


@pytest.mark.parametrize(("name", "method", "path"), WITH_ID)
def test_another_accounts_id_answers_as_an_unknown_one(
    api: Api, tenant: Tenant, bob: Tenant, name: str, method: str, path: str
) -> None:
    before = _state()
    bobs = _called(api, tenant, method, _bobs_path(name, path))
    unknown = _called(api, tenant, method, path.format(id=_unknown(name)))
    assert bobs.status_code == unknown.status_code == 404
    assert bobs.content == unknown.content
    assert _state() == before
    mine = _called(api, bob, method, _bobs_path(name, path))
    assert mine.status_code != 404  # the id was right


@pytest.mark.parametrize(("name", "method", "path"), LISTS)
@pytest.mark.parametrize("query", ["", "?external_id=bobs-1", "?phone=%2B48600900900"])
def test_no_list_shows_what_is_another_accounts(
    api: Api, tenant: Tenant, bob: Tenant, name: str, method: str, path: str, query: str
) -> None:
    shown = _called(api, tenant, method, path + query)
    takes = not query or name == "messages-list" or (name == "contacts-list" and "phone" in query)
    assert shown.status_code == (200 if takes else 400)
    if shown.status_code == 200 and name != "me":
        assert shown.json()["results"] == []
        assert query or _called(api, bob, method, path).json()["results"]
    for secret in (SECRET, "Bob", "600900", "bobs"):
        assert secret not in shown.content.decode()


def test_a_cursor_of_another_account_leads_to_nothing_of_it(
    api: Api, tenant: Tenant, bob: Tenant
) -> None:
    for _, _, path in LISTS:
        response = _called(api, tenant, "get", f"{path}?cursor={2**62}")
        assert response.json().get("results", []) == []


@pytest.mark.parametrize(("name", "method", "path"), ROUTES)
def test_no_route_opens_for_two_keys_of_different_accounts(
    api: Api, tenant: Tenant, bob: Tenant, name: str, method: str, path: str
) -> None:
    """Where two keys are asked for they must be of one account; elsewhere the second is nothing."""
    if not name.startswith(("contacts", "groups", "imports", "templates", "erasures", "persons")):
        return
    for mixed in (
        {"X-License-Key": tenant.keys.license_key, "X-Api-Key": bob.keys.api_key},
        {"X-License-Key": bob.keys.license_key, "X-Api-Key": tenant.keys.api_key},
    ):
        if method == "get":
            response = api.client.get(path.format(id=1), headers=mixed)
        else:
            call = getattr(api.client, method)
            response = call(path.format(id=1), "{}", "application/json", headers=mixed)
        assert response.status_code == 401
        assert response.json()["code"] == "invalid_key"


def test_what_two_accounts_name_alike_stays_apart(
    api: Api, tenant: Tenant, bob: Tenant, phone: Phone
) -> None:
    keys = tenant.with_keys()
    assert api.post("/api/messages/", tenant.message("bobs-1", phone=NUMBER)).status_code == 201
    saved = api.post(
        "/api/contacts/contacts/",
        keys | {"name": "Alice's", "phone": NUMBER, "group_name": SECRET},
    )
    assert saved.status_code == 201
    [group] = api.post("/api/contacts/groups/bulk/", keys | {"groups": [{"name": SECRET}]}).json()[
        "groups"
    ]
    assert group["status"] == "existed"  # the one made for the contact, not Bob's
    assert Contact.objects.get(account_id=bob.keys.account_id).name == SECRET
    assert ContactGroup.objects.get(pk=group["id"]).account_id == tenant.keys.account_id


def test_a_phone_gets_only_its_own_licences_messages(
    api: Api, tenant: Tenant, bob: Tenant, phone: Phone
) -> None:
    body = {"claim_id": str(uuid4()), "capacity": 50}
    assert api.post("/companion/sync/", body, **phone.headers).json()["messages"] == []


def test_a_phone_cannot_report_on_another_accounts_message(
    api: Api, tenant: Tenant, bob: Tenant, phone: Phone
) -> None:
    bobs = Message.objects.get().pk
    report = {"event_id": str(uuid4()), "type": "part_sent", "message_id": bobs, "attempt": 1}
    events = [report | {"part": 1, "parts": 1}]
    assert api.post("/companion/sync/", {"events": events}, **phone.headers).status_code == 200
    assert Message.objects.get().status == "pending"
