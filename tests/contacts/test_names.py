"""A contact is found by how the name begins, or its last word: few, and nobody else's."""

from __future__ import annotations

import pytest

from contacts import selectors
from contacts.models import Contact
from http_api import clock
from tests.conftest import Tenant

pytestmark = pytest.mark.django_db


def known(tenant: Tenant, *names: str) -> None:
    first = Contact.objects.count()
    Contact.objects.bulk_create(
        Contact(
            account=tenant.account, name=name, phone=f"+48600{number:06}", created_at=clock.now()
        )
        for number, name in enumerate(names, first)
    )


def found(tenant: Tenant, text: str) -> list[str]:
    return [contact.name for contact in selectors.named_like(tenant.account.pk, text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("jan", ["Jan Kowalski", "Janina Żółw"]),
        ("KOWAL", ["Anna Maria Kowalska", "Jan Kowalski"]),
        ("  jan   kow ", ["Jan Kowalski"]),
        ("zol", ["Janina Żółw"]),
        ("ŻÓŁ", ["Janina Żółw"]),
        ("łódź", ["łódź"]),
        ("maria", []),  # a word in the middle
        ("j", []),  # too short
        ("ja%", []),
        ("żż", []),
    ],
)
def test_a_name_is_found_by_its_beginning_or_its_last_word(
    tenant: Tenant, other_tenant: Tenant, text: str, names: list[str]
) -> None:
    known(tenant, "Jan Kowalski", "Janina Żółw", "Anna Maria Kowalska", "łódź", "")
    known(other_tenant, "Jan Kowalski of others")
    assert found(tenant, text) == names


def test_of_one_name_only_so_many_are_found(tenant: Tenant) -> None:
    known(tenant, *(f"Jan {number}" for number in range(selectors.MOST_NAMED + 5)))
    assert len(found(tenant, "jan")) == selectors.MOST_NAMED


def test_names_are_of_the_accounts_own_contacts(tenant: Tenant, other_tenant: Tenant) -> None:
    known(tenant, "Jan", "")
    known(other_tenant, "Theirs")
    phones = list(Contact.objects.order_by("pk").values_list("phone", flat=True))
    assert selectors.names_of(tenant.account.pk, phones) == {phones[0]: "Jan"}
