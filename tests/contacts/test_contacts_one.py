"""GET, PATCH and DELETE /api/contacts/contacts/{id}/"""

from __future__ import annotations

from typing import Any

import pytest

from contacts.models import Contact, ContactGroup, Membership
from licenses.models import License
from messaging.models import Message, OptOut
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Tenant, refused
from tests.contacts.conftest import AddressBook

NUMBER = "+48600100200"


def test_one_is_shown_as_in_the_list(book: AddressBook) -> None:
    one = book.save("Jan", NUMBER, "VIP")
    shown = book.call("get", f"contacts/{one}/")
    assert shown.status_code == 200
    assert [shown.json()] == book.call("get", "contacts/").json()["results"]


@pytest.mark.parametrize(
    ("change", "name", "phone"),
    [
        ({}, "Jan", NUMBER),
        ({"name": "Jan Nowak"}, "Jan Nowak", NUMBER),
        ({"phone": "600 100 201"}, "Jan", "+48600100201"),
        ({"phone": NUMBER}, "Jan", NUMBER),
        ({"name": "Ola", "phone": "+4915112345678"}, "Ola", "+4915112345678"),
        ({"name": None, "phone": "", "group_ids": None, "unknown": 1}, "Jan", NUMBER),
    ],
)
def test_what_is_given_is_changed_and_the_rest_stays(
    book: AddressBook, change: dict[str, Any], name: str, phone: str
) -> None:
    one = book.save("Jan", NUMBER, "VIP")
    answer = book.call("patch", f"contacts/{one}/", change)
    assert answer.status_code == 200, answer.content
    assert answer.json() == book.call("get", f"contacts/{one}/").json()
    assert (answer.json()["name"], answer.json()["phone"]) == (name, phone)
    assert [group["name"] for group in answer.json()["groups"]] == ["VIP"]
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(
    "names", [[], ["VIP"], ["Newsletter"], ["VIP", "Newsletter"], ["VIP", "VIP"]]
)
def test_it_is_in_the_groups_that_are_named_and_in_no_other(
    book: AddressBook, names: list[str]
) -> None:
    ids = {name: book.group(name) for name in ("VIP", "Old", "Newsletter")}
    one, other = book.save("Jan", NUMBER, "VIP", "Old"), book.save("Ola", "+48600100201", "Old")
    answer = book.call("patch", f"contacts/{one}/", {"group_ids": [ids[name] for name in names]})
    assert [group["name"] for group in answer.json()["groups"]] == list(dict.fromkeys(names))
    assert [group["name"] for group in book.call("get", f"contacts/{other}/").json()["groups"]] == [
        "Old"
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 256), ("phone", "x"), ("phone", "7255"), ("group_ids", "VIP"),
        ("group_ids", [0]), ("group_ids", list(range(1, 202))),
    ],
)  # fmt: skip
def test_a_wrong_field_changes_nothing(book: AddressBook, field: str, value: Any) -> None:
    one = book.save("Jan", NUMBER, "VIP")
    before = book.call("get", f"contacts/{one}/").json()
    change = {"name": "Other", field: value}
    refused(book.call("patch", f"contacts/{one}/", change), 400, "invalid", field)
    assert book.call("get", f"contacts/{one}/").json() == before


def test_anothers_group_is_unknown_and_nothing_is_changed(
    book: AddressBook, others_book: AddressBook
) -> None:
    one = book.save("Jan", NUMBER, "VIP")
    change = {"name": "Other", "group_ids": [book.group("VIP"), others_book.group("VIP")]}
    body = refused(book.call("patch", f"contacts/{one}/", change), 400, "invalid", "group_ids")
    assert body["message"] == "group_ids: 1 of these groups do not exist"
    assert book.names("contacts/") == ["Jan"]


def test_a_number_that_another_contact_has_is_refused_with_that_ones_id(
    book: AddressBook, others_book: AddressBook
) -> None:
    one, taken = book.save("Jan", NUMBER), book.save("Ola", "+48600100201")
    others_book.save("Bert", "+48600100202")
    change = {"phone": "600100201"}
    body = refused(book.call("patch", f"contacts/{one}/", change), 409, "conflict", "phone")
    assert body["message"].endswith(f"its id is {taken}")
    assert book.call("patch", f"contacts/{one}/", {"phone": "600100202"}).status_code == 200


def test_an_opt_out_is_the_numbers_and_not_the_contacts(book: AddressBook, tenant: Tenant) -> None:
    one = book.save("Jan", NUMBER)
    opt_outs.opt_out(tenant.keys.account_id, NUMBER, opt_outs.Source.SMS)
    moved = book.call("patch", f"contacts/{one}/", {"phone": "+48600100201"}).json()
    assert moved["opted_out"] is False
    assert OptOut.objects.get().phone == NUMBER
    back = book.call("patch", f"contacts/{one}/", {"phone": NUMBER}).json()
    assert back["opted_out"] is True


def test_a_deleted_contact_leaves_its_messages_and_its_opt_out(
    book: AddressBook, api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    other = book.save("Ola", "+48600100201", "VIP")
    body = tenant.with_keys(
        name="Jan", phone=NUMBER, group_name="VIP", message="Hi {name}",
        send_after="2026-04-10T09:00:00",
    )  # fmt: skip
    one = api.post("/api/contacts/contacts/", body).json()["id"]
    opt_outs.opt_out(tenant.keys.account_id, "+48600100209", opt_outs.Source.API)
    answer = book.call("delete", f"contacts/{one}/")
    assert (answer.status_code, answer.content) == (204, b"")
    message = Message.objects.get()
    assert (message.text, message.phone, message.status) == ("Hi Jan", NUMBER, "scheduled")
    assert OptOut.objects.count() == 1
    assert list(Membership.objects.values_list("contact", flat=True)) == [other]
    assert ContactGroup.objects.count() == 1
    for method in ("get", "patch", "delete"):
        refused(book.call(method, f"contacts/{one}/"), 404, "not_found")


def test_who_opted_out_and_was_deleted_is_sent_nothing_when_saved_again(
    book: AddressBook, api: Api, tenant: Tenant
) -> None:
    one = book.save("Jan", NUMBER)
    opt_outs.opt_out(tenant.keys.account_id, NUMBER, opt_outs.Source.SMS)
    book.call("delete", f"contacts/{one}/")
    again = book.save("Jan", NUMBER)
    assert again != one
    assert book.call("get", f"contacts/{again}/").json()["opted_out"] is True
    refused(api.post("/api/messages/", tenant.message(phone=NUMBER)), 400, "opted_out", "phone")


def test_a_repeated_request_gets_the_first_answer(book: AddressBook, api: Api) -> None:
    one = book.save("Jan", NUMBER)
    headers = book.tenant.pair_headers | {"Idempotency-Key": "k"}
    answers = [
        api.client.delete(f"/api/contacts/contacts/{one}/", headers=headers) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert answers[1]["Idempotent-Replayed"] == "true"


def test_keys_may_stand_in_the_body(api: Api, tenant: Tenant, book: AddressBook) -> None:
    one = f"/api/contacts/contacts/{book.save('Jan', NUMBER)}/"
    body = tenant.with_keys(name="Ola")
    assert api.client.patch(one, body, "application/json").json()["name"] == "Ola"
    assert api.client.delete(one, tenant.with_keys(), "application/json").status_code == 204


def test_a_key_without_the_scope_neither_reads_nor_changes(
    book: AddressBook, tenant: Tenant
) -> None:
    one = book.save("Jan", NUMBER)
    License.objects.filter(pk=tenant.keys.license_id).update(scopes="send read inbox manage")
    for method, path in (
        ("get", "contacts/"), ("get", f"contacts/{one}/"), ("patch", f"contacts/{one}/"),
        ("delete", f"contacts/{one}/"),
    ):  # fmt: skip
        body = refused(book.call(method, path), 403, "scope_missing")
        assert "`contacts`" in body["message"]


def test_no_other_method_is_taken(book: AddressBook) -> None:
    assert book.call("put", f"contacts/{book.save('Jan', NUMBER)}/").status_code == 405
