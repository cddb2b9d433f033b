"""GET /api/contacts/groups/"""

from __future__ import annotations

import pytest

from tests.conftest import ManualClock, refused
from tests.contacts.conftest import AddressBook


def test_it_shows_the_accounts_groups_newest_first(
    book: AddressBook, others_book: AddressBook, manual_clock: ManualClock
) -> None:
    first, second = book.group("VIP"), book.group("Newsletter")
    others_book.group("Theirs")
    user = book.tenant.account.user_id
    for path in ("groups/", "groups"):
        assert book.call("get", path).json() == {
            "next": None,
            "results": [
                {"id": pk, "name": name, "created_by": user, "created_at": "2026-04-09T14:32:00Z"}
                for pk, name in ((second, "Newsletter"), (first, "VIP"))
            ],
        }


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("vip", ["Żółty VIP", "VIP"]), ("ŻÓŁ", ["Żółty VIP"]), ("news", ["Newsletter"]), ("x", []),
        ("", ["Żółty VIP", "Newsletter", "VIP"]),
    ],
)  # fmt: skip
def test_it_is_searched_by_a_part_of_the_name(
    book: AddressBook, search: str, names: list[str]
) -> None:
    for name in ("VIP", "Newsletter", "Żółty VIP"):
        book.group(name)
    assert book.names("groups/", search=search) == names


def test_it_has_pages(book: AddressBook) -> None:
    for number in range(3):
        book.group(f"Group {number}")
    first = book.call("get", "groups/", limit=2, search="group").json()
    assert [row["name"] for row in first["results"]] == ["Group 2", "Group 1"]
    assert "search=group" in first["next"]
    cursor = first["results"][-1]["id"]
    assert book.names("groups/", cursor=cursor, search="group") == ["Group 0"]


def test_a_wrong_parameter_is_refused(book: AddressBook) -> None:
    refused(book.call("get", "groups/", name="VIP"), 400, "invalid", "name")
    refused(book.call("get", "groups/", search="x" * 256), 400, "invalid", "search")
