"""A key is looked up once a second by a statement that is prepared once a connection; what its operator
changes is in force after that."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection

from http_api.errors import ApiError
from licenses import lookup, tokens
from tests.conftest import Api, ManualClock, Tenant, refused

URL = "/api/me/"


@pytest.fixture(autouse=True)
def _memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "CACHE_TIME", dt.timedelta(seconds=1))
    monkeypatch.setattr(lookup, "_cache", {})


def deactivate(tenant: Tenant) -> None:
    license = tenant.license
    license.is_active = False
    license.save()


def test_a_second_request_asks_nothing_about_its_key(
    api: Api, tenant: Tenant, manual_clock: ManualClock, django_assert_num_queries: Any
) -> None:
    lookup.sender_by_license_key(tenant.keys.license_key)
    with django_assert_num_queries(0):
        lookup.sender_by_license_key(tenant.keys.license_key)


def test_a_change_is_in_force_a_second_later(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    assert api.get(URL, tenant).status_code == 200
    deactivate(tenant)
    manual_clock.advance(seconds=1)
    refused(api.get(URL, tenant), 403, "license_inactive")


@pytest.mark.django_db(transaction=True)
def test_a_token_that_was_voided_is_out_at_once_also_while_it_is_in_use(
    tenant: Tenant, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = tokens.Kind.ACCESS
    value = tokens.issue(kind, tenant.keys.license_id)
    forget = lookup.clear_cache

    def forget_and_be_asked_again() -> None:
        forget()
        with suppress(ApiError):
            lookup.sender_by_issued_token(kind, value)

    monkeypatch.setattr(lookup, "clear_cache", forget_and_be_asked_again)
    lookup.sender_by_issued_token(kind, value)
    assert tokens.consume(kind, value)
    with pytest.raises(ApiError):
        lookup.sender_by_issued_token(kind, value)


def test_a_clock_that_was_set_back_keeps_no_key_alive(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    assert api.get(URL, tenant).status_code == 200
    deactivate(tenant)
    manual_clock.advance(seconds=-3600)
    refused(api.get(URL, tenant), 403, "license_inactive")


def test_a_key_made_a_moment_after_it_was_tried_is_known(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    key, license = tenant.keys.license_key, tenant.license
    digest, license.key_digest = license.key_digest, "0" * len(license.key_digest)
    license.save()
    assert api.get(URL, tenant).status_code == 401
    license.key_digest = digest
    license.save()
    assert lookup.sender_by_license_key(key).license_id == license.pk


def test_what_is_remembered_has_bounds(
    tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "_CACHE_SIZE", 1)
    for one in (tenant, other_tenant, tenant):
        assert lookup.sender_by_license_key(one.keys.license_key).license_id == one.license.pk
        assert len(lookup._cache) == 1


def test_of_a_wrong_key_nothing_is_remembered(
    tenant: Tenant, manual_clock: ManualClock, django_assert_num_queries: Any
) -> None:
    """Else the second try would tell a licence that exists, by its time, from one that does not."""
    for key in (tenant.keys.license_key, "NOTAKNOWNKEY"):
        for _ in range(2):
            with django_assert_num_queries(1), pytest.raises(ApiError):
                lookup.sender_by_key_pair(key, "NOTANAPIKEY2")


def test_a_column_that_is_made_longer_meanwhile_stops_nobody(tenant: Tenant) -> None:
    """Another web process may have migrated: a prepared statement's result must keep its types."""
    kind = tokens.Kind.ACCESS
    token = tokens.issue(kind, tenant.keys.license_id)
    for _ in range(2):
        lookup.clear_cache()
        assert lookup.sender_by_license_key(tenant.keys.license_key).country == "PL"
        assert lookup.sender_by_issued_token(kind, token).country == "PL"
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table, column in (
                ("account", "country"),
                ("account", "time_zone"),
                ("token", "scopes"),
            ):
                cursor.execute(f"ALTER TABLE licenses_{table} ALTER {column} TYPE varchar(1500)")
