"""GET /api/me/"""

from __future__ import annotations

from typing import Any

import pytest

from licenses import services
from licenses.models import Device
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone, refused

URL = "/api/me/"


def test_it_shows_account_licence_allowance_and_phones(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    tenant.set_rules(max_daily_sms=5, sending_hours="08:00-20:30", valid_until="2026-12-31")
    health = {"health": {"battery": 87}}
    assert api.post("/companion/sync/", health, **phone.headers).status_code == 200
    api.post("/api/messages/", tenant.message("today"))
    api.post("/api/messages/", tenant.message("later", send_after="2026-04-10T09:00:00"))
    for path in (URL, "/api/me"):
        response = api.get(path, tenant)
        assert response.status_code == 200
        assert response.json() == {
            "account": {
                "id": tenant.keys.account_id,
                "name": "Alice",
                "country": "PL",
                "time_zone": "Europe/Warsaw",
                "sending_hours": "08:00-20:30",
                "valid_until": "2026-12-31",
                "max_age_hours": 72,
            },
            "license": {"id": tenant.keys.license_id, "scopes": None},
            "max_daily_sms": 5,
            "remaining_today": 4,
            "devices": [
                {
                    "id": phone.device.pk,
                    "name": "Pixel",
                    "last_sync_at": "2026-04-09T14:32:00Z",
                    "is_silent": False,
                    "is_paused": False,
                    "failing_sims": [],
                    "battery": 87,
                }
            ],
        }


def test_a_new_account_has_no_limits_and_no_phones(api: Api, tenant: Tenant) -> None:
    shown = api.get(URL, tenant).json()
    assert shown["account"]["sending_hours"] is None
    assert shown["account"]["valid_until"] is None
    assert (shown["max_daily_sms"], shown["remaining_today"]) == (None, None)
    assert shown["devices"] == []


def test_a_phone_that_never_synced_is_shown(api: Api, tenant: Tenant, phone: Phone) -> None:
    [device] = api.get(URL, tenant).json()["devices"]
    assert (device["last_sync_at"], device["battery"]) == (None, None)


def test_revoked_phones_and_those_of_other_licences_are_not_shown(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone
) -> None:
    pair_phone(other_tenant)
    services.revoke(pair_phone(tenant, "install-2").device)
    second, key = services.add_license(tenant.account)
    Device.objects.create(license=second, name="x", install_id="i", token_digest="1$x")
    assert [device["id"] for device in api.get(URL, tenant).json()["devices"]] == [phone.device.pk]
    shown = api.client.get(URL, headers={"X-License-Key": key}).json()
    assert shown["license"]["id"] == second.pk
    assert shown["account"]["id"] == tenant.keys.account_id


@pytest.mark.parametrize(("limit", "left"), [(0, 0), (1, 0), (2, 1), (None, None)])
def test_what_remains_is_never_below_nothing(
    api: Api, tenant: Tenant, limit: int | None, left: int | None
) -> None:
    tenant.set_rules(max_daily_sms=10)
    api.post("/api/messages/", tenant.message())
    tenant.set_rules(max_daily_sms=limit)
    assert api.get(URL, tenant).json()["remaining_today"] == left


def test_the_allowance_is_new_on_the_accounts_next_day(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    tenant.set_rules(max_daily_sms=1)
    api.post("/api/messages/", tenant.message())
    manual_clock.advance(hours=7, minutes=27)  # 23:59 in Warsaw
    assert api.get(URL, tenant).json()["remaining_today"] == 0
    manual_clock.advance(minutes=1)
    assert api.get(URL, tenant).json()["remaining_today"] == 1


def test_it_is_cheap(api: Api, tenant: Tenant, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(4):
        api.get(URL, tenant)


def test_it_takes_no_key_pair(api: Api, tenant: Tenant) -> None:
    refused(api.client.get(URL, headers={"X-Api-Key": tenant.keys.api_key}), 400, "invalid",
            "license__key")  # fmt: skip


def test_an_api_key_that_is_sent_is_checked(api: Api, tenant: Tenant, other_tenant: Tenant) -> None:
    def asked(license_key: str, api_key: str) -> Any:
        return api.client.get(URL, headers={"X-License-Key": license_key, "X-Api-Key": api_key})

    assert asked(tenant.keys.license_key, tenant.keys.api_key).status_code == 200
    for api_key in ("ZZZZZZZZZZZZ", other_tenant.keys.api_key):
        refused(asked(tenant.keys.license_key, api_key), 401, "invalid_key")
    refused(asked("ZZZZZZZZZZZZ", tenant.keys.api_key), 401, "invalid_key")
    refused(asked(tenant.keys.license_key, "short"), 400, "invalid", "api_key")
    refused(asked("", tenant.keys.api_key), 400, "invalid", "license__key")
    tenant.account.api_keys.update(is_active=False)
    refused(asked(tenant.keys.license_key, tenant.keys.api_key), 401, "invalid_key")


def test_it_shows_what_the_key_may_do(api: Api, tenant: Tenant) -> None:
    services.set_scopes(tenant.license, "read send")
    assert api.get(URL, tenant).json()["license"]["scopes"] == ["send", "read"]
