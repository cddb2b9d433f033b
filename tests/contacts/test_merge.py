"""POST …/contacts/delete/, …/contacts/{id}/merge/ and …/groups/{id}/merge/"""

from __future__ import annotations

import pytest

from contacts.models import Contact, ContactGroup
from licenses import tokens
from tests.conftest import Tenant, refused
from tests.contacts.conftest import AddressBook

pytestmark = pytest.mark.django_db


def test_a_contact_gets_what_it_lacks_and_keeps_its_number(
    book: AddressBook, others_book: AddressBook
) -> None:
    one, other = book.save("Jan", "+48600100200", "VIP"), book.save("Jan N", "+48600100201", "Old")
    book.call("patch", f"contacts/{one}/", {"fields": {"city": "A"}})
    change = {"fields": {"city": "B", "street": "C"}, "consent_note": "form"}
    book.call("patch", f"contacts/{other}/", change)
    theirs = others_book.save("Bob", "+48600100202")
    merged = book.call("post", f"contacts/{one}/merge/", {"ids": [other, one, theirs]})
    assert merged.status_code == 200, merged.content
    shown = merged.json()
    assert (shown["name"], shown["phone"]) == ("Jan", "+48600100200")
    assert shown["fields"] == {"city": "A", "street": "C"}
    assert [group["name"] for group in shown["groups"]] == ["VIP", "Old"]
    assert shown["consent"]["note"] == "form"
    assert set(Contact.objects.values_list("pk", flat=True)) == {one, theirs}


def test_too_many_fields_merge_nothing(book: AddressBook) -> None:
    one, other = book.save("Jan", "+48600100200"), book.save("Jan", "+48600100201")
    for contact, letter in ((one, "a"), (other, "b")):
        fields = {f"{letter}{number}": "x" for number in range(11)}
        book.call("patch", f"contacts/{contact}/", {"fields": fields})
    answer = book.call("post", f"contacts/{one}/merge/", {"ids": [other]})
    refused(answer, 400, "invalid", "fields")
    assert Contact.objects.count() == 2


def test_many_are_deleted_and_nobody_elses(book: AddressBook, others_book: AddressBook) -> None:
    mine = [book.save("Jan", f"+4860010020{n}", "VIP") for n in range(3)]
    theirs = others_book.save("Bob", "+48600100202")
    answer = book.call("post", "contacts/delete/", {"ids": [*mine[:2], theirs]})
    assert answer.json() == {"deleted_count": 2}
    assert set(Contact.objects.values_list("pk", flat=True)) == {mine[2], theirs}
    refused(book.call("post", "contacts/delete/", {"ids": []}), 400, "invalid", "ids")


def test_a_group_takes_in_the_others_people(
    book: AddressBook, others_book: AddressBook, tenant: Tenant
) -> None:
    both = book.save("Jan", "+48600100200", "VIP", "Old")
    old = book.save("Ola", "+48600100201", "Old")
    vip, group, theirs = book.group("VIP"), book.group("Old"), others_book.group("Old")
    assert book.call("post", f"groups/{vip}/merge/", {"ids": [group, theirs]}).status_code == 200
    assert set(ContactGroup.objects.get(pk=vip).contacts.values_list("pk", flat=True)) == {
        both,
        old,
    }
    assert set(ContactGroup.objects.values_list("pk", flat=True)) == {vip, theirs}
    alerted = book.group("Alerted")
    tokens.new_hook(tenant.license, group_id=alerted)
    refused(book.call("post", f"groups/{vip}/merge/", {"ids": [alerted]}), 409, "conflict")
    assert ContactGroup.objects.filter(pk=alerted).exists()
