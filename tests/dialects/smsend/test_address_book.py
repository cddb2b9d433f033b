"""`contact`, `contacts`, `group`, `groups`."""

from __future__ import annotations

from typing import Any

import pytest

from contacts.models import Contact, ContactGroup
from licenses.models import License
from tests.conftest import Api, Tenant
from tests.dialects.smsend.conftest import MOUNT, NUMBER, Program

OTHER = "+48600100201"


def added(program: Program, **fields: Any) -> int:
    body = {"phoneNumber": NUMBER, "name": "Anna", "surname": "Nowak"} | fields
    response = program.call("POST", "contact", body)
    assert (response.status_code, response.json()) == (201, "")
    return id_in(response)


def id_in(response: Any) -> int:
    mount, _, number = response["Location"].rpartition("/")
    assert mount in (f"{MOUNT}contact", f"{MOUNT}group")
    return int(number)


def group(program: Program, name: str) -> int:
    response = program.call("POST", "group", {"name": name, "description": "is not kept"})
    assert (response.status_code, response.json()) == (201, "")
    return id_in(response)


def members(group_id: int) -> list[str]:
    inside = Contact.objects.filter(groups=group_id).order_by("phone")
    return list(inside.values_list("phone", flat=True))


def test_a_contact_is_saved_with_its_groups_and_read_again(program: Program) -> None:
    friends = group(program, "Friends")
    contact_id = added(program, email="anna@example.com", groupIds=[str(friends)])
    shown = {
        "id": contact_id,
        "phoneNumber": NUMBER,
        "email": "",
        "name": "Anna Nowak",
        "surname": "",
        "groupIds": [friends],
    }
    assert program.get(f"contact/{contact_id}") == shown
    assert program.get("contact", pageSize=50)["contacts"] == [shown]
    assert program.get("contacts/fields") == []


def test_a_contact_that_is_known_keeps_what_is_not_said_again(program: Program) -> None:
    friends = group(program, "Friends")
    contact_id = added(program, groupIds=[friends])
    again = program.call("POST", "contact", {"phoneNumber": NUMBER})
    assert id_in(again) == contact_id
    shown = program.get(f"contact/{contact_id}")
    assert (shown["name"], shown["groupIds"]) == ("Anna Nowak", [friends])


@pytest.mark.parametrize(
    "fields",
    [
        {"phoneNumber": ""}, {"phoneNumber": None, "email": "anna@example.com"},
        {"phoneNumber": "+4812"}, {"name": "x" * 200}, {"groupIds": [999999]}, {"groupIds": "all"},
    ],
)  # fmt: skip
def test_a_contact_that_cannot_be_kept_is_refused(program: Program, fields: dict[str, Any]) -> None:
    body = {"phoneNumber": NUMBER, "name": "Anna"} | fields
    program.refused(program.call("POST", "contact", body), 400)
    assert not Contact.objects.exists()


@pytest.mark.parametrize("path", ["contact", "contacts"])
def test_several_contacts_are_saved_together(program: Program, path: str) -> None:
    friends, old = group(program, "Friends"), group(program, "Old")
    added(program, groupIds=[old])
    several = {
        "contacts": [
            {"phoneNumber": NUMBER, "name": "Ann", "groupIds": [friends]},
            {"phoneNumber": "0048600100201"},
        ],
        "updateExistingContact": True,
    }
    assert program.post(path, several | {"keepExistingGroupsAndCampaigns": "true"}) == 2
    assert (members(old), members(friends)) == ([NUMBER], [NUMBER])
    assert program.post(path, several) == 2
    assert (members(old), members(friends)) == ([], [NUMBER])
    assert Contact.objects.get(phone=NUMBER).name == "Ann"
    assert Contact.objects.get(phone=OTHER).name == ""


def test_one_bad_contact_spoils_them_all(program: Program) -> None:
    for bad in ({"phoneNumber": "+4812"}, {"phoneNumber": OTHER, "groupIds": [999999]}):
        body = {"contacts": [{"phoneNumber": NUMBER}, bad]}
        program.refused(program.call("POST", "contact", body), 400)
        assert not Contact.objects.exists()


def test_groups_are_listed_renamed_and_deleted(program: Program) -> None:
    ids = [group(program, f"Group {n}") for n in range(6)]
    shown = program.get("groups")
    assert (shown["total"], shown["pageSize"]) == (6, 5)
    assert [row["id"] for row in shown["groups"]] == ids[:5]
    assert program.call("PUT", f"group/{ids[0]}", {"name": "New name"}).status_code == 200
    assert program.get("groups")["groups"][0]["name"] == "New name"
    assert program.call("DELETE", f"group/{ids[0]}").status_code == 200
    assert program.get("groups")["total"] == 5
    program.refused(program.call("PUT", f"group/{ids[1]}", {"name": ""}), 400, "name")


def test_a_groups_people_stay_unless_they_are_to_go(program: Program) -> None:
    friends = group(program, "Friends")
    added(program, groupIds=[friends])
    assert program.call("DELETE", f"group/{friends}").status_code == 200
    assert Contact.objects.count() == 1
    friends = group(program, "Friends")
    added(program, groupIds=[friends])
    added(program, phoneNumber=OTHER)
    assert program.call("DELETE", f"group/{friends}", deletecontacts="true").status_code == 200
    assert list(Contact.objects.values_list("phone", flat=True)) == [OTHER]


def test_people_go_into_a_group_and_out_of_it(program: Program) -> None:
    """By id, as documented, and by phone, as a published client does it."""
    friends, contact_id = group(program, "Friends"), added(program)
    path = f"group/{friends}/contact"
    for way_in, way_out in (
        (("POST", f"{path}/{contact_id}", None), f"{path}/{contact_id}"),
        (("PUT", path, {"phoneNumber": NUMBER}), f"{path}/{NUMBER}"),
    ):
        response = program.call(*way_in)
        assert (response.status_code, id_in(response)) == (200, contact_id)
        assert members(friends) == [NUMBER]
        assert program.call("DELETE", way_out).status_code == 200
        assert members(friends) == []


def test_a_phone_number_in_a_body_is_never_somebody_elses_id(
    program: Program, tenant: Tenant
) -> None:
    License.objects.filter(pk=tenant.license.pk).update(allow_short_codes=True)
    friends, anna = group(program, "Friends"), added(program)
    Contact.objects.filter(pk=anna).update(id=600100)
    path = f"group/{friends}/contact"
    program.refused(program.call("POST", path, {"phoneNumber": "600100"}), 404)
    assert members(friends) == []
    assert (
        program.call("POST", path, {"phoneNumber": NUMBER.removeprefix("+48")}).status_code == 200
    )
    assert members(friends) == [NUMBER]


def test_what_is_another_accounts_is_not_there(
    program: Program, api: Api, other_tenant: Tenant
) -> None:
    bob = Program(api, other_tenant)
    bobs_group, bobs_contact = group(bob, "Bob's"), added(bob)
    mine, me = group(program, "Mine"), added(program, phoneNumber=OTHER)
    for method, path in (
        ("GET", f"contact/{bobs_contact}"),
        ("PUT", f"group/{bobs_group}"),
        ("DELETE", f"group/{bobs_group}"),
        ("POST", f"group/{mine}/contact/{bobs_contact}"),
        ("POST", f"group/{bobs_group}/contact/{me}"),
        ("DELETE", f"group/{mine}/contact/{NUMBER}"),
        ("GET", "contact/999999999999999999"),
    ):
        program.refused(program.call(method, path, {"name": "Taken"}), 404)
    response = program.call("POST", "contact", {"phoneNumber": OTHER, "groupIds": [bobs_group]})
    program.refused(response, 400, "groupIds")
    assert ContactGroup.objects.get(pk=bobs_group).name == "Bob's"
    assert program.get("contact")["total"] == 1
    assert [row["name"] for row in program.get("groups")["groups"]] == ["Mine"]
