"""`manage.py provision`, `pair`, `rotate` and `disable`, as an operator types them."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.db import connections

from http_api.errors import ApiError
from licenses import peppers, services
from licenses.lookup import sender_by_key_pair, sender_by_license_key
from licenses.models import Account, License
from tests.conftest import Tenant, pair_phone

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    (line,) = out.getvalue().splitlines()
    answer: dict[str, Any] = json.loads(line)
    return answer


@pytest.fixture
def complaint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What is said on a mistake, by the command line itself."""
    monkeypatch.setattr(connections, "close_all", lambda: None)  # the test's own is among them

    def complaint_of(name: str, *arguments: str) -> str:
        with pytest.raises(SystemExit) as end:
            load_command_class("smsgate", name).run_from_argv(["manage.py", name, *arguments])
        assert end.value.code not in {0, None}
        said = capsys.readouterr()
        assert said.out == ""
        (line,) = said.err.splitlines()
        assert line.startswith(f"manage.py {name}: ")
        return line.removeprefix(f"manage.py {name}: ")

    return complaint_of


def test_provision_prints_keys_that_work() -> None:
    made = run("provision", "acme")
    assert list(made) == [
        "account_id", "license_id", "license_key", "api_key", "username", "password", "token",
    ]  # fmt: skip
    sender = sender_by_key_pair(made["license_key"], made["api_key"])
    assert (sender.license_id, sender.account_id) == (made["license_id"], made["account_id"])


def test_provision_sets_the_rules_that_it_is_told() -> None:
    made = run(
        "provision", "acme", "--country", "de", "--time-zone", "Europe/Berlin",
        "--max-daily-sms", "5", "--sending-hours", "08:00-20:30", "--valid-until", "2027-01-31",
        "--key-length", "6",
    )  # fmt: skip
    account = Account.objects.get(pk=made["account_id"])
    assert (account.country, account.time_zone) == ("DE", "Europe/Berlin")
    assert account.sending_hours == "08:00-20:30"
    assert (account.max_daily_sms, account.valid_until) == (5, dt.date(2027, 1, 31))
    assert len(made["license_key"]) == 6


def test_provision_makes_an_inactive_licence() -> None:
    made = run("provision", "acme", "--inactive")
    with pytest.raises(ApiError, match="license_inactive"):
        sender_by_license_key(made["license_key"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "required: name"),
        (("",), "name: This field cannot be blank."),
        (("acme", "--country", "ZZ"), "country: Unknown country; use a code like PL."),
        (("acme", "--time-zone", "Mars"), "time_zone: Unknown time zone"),
        (("acme", "--max-daily-sms", "-1"), "--max-daily-sms: a whole number, 0 or more"),
        (("acme", "--sending-hours", "8-20"), "--sending-hours: write sending hours as"),
        (("acme", "--sending-hours", "08:00-08:00"), "--sending-hours: sending hours must have"),
        (("acme", "--valid-until", "soon"), "--valid-until: write the date as YYYY-MM-DD"),
        (("acme", "--key-length", "7"), "--key-length: must be 6 or 12"),
    ],
)
def test_provision_says_in_one_line_what_is_wrong(
    complaint: Any, arguments: tuple[str, ...], words: str
) -> None:
    assert words in complaint("provision", *arguments)
    assert not Account.objects.exists()


def test_pair_makes_a_code_that_pairs(tenant: Tenant) -> None:
    made = run("pair", str(tenant.keys.license_id))
    assert made["link"].endswith(f"/pair/#{made['code']}")
    paired = services.pair(made["code"], install_id="a", name="Pixel")
    assert paired.device.license_id == tenant.keys.license_id


def test_pair_lets_a_new_install_take_a_phones_place(tenant: Tenant) -> None:
    old = pair_phone(tenant, "old")
    made = run("pair", str(tenant.keys.license_id), "--device", str(old.device.pk))
    paired = services.pair(made["code"], install_id="new", name="Pixel")
    assert (paired.device.pk, paired.replaced_install) == (old.device.pk, "old")


def test_rotate_voids_the_old_keys(tenant: Tenant) -> None:
    old = tenant.keys
    new = run("rotate", str(old.license_id), "--license-key", "--api-key", "--credential")
    assert list(new) == ["license_key", "api_key", "username", "password", "token"]
    sender_by_key_pair(new["license_key"], new["api_key"])
    for pair in (
        (old.license_key, old.api_key),
        (new["license_key"], old.api_key),
        (old.license_key, new["api_key"]),
    ):
        with pytest.raises(ApiError):
            sender_by_key_pair(*pair)
    before = services.webhook_secret(tenant.account)
    new_secret = run("rotate", str(old.license_id), "--webhook-secret")
    assert new_secret == {"webhook_secret": services.webhook_secret(tenant.account)}
    assert new_secret["webhook_secret"] != before
    names = License.objects.get().credentials.filter(is_active=True).values_list("username")
    assert list(names) == [(new["username"],)]


def test_rotate_leaves_what_it_is_not_told(tenant: Tenant) -> None:
    new = run("rotate", str(tenant.keys.license_id), "--api-key")
    assert list(new) == ["api_key"]
    sender_by_key_pair(tenant.keys.license_key, new["api_key"])


def test_disable_switches_off_the_licence(tenant: Tenant) -> None:
    run("disable", str(tenant.keys.license_id))
    with pytest.raises(ApiError, match="license_inactive"):
        sender_by_license_key(tenant.keys.license_key)


def test_disable_may_mean_the_api_keys_or_one_phone_only(tenant: Tenant) -> None:
    phone = pair_phone(tenant)
    number = str(tenant.keys.license_id)
    assert run("disable", number, "--api-keys") == {"disabled_api_keys": 1}
    with pytest.raises(ApiError):
        sender_by_key_pair(tenant.keys.license_key, tenant.keys.api_key)
    assert run("disable", number, "--credentials") == {"disabled_credentials": 1}
    assert run("disable", number, "--device", str(phone.device.pk)) == {
        "revoked_device": phone.device.pk
    }
    phone.device.refresh_from_db()
    assert phone.device.revoked_at is not None
    sender_by_license_key(tenant.keys.license_key)  # the licence itself goes on


@pytest.mark.parametrize("name", ["pair", "rotate", "disable"])
def test_an_unknown_licence_is_one_line(complaint: Any, name: str) -> None:
    assert complaint(name, "999") == "there is no licence 999; the admin lists them"
    assert "invalid int value: 'x'" in complaint(name, "x")


@pytest.mark.parametrize("name", ["pair", "disable"])
def test_a_phone_of_another_licence_is_unknown(
    tenant: Tenant, other_tenant: Tenant, name: str
) -> None:
    phone = pair_phone(other_tenant)
    with pytest.raises(CommandError, match=f"has no device {phone.device.pk}"):
        run(name, str(tenant.keys.license_id), "--device", str(phone.device.pk))


def test_rotate_wants_to_know_what(tenant: Tenant, complaint: Any) -> None:
    assert "--license-key, --api-key, --credential or --webhook-secret" in complaint(
        "rotate", str(tenant.keys.license_id)
    )


@pytest.mark.parametrize("name", ["provision", "pair", "rotate", "hook", "disable"])
def test_with_another_pepper_no_command_makes_a_key(
    name: str, tenant: Tenant, complaint: Any, settings: Any
) -> None:
    """It would be unknown to the service."""
    peppers.check_and_note()
    settings.PEPPERS = {1: "another"}
    argument = "acme" if name == "provision" else str(tenant.keys.license_id)
    said = complaint(name, argument)
    assert said.startswith(
        "PEPPER_1 is not the one that the keys in this database were made with: "
    )
    assert Account.objects.count() == 1
