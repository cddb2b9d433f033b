"""An address book to read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Api, Tenant


class AddressBook:
    """Calls contacts' and groups' routes with both keys of a tenant."""

    def __init__(self, api: Api, tenant: Tenant) -> None:
        self.api, self.tenant = api, tenant

    def save(self, name: str, phone: str, *groups: str) -> int:
        """Save a contact, in these groups by name; return its id."""
        for group in groups or (None,):
            body = self.tenant.with_keys(name=name, phone=phone, group_name=group)
            answer = self.api.post("/api/contacts/contacts/", body)
            assert answer.status_code in {200, 201}, answer.content
        return int(answer.json()["id"])

    def group(self, name: str) -> int:
        body = self.tenant.with_keys(groups=[{"name": name}])
        [made] = self.api.post("/api/contacts/groups/bulk/", body).json()["groups"]
        return int(made["id"])

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        client, headers = self.api.client, self.tenant.pair_headers
        if method == "get":
            return client.get(f"/api/contacts/{path}", query, headers=headers)
        call = getattr(client, method)
        return call(f"/api/contacts/{path}", body or {}, "application/json", headers=headers)

    def names(self, path: str, **query: Any) -> list[str]:
        """Return the names that the list shows in one page."""
        answer = self.call("get", path, **query)
        assert answer.status_code == 200, answer.content
        return [row["name"] for row in answer.json()["results"]]


@pytest.fixture
def book(api: Api, tenant: Tenant) -> AddressBook:
    return AddressBook(api, tenant)


@pytest.fixture
def others_book(api: Api, other_tenant: Tenant) -> AddressBook:
    return AddressBook(api, other_tenant)
