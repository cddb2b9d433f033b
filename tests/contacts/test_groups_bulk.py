"""POST /api/contacts/groups/bulk/"""

from __future__ import annotations

from typing import Any

import pytest

from contacts.models import ContactGroup
from tests.conftest import Api, Tenant, note_use, refused

URL = "/api/contacts/groups/bulk/"


def groups(api: Api, tenant: Tenant, *names: Any) -> list[dict[str, Any]]:
    body = tenant.with_keys(groups=[{"name": name} for name in names])
    response = api.post(URL, body)
    assert response.status_code == 201, response.content
    return list(response.json()["groups"])


def test_it_answers_as_documented(api: Api, tenant: Tenant) -> None:
    [known] = groups(api, tenant, "VIP Clients")
    body = {
        "key": tenant.keys.license_key,
        "api_key": tenant.keys.api_key,
        "groups": [{"name": "VIP Clients"}, {"name": "Newsletter"}, {"name": "Inactive Users"}],
    }
    response = api.post(URL, body)
    assert response.status_code == 201, response.content
    ids = dict(ContactGroup.objects.values_list("name", "pk"))
    assert ids["VIP Clients"] == known["id"]
    assert response.content.decode() == (
        '{"groups":['
        f'{{"name":"VIP Clients","id":{ids["VIP Clients"]},"status":"existed"}},'
        f'{{"name":"Newsletter","id":{ids["Newsletter"]},"status":"created"}},'
        f'{{"name":"Inactive Users","id":{ids["Inactive Users"]},"status":"created"}}]}}'
    )


def test_it_is_idempotent(api: Api, tenant: Tenant) -> None:
    names = ["A", "B", "C"]
    first = groups(api, tenant, *names)
    second = groups(api, tenant, *reversed(names))
    assert [group["status"] for group in second] == ["existed"] * 3
    assert [group["id"] for group in second] == [group["id"] for group in reversed(first)]


def test_a_name_twice_was_created_and_then_existed(api: Api, tenant: Tenant) -> None:
    first, other, second = groups(api, tenant, "VIP", "vip", "VIP")
    assert [first["status"], other["status"], second["status"]] == [
        "created",
        "created",
        "existed",
    ]
    assert first["id"] == second["id"] != other["id"]
    assert ContactGroup.objects.count() == 2


def test_of_several_groups_the_lowest_id_is_meant(api: Api, tenant: Tenant) -> None:
    made = [
        api.post("/api/contacts/groups/", tenant.with_keys(name="VIP")).json()["id"]
        for _ in range(3)
    ]
    assert groups(api, tenant, "VIP") == [{"name": "VIP", "id": min(made), "status": "existed"}]


def test_names_match_exactly(api: Api, tenant: Tenant, other_tenant: Tenant) -> None:
    groups(api, other_tenant, "VIP")
    found = groups(api, tenant, "VIP", "vip", " VIP", "VIP ", "V\u200bIP", "é", "e\u0301")
    assert {group["status"] for group in found} == {"created"}
    assert len({group["id"] for group in found}) == 7


@pytest.mark.parametrize("count", [1, 200])
def test_it_takes_1_to_200_groups(
    api: Api, tenant: Tenant, count: int, django_assert_max_num_queries: Any
) -> None:
    names = [f"Group {number}" for number in range(count)]
    note_use(tenant)
    with django_assert_max_num_queries(6):
        answer = groups(api, tenant, *names)
    assert [group["name"] for group in answer] == names
    assert ContactGroup.objects.count() == count


@pytest.mark.parametrize("count", [0, 201])
def test_it_refuses_none_and_more_than_200(api: Api, tenant: Tenant, count: int) -> None:
    body = tenant.with_keys(groups=[{"name": f"{number}"} for number in range(count)])
    refused(api.post(URL, body), 400, "invalid", "groups")
    assert not ContactGroup.objects.exists()


@pytest.mark.parametrize("given", [None, "absent", {}, "VIP", 1])
def test_groups_must_be_a_list(api: Api, tenant: Tenant, given: Any) -> None:
    body = tenant.with_keys(groups=given)
    if given == "absent":
        del body["groups"]
    refused(api.post(URL, body), 400, "invalid", "groups")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": ["VIP"]}, "name"),
    ],
)
def test_a_bad_name_refuses_the_batch(api: Api, tenant: Tenant, bad: Any, field: str) -> None:
    body = tenant.with_keys(groups=[{"name": "Good"}, bad])
    answer = refused(api.post(URL, body), 400, "invalid", "groups")
    assert list(answer["errors"]["groups"]["1"]) == [field]
    assert not ContactGroup.objects.exists()


@pytest.mark.parametrize("bad", ["VIP", None, [], 1])
def test_an_item_that_is_no_object_refuses_the_batch(api: Api, tenant: Tenant, bad: Any) -> None:
    body = tenant.with_keys(groups=[{"name": "Good"}, bad])
    answer = refused(api.post(URL, body), 400, "invalid", "groups")
    assert answer["errors"] == {"groups": {"1": ["must be an object"]}}
