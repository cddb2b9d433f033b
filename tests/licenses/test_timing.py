"""Known and unknown keys cost the same: what a clock could tell apart is counted here, since a test
that measures would fail on a busy machine. `make bench-keys` measures."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from licenses import keys
from tests.conftest import Api, Phone, Tenant, note_use

UNKNOWN = "ZZZZZZZZZZZZ"


ROUTES_WITH_A_PAIR = ["/api/contacts/groups/", "/api/me/"]


@pytest.fixture
def digests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of key of which a digest was made, in order."""
    made: list[str] = []
    original = keys._digest

    def counted(version: int, kind: Any, value: str) -> str:
        made.append(kind)
        return original(version, kind, value)

    monkeypatch.setattr(keys, "_digest", counted)
    return made


def test_a_licence_key_costs_the_same_known_or_not(
    api: Api, tenant: Tenant, digests: list[str]
) -> None:
    note_use(tenant)
    work = []
    for key in (tenant.keys.license_key, UNKNOWN):
        digests.clear()
        with CaptureQueriesContext(connection) as queries:
            # refused by the fields, so that nothing but the key's check is done for either
            api.post("/api/messages/", {"license__key": key})
        work.append((list(digests), [_shape(query) for query in queries]))
    assert work[0] == work[1]
    assert work[0][0] == ["license_key"]
    assert len(work[0][1]) == 1


@pytest.mark.parametrize("path", ROUTES_WITH_A_PAIR)
def test_every_wrong_pair_of_keys_costs_the_same(
    api: Api, tenant: Tenant, other_tenant: Tenant, digests: list[str], path: str
) -> None:
    disabled = tenant.keys.api_key
    pairs = {
        "unknown licence": (UNKNOWN, tenant.keys.api_key),
        "unknown api_key": (tenant.keys.license_key, UNKNOWN),
        "foreign api_key": (tenant.keys.license_key, other_tenant.keys.api_key),
        "disabled api_key": (tenant.keys.license_key, disabled),
    }
    if path != "/api/me/":  # which goes on to its answer
        pairs["a right one"] = (other_tenant.keys.license_key, other_tenant.keys.api_key)
    tenant.account.api_keys.update(is_active=False)
    note_use(other_tenant)
    work = {}
    for name, (key, api_key) in pairs.items():
        digests.clear()
        with CaptureQueriesContext(connection) as queries:
            if path == "/api/me/":
                api.client.get(path, headers={"X-License-Key": key, "X-Api-Key": api_key})
            else:
                api.post(path, {"key": key, "api_key": api_key})
        work[name] = (list(digests), [_shape(query) for query in queries])
    assert len({str(one) for one in work.values()}) == 1
    assert work["unknown licence"][0] == ["license_key", "api_key"]


def test_a_phones_token_costs_the_same_known_or_not(
    api: Api, phone: Phone, digests: list[str]
) -> None:
    counts = []
    for token in (phone.token, keys.new_token()):
        digests.clear()
        with CaptureQueriesContext(connection) as queries:
            api.post("/companion/sync/", {"capacity": "x"}, Authorization=f"Bearer {token}")
        counts.append((list(digests), len(queries)))
    assert counts == [(["device"], 1)] * 2


def _shape(query: dict[str, str]) -> str:
    """The statement without the digests that it asks for."""
    return query["sql"].partition("WHERE l.key_digest")[0].partition("ARRAY['1$")[0]
