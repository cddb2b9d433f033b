from __future__ import annotations

import pytest

from dialects.smsend import words
from tests.conftest import Tenant
from tests.dialects.smsend.conftest import Program


def test_credits_are_todays_allowance_in_every_quality(program: Program, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=5)
    program.send()
    shown = program.get("status", getMoney="true")
    assert shown["money"] is None
    assert [row["type"] for row in shown["sms"]] == ["GP", "TI", "SI", "EE", "AD"]
    assert {row["quantity"] for row in shown["sms"]} == {4}
    assert list(shown["email"]) == ["bandwidth", "purchased", "billing", "expiry"]
    by_alias = program.get("status", typeAliases="true")["sms"]
    assert [row["type"] for row in by_alias] == ["N", "L", "LL", "EE", "AD"]


def test_without_a_limit_there_are_credits_enough(program: Program) -> None:
    assert {row["quantity"] for row in program.get("status")["sms"]} == {words.UNLIMITED}


def test_the_dashboard_is_the_admin(program: Program) -> None:
    response = program.call("GET", "dashboard")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    assert response.content.decode().startswith("http")
    assert response.content.decode().endswith("/admin/")


def test_a_password_is_never_set_to_one_of_the_clients_choosing(
    program: Program, tenant: Tenant
) -> None:
    response = program.call("POST", "pwdreset", password="secret")
    assert (response.status_code, response.content) == (200, b"false")
    logged_in = program.call(
        "GET", "login", username=tenant.keys.username, password=tenant.keys.password
    )
    assert logged_in.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "alias"), ("POST", "alias"), ("DELETE", "alias/7"), ("GET", "landings"),
        ("POST", "list"), ("GET", "smsrich/statistics"), ("GET", "subaccounts"),
        ("POST", "subaccount/7/purchase"), ("GET", "mosmshistory"),
    ],
)  # fmt: skip
def test_what_is_not_done_here_is_said_so(program: Program, method: str, path: str) -> None:
    program.refused(program.call(method, path), 501)
