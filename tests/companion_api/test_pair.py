"""POST /companion/pair/"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from licenses import services
from licenses.models import Device
from tests.conftest import Api, ManualClock, Tenant, pair_phone, while_uncommitted
from tests.delivery import Wire, accept, status

URL = "/companion/pair/"


def _body(code: str, install_id: str = "i-1") -> dict[str, Any]:
    return {
        "code": code,
        "install_id": install_id,
        "name": "Pixel 8",
        "android": "15",
        "app_version": "1.0",
        "sims": [{"sub_id": 1, "slot": 0, "carrier": "Play"}],
    }


@pytest.fixture
def code(tenant: Tenant) -> str:
    return services.new_pairing_code(tenant.license).code


def test_a_phone_is_paired(api: Api, tenant: Tenant, code: str) -> None:
    response = api.post(URL, _body(code))
    assert response.status_code == 201
    answer = response.json()
    assert list(answer) == ["device_id", "token", "account", "server_time"]
    device = Device.objects.get(pk=answer["device_id"])
    assert (device.name, device.sims[0]["carrier"]) == ("Pixel 8", "Play")
    assert answer["token"] not in device.token_digest
    headers = {"Authorization": f"Bearer {answer['token']}"}
    assert api.post("/companion/sync/", {}, **headers).status_code == 200


@pytest.mark.parametrize("typed", [str.lower, lambda code: code.replace("-", ""), str])
def test_a_code_may_be_typed_in_any_way(api: Api, code: str, typed: Any) -> None:
    assert api.post(URL, _body(typed(code))).status_code == 201


def test_wrong_used_and_expired_codes_look_alike(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    used = services.new_pairing_code(tenant.license).code
    api.post(URL, _body(used))
    expired = services.new_pairing_code(tenant.license).code
    manual_clock.advance(minutes=10)
    answers = [api.post(URL, _body(code, "i-2")) for code in ("AAAA-AAAA-AAAA", used, expired)]
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["code"] == "pairing_code_invalid"


def test_the_same_install_may_repeat_its_code_and_the_former_token_is_void(
    api: Api, code: str
) -> None:
    first = api.post(URL, _body(code)).json()
    second = api.post(URL, _body(code)).json()
    assert first["device_id"] == second["device_id"]
    statuses = [
        api.post("/companion/sync/", {}, Authorization=f"Bearer {answer['token']}").status_code
        for answer in (first, second)
    ]
    assert statuses == [401, 200]


def test_a_phone_that_was_revoked_does_not_come_back_with_its_old_code(
    api: Api, tenant: Tenant, code: str
) -> None:
    api.post(URL, _body(code))
    services.revoke(Device.objects.get())
    assert api.post(URL, _body(code)).json()["code"] == "pairing_code_invalid"
    fresh = services.new_pairing_code(tenant.license).code
    assert api.post(URL, _body(fresh)).status_code == 201


def test_a_new_install_of_a_phone_makes_what_the_old_one_held_uncertain(
    api: Api, tenant: Tenant
) -> None:
    old = pair_phone(tenant)
    message_id = accept(api, tenant)
    Wire(api, old).claim()
    code = services.new_pairing_code(tenant.license, replaces=old.device).code
    answer = api.post(URL, _body(code, "new install")).json()
    assert answer["device_id"] == old.device.pk
    assert status(message_id) == "uncertain"


def _at_once(*bodies: dict[str, Any]) -> list[int]:
    """The statuses of two requests, where the second meets the first before its commit."""
    first, second = (partial(Api().post, URL, body) for body in bodies)
    return [answer.status_code for answer in while_uncommitted(first, second)]


@pytest.mark.django_db(transaction=True)
def test_of_two_phones_with_one_code_at_once_only_the_first_is_paired(tenant: Tenant) -> None:
    code = services.new_pairing_code(tenant.license).code
    assert _at_once(_body(code, "i-1"), _body(code, "i-2")) == [201, 400]
    assert Device.objects.get().install_id == "i-1"


@pytest.mark.django_db(transaction=True)
def test_a_phone_with_two_codes_at_once_becomes_one_device(tenant: Tenant) -> None:
    codes = [services.new_pairing_code(tenant.license).code for _ in range(2)]
    assert _at_once(_body(codes[0]), _body(codes[1])) == [201, 201]
    assert Device.objects.count() == 1


def test_guessing_codes_is_throttled(api: Api, db: None) -> None:
    answers = [api.post(URL, _body("AAAA-AAAA-AAAA")) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [400] * 20 + [429]
    assert int(answers[-1]["Retry-After"]) >= 1


def test_a_revoked_phone_is_401(api: Api, tenant: Tenant) -> None:
    phone = pair_phone(tenant)
    services.revoke(phone.device)
    assert api.post("/companion/sync/", {}, **phone.headers).status_code == 401
