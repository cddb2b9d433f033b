"""GET /api/contacts/contacts/"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Tenant, refused
from tests.contacts.conftest import AddressBook
from tests.support.plans import Plans

URL = "/api/contacts/contacts/"


def test_it_shows_each_contact_with_its_groups_and_whether_it_has_opted_out(
    book: AddressBook, tenant: Tenant, manual_clock: ManualClock
) -> None:
    anna = book.save("Anna Nowak", "+48600100201", "VIP", "Newsletter")
    jan = book.save("Jan", "+48600100202")
    opt_outs.opt_out(tenant.keys.account_id, "+48600100202", opt_outs.Source.SMS)
    for path in ("contacts/", "contacts"):
        assert book.call("get", path).json() == {
            "next": None,
            "results": [
                {
                    "id": jan,
                    "name": "Jan",
                    "phone": "+48600100202",
                    "groups": [],
                    "fields": {},
                    "consent": None,
                    "opted_out": True,
                    "created_at": "2026-04-09T14:32:00Z",
                },
                {
                    "id": anna,
                    "name": "Anna Nowak",
                    "phone": "+48600100201",
                    "groups": [
                        {"id": book.group("VIP"), "name": "VIP"},
                        {"id": book.group("Newsletter"), "name": "Newsletter"},
                    ],
                    "fields": {},
                    "consent": None,
                    "opted_out": False,
                    "created_at": "2026-04-09T14:32:00Z",
                },
            ],
        }


def test_anothers_opt_out_is_not_shown(book: AddressBook, other_tenant: Tenant) -> None:
    book.save("Jan", "+48600100202")
    opt_outs.opt_out(other_tenant.keys.account_id, "+48600100202", opt_outs.Source.SMS)
    assert book.call("get", "contacts/").json()["results"][0]["opted_out"] is False


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"search": "anna"}, ["Anna Nowak"]),
        ({"search": "NOWA"}, ["Zażółć Nowak", "Anna Nowak"]),
        ({"search": "ZAŻÓŁĆ"}, ["Zażółć Nowak"]),
        ({"search": "600 100-2"}, ["Zażółć Nowak", "100% Jan", "Anna Nowak"]),
        ({"search": "+48600100202"}, ["100% Jan"]),
        ({"search": "100"}, ["Zażółć Nowak", "100% Jan", "Anna Nowak"]),
        ({"search": "0%"}, ["100% Jan"]),
        ({"search": "_"}, []),
        ({"search": ".*"}, []),
        ({"search": "(\\d"}, []),
        ({"search": "a\u0142\n"}, []),
        ({"search": "nobody"}, []),
        ({"search": "ż" * 255}, []),
        ({"search": ""}, ["Zażółć Nowak", "100% Jan", "Anna Nowak"]),
        ({"phone": "+48600100202"}, ["100% Jan"]),
        ({"phone": " 48600100202"}, ["100% Jan"]),
        ({"phone": "600 100 202"}, ["100% Jan"]),
        ({"phone": "600 100 209"}, []),
        ({"group": "VIP"}, ["Zażółć Nowak", "Anna Nowak"]),
        ({"group": "VIP", "search": "anna"}, ["Anna Nowak"]),
        ({"group": "VIP", "phone": "600100202"}, []),
        ({"group": "Empty"}, []),
    ],
)
def test_it_shows_what_is_asked_for(
    book: AddressBook, others_book: AddressBook, query: dict[str, str], names: list[str]
) -> None:
    book.save("Anna Nowak", "+48600100201", "VIP")
    book.save("100% Jan", "+48600100202", "Newsletter")
    book.save("Zażółć Nowak", "+48600100203", "VIP", "Newsletter")
    others_book.save("Anna Nowak", "+48600100201", "VIP")
    if "group" in query:
        query = query | {"group": str(book.group(query["group"]))}
    assert book.names("contacts/", **query) == names


def test_anothers_group_shows_nobody(book: AddressBook, others_book: AddressBook) -> None:
    book.save("Anna", "+48600100201", "VIP")
    others_book.save("Bert", "+48600100201", "VIP")
    assert book.names("contacts/", group=others_book.group("VIP")) == []


def followed(book: AddressBook, **query: Any) -> list[list[str]]:
    """The names of each page, up to the last."""
    answer, pages = book.call("get", "contacts/", **query).json(), []
    while True:
        pages.append([row["name"] for row in answer["results"]])
        if answer["next"] is None:
            return pages
        url = urlsplit(answer["next"])
        headers = book.tenant.pair_headers
        answer = book.api.client.get(f"{url.path}?{url.query}", headers=headers).json()


def test_pages_lead_to_all_and_keep_to_what_was_asked_for(book: AddressBook) -> None:
    for number in range(5):
        book.save(f"VIP {number}", f"+4860010020{number}", "VIP")
        book.save(f"guest {number}", f"+4860010021{number}", "Guests")
    vip = book.group("VIP")
    assert followed(book, limit=3, group=vip) == [["VIP 4", "VIP 3", "VIP 2"], ["VIP 1", "VIP 0"]]
    assert followed(book, limit=4, search="guest") == [
        ["guest 4", "guest 3", "guest 2", "guest 1"], ["guest 0"],
    ]  # fmt: skip
    assert sum(map(len, followed(book, limit=3))) == 10


def test_a_search_looks_at_so_many_a_page_and_finds_all(
    book: AddressBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("http_api.pagination.MOST", 3)
    for number in range(7):
        book.save("Rare" if number == 1 else "Common", f"+4860010020{number}", "All")
    assert followed(book, search="rare") == [[], ["Rare"], []]
    assert followed(book, search="rare", group=book.group("All")) == [[], ["Rare"], []]


def test_a_page_takes_as_many_queries_however_many_it_shows(book: AddressBook) -> None:
    counts = []
    for number in range(6):
        book.save(f"Jan {number}", f"+4860010020{number}", "VIP", f"Group {number}")
        if number in {0, 5}:
            with CaptureQueriesContext(connection) as queries:
                book.call("get", "contacts/")
            counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_page_of_a_group_reads_its_members_alone(book: AddressBook) -> None:
    """However many are in the group, in others or in none, and however deep the page is."""
    large, small = book.group("Large"), book.group("Small")
    account = book.tenant.keys.account_id
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_contact (account_id, phone, name, created_at)"
            " SELECT %s, '+48' || 600000000 + n, 'Jan', now() FROM generate_series(1, 20000) AS n",
            [account],
        )
        cursor.execute("SELECT min(id) FROM contacts_contact")
        [first] = cursor.fetchone()
        cursor.execute(
            "INSERT INTO contacts_contact_groups (account_id, contact_id, contactgroup_id)"
            " SELECT account_id, id, CASE WHEN id < %s THEN %s ELSE %s END FROM contacts_contact",
            [first + 10, small, large],
        )
        cursor.execute("ANALYZE contacts_contact; ANALYZE contacts_contact_groups")
    plans = Plans({})
    with connection.execute_wrapper(plans):
        for query in ({"group": small}, {"group": large}, {"group": large, "cursor": first + 5000}):
            plans.asked_by = str(query)
            assert len(book.names("contacts/", **query)) == (10 if query["group"] == small else 100)
    assert plans.faults == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("search", "x" * 256), ("phone", "x"), ("group", "VIP"), ("group", "0"), ("limit", "501"),
        ("name", "Jan"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused(book: AddressBook, name: str, value: str) -> None:
    refused(book.call("get", "contacts/", **{name: value}), 400, "invalid", name)


def test_both_keys_are_asked_for_in_headers(api: Api, tenant: Tenant) -> None:
    refused(api.get(URL, tenant), 400, "invalid", "api_key")
    wrong = tenant.pair_headers | {"X-Api-Key": "WRONGWRONGKE"}
    refused(api.client.get(URL, headers=wrong), 401, "invalid_key")
