"""GET, PATCH and DELETE /api/contacts/groups/{id}/"""

from __future__ import annotations

from typing import Any

import pytest

from contacts.models import Contact, ContactGroup
from licenses.models import License
from tests.conftest import Tenant, refused
from tests.contacts.conftest import AddressBook


def test_one_is_shown_as_in_the_list(book: AddressBook) -> None:
    one = book.group("VIP")
    shown = book.call("get", f"groups/{one}/")
    assert shown.status_code == 200
    assert [shown.json()] == book.call("get", "groups/").json()["results"]


def test_it_is_renamed_also_to_a_name_that_another_has(book: AddressBook) -> None:
    one, _ = book.group("VIP"), book.group("Newsletter")
    book.save("Jan", "+48600100200", "VIP")
    answer = book.call("patch", f"groups/{one}/", {"name": "Newsletter"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Newsletter")
    assert answer.json() == book.call("get", f"groups/{one}/").json()
    assert book.names("contacts/", group=one) == ["Jan"]
    assert book.names("groups/") == ["Newsletter", "Newsletter"]


@pytest.mark.parametrize("name", [None, "", " ", "x" * 256, [], 1.5, "absent"])
def test_a_wrong_name_changes_nothing(book: AddressBook, name: Any) -> None:
    one = book.group("VIP")
    body = {} if name == "absent" else {"name": name}
    refused(book.call("patch", f"groups/{one}/", body), 400, "invalid", "name")
    assert book.names("groups/") == ["VIP"]


def test_a_deleted_group_leaves_its_contacts(book: AddressBook) -> None:
    book.save("Jan", "+48600100200", "VIP", "Newsletter")
    one = book.group("VIP")
    answer = book.call("delete", f"groups/{one}/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert Contact.objects.get().groups.get().name == "Newsletter"
    assert ContactGroup.objects.count() == 1
    for method, body in (("get", {}), ("patch", {"name": "x"}), ("delete", {})):
        refused(book.call(method, f"groups/{one}/", body), 404, "not_found")


def test_a_key_without_the_scope_neither_reads_nor_changes(
    book: AddressBook, tenant: Tenant
) -> None:
    one = book.group("VIP")
    License.objects.filter(pk=tenant.keys.license_id).update(scopes="send read inbox manage")
    for method, path in (
        ("get", "groups/"), ("get", f"groups/{one}/"), ("patch", f"groups/{one}/"),
        ("delete", f"groups/{one}/"),
    ):  # fmt: skip
        refused(book.call(method, path), 403, "scope_missing")
