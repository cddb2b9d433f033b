"""POST /api/contacts/groups/"""

from __future__ import annotations

from typing import Any

import pytest

from contacts.models import ContactGroup
from tests.conftest import Api, Tenant, refused

URL = "/api/contacts/groups/"


def test_it_answers_as_documented(api: Api, tenant: Tenant) -> None:
    body = {
        "key": tenant.keys.license_key,
        "api_key": tenant.keys.api_key,
        "name": "Summer Campaign 2026",
    }
    response = api.post(URL, body)
    assert response.status_code == 201, response.content
    group = ContactGroup.objects.get()
    assert response.content.decode() == (
        f'{{"id":{group.pk},"name":"Summer Campaign 2026","created_by":{tenant.account.user_id}}}'
    )
    assert group.account_id == tenant.keys.account_id


def test_the_same_name_twice_makes_two_groups(api: Api, tenant: Tenant) -> None:
    answers = [api.post(URL, tenant.with_keys(name="VIP")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]
    assert ContactGroup.objects.count() == 2


@pytest.mark.parametrize("name", [None, "", "x" * 256, [], {}, True, 1.5, "absent"])
def test_the_name_must_be_there_and_be_a_string(api: Api, tenant: Tenant, name: Any) -> None:
    body = tenant.with_keys(name=name)
    if name == "absent":
        del body["name"]
    refused(api.post(URL, body), 400, "invalid", "name")
    assert not ContactGroup.objects.exists()


@pytest.mark.parametrize("name", [" VIP ", "ż" * 255, "e\u0301", "😀\n"])
def test_the_name_is_stored_byte_for_byte(api: Api, tenant: Tenant, name: str) -> None:
    assert api.post(URL, tenant.with_keys(name=name)).json()["name"] == name
    assert ContactGroup.objects.get().name == name
