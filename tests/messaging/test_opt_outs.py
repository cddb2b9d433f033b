"""GET and POST /api/opt-outs/, DELETE /api/opt-outs/{phone}/"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from licenses.models import License
from messaging.models import Message, OptOut
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Phone, Tenant, refused

URL = "/api/opt-outs/"


def opted_out(api: Api, tenant: Tenant, phone: Any = "+48123456789") -> Any:
    return api.post(URL, {"license__key": tenant.keys.license_key, "phone": phone})


def test_it_opts_a_number_out_once(api: Api, tenant: Tenant, manual_clock: ManualClock) -> None:
    shown = {"phone": "+48123456789", "source": "api", "created_at": "2026-04-09T14:32:00Z"}
    response = opted_out(api, tenant, "123 456 789")
    assert (response.status_code, response.json()) == (201, shown)
    manual_clock.advance(hours=1)
    response = opted_out(api, tenant)
    assert (response.status_code, response.json()) == (200, shown)
    assert api.get(URL, tenant).json() == {"next": None, "results": [shown]}
    assert api.get("/api/opt-outs", tenant).json()["results"] == [shown]


def test_it_takes_the_key_in_a_header_and_a_form_as_the_body(api: Api, tenant: Tenant) -> None:
    assert api.post(URL, {"phone": "+48600100200"}, **tenant.headers).status_code == 201
    body = urlencode({"license__key": tenant.keys.license_key}) + "&phone=+48600100201"
    response = api.raw(URL, body, "application/x-www-form-urlencoded")
    assert response.json()["phone"] == "+48600100201"


def test_what_waits_for_the_number_is_cancelled(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone
) -> None:
    api.post("/api/messages/", tenant.message("held"))
    api.post("/companion/sync/", {"claim_id": "0" * 32, "capacity": 1}, **phone.headers)
    later = {"send_after": "2099-01-01T10:00:00"}
    api.post("/api/messages/", tenant.message("now"))
    api.post("/api/messages/", tenant.message("later", **later))
    api.post("/api/messages/", tenant.message("other number", phone="+48600100200"))
    api.post("/api/messages/", other_tenant.message("other account"))
    opted_out(api, tenant)
    rows = Message.objects.order_by("pk").values_list(
        "external_id", "status", "failure_reason", "cancel_requested"
    )
    assert list(rows) == [
        ("held", "leased", "opted_out", True),
        ("now", "cancelled", "opted_out", False),
        ("later", "cancelled", "opted_out", False),
        ("other number", "pending", "", False),
        ("other account", "pending", "", False),
    ]


@pytest.mark.parametrize("phone", [None, "", "x", [], "+4812", "112"])
def test_it_refuses_what_is_no_number(api: Api, tenant: Tenant, phone: Any) -> None:
    refused(opted_out(api, tenant, phone), 400, "invalid", "phone")
    assert not OptOut.objects.exists()


@pytest.mark.parametrize(
    "written", ["+48123456789", quote("+48123456789", safe=""), "123456789", "123-456-789"]
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_it_takes_an_opt_out_back(api: Api, tenant: Tenant, written: str, slash: str) -> None:
    opted_out(api, tenant)
    response = api.delete(f"{URL}{written}{slash}", tenant)
    assert (response.status_code, response.content) == (204, b"")
    assert api.post("/api/messages/", tenant.message()).status_code == 201
    refused(api.delete(f"{URL}{written}{slash}", tenant), 404, "not_found")


@pytest.mark.parametrize("written", ["x", "%00", "+48", "1" * 32, "%20"])
def test_it_refuses_to_take_back_what_is_no_number(api: Api, tenant: Tenant, written: str) -> None:
    refused(api.delete(f"{URL}{written}/", tenant), 400, "invalid", "phone")


def test_a_short_code_that_opted_out_can_be_taken_back(api: Api, tenant: Tenant) -> None:
    """A short code's STOP is believed whatever the licence allows; so is its owner."""
    opt_outs.opt_out(tenant.keys.account_id, "7255", opt_outs.Source.SMS)
    assert not License.objects.get().allow_short_codes
    assert api.delete(f"{URL}7255/", tenant).status_code == 204


def test_it_shows_cursor_pages_newest_first(api: Api, tenant: Tenant) -> None:
    numbers = [f"+4812345678{number}" for number in range(5)]
    for number in numbers:
        opted_out(api, tenant, number)
    first = api.get(URL, tenant, limit="3").json()
    assert [shown["phone"] for shown in first["results"]] == numbers[:1:-1]
    second = api.client.get(first["next"], headers=tenant.headers).json()
    assert [shown["phone"] for shown in second["results"]] == numbers[1::-1]
    assert second["next"] is None


def test_an_opt_out_holds_for_its_account_only(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    opted_out(api, tenant)
    assert api.get(URL, other_tenant).json()["results"] == []
    refused(api.delete(f"{URL}+48123456789/", other_tenant), 404, "not_found")
    assert api.post("/api/messages/", other_tenant.message()).status_code == 201
    assert OptOut.objects.count() == 1


def test_an_unknown_key_is_401(api: Api, db: None) -> None:
    headers = {"X-License-Key": "ABCDEF"}
    refused(api.client.get(URL, headers=headers), 401, "license_not_found")
    refused(api.client.post(URL, headers=headers), 401, "license_not_found")
    response = api.client.delete(f"{URL}+48123456789/", headers=headers)
    refused(response, 401, "license_not_found")
