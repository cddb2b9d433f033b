"""The console's lists of contacts read no more than they show, however many contacts there are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from contacts import selectors
from contacts.models import ContactGroup
from http_api.pagination import MOST
from tests.conftest import Tenant
from tests.console.conftest import logged_in, person
from tests.support.plans import Reading

pytestmark = pytest.mark.django_db

ROWS = 1_000_000
_FILL = """
    INSERT INTO contacts_contact (account_id, phone, name, created_at)
    SELECT account, '+48' || 500000000 + n,
        'Jan' || mod(n, 1000) || ' Kowalski' || mod(n, 997), now()
    FROM generate_series(1, %(rows)s) AS n, unnest(%(accounts)s) AS account ORDER BY n
"""


@pytest.fixture
def account(tenant: Tenant, other_tenant: Tenant, request: pytest.FixtureRequest) -> Tenant:
    """One with very many contacts, in a database where another has as many again."""
    rows = getattr(request, "param", 40_000)
    with connection.cursor() as cursor:
        accounts = [one.account.pk for one in (tenant, other_tenant)]
        cursor.execute(_FILL, {"accounts": accounts, "rows": rows // 2})
        cursor.execute("ANALYZE contacts_contact")
        cursor.execute("SET LOCAL enable_seqscan = off")  # it pays while the tables are small
    return tenant


def read_rows(work: Callable[[], object]) -> float:
    reading = Reading()
    with connection.execute_wrapper(reading):
        work()
    return reading.rows


@pytest.mark.parametrize(
    "account", [40_000, pytest.param(ROWS, marks=pytest.mark.slow)], indirect=True
)
@pytest.mark.parametrize(
    "text",
    ["jan", "jan77 kow", "kowalski9", "500 0", "+48500", "4850000123", "nobody", "999999999"],
)
def test_what_begins_so_is_found_by_an_index(account: Tenant, text: str) -> None:
    found: list[object] = []
    rows = read_rows(lambda: found.extend(selectors.found_like(account.account.pk, text, "PL")))
    assert bool(found) == (text not in {"nobody", "999999999"})
    assert rows <= 12 * selectors.MOST_NAMED, rows


@pytest.mark.parametrize("of", ["", "none", "opted_out"])
def test_a_list_walks_to_its_bound_and_no_further(account: Tenant, of: str) -> None:
    ContactGroup.objects.create(account=account.account, name="VIP")
    operator: Client = logged_in(person("piotr", account))
    rows = read_rows(lambda: operator.get("/console/contacts/", {"of": of}))
    assert rows <= (5 * MOST if of else 1_000), rows
