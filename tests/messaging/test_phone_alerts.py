"""Who chose to be is mailed that a phone is silent and that it is back, once an hour at most."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from members import alert_rules
from members.audit import Actor
from members.models import Member, Role
from messaging import tasks
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone
from tests.console.conftest import confirm
from tests.delivery import Wire, accept
from tests.mail_server import MailServer

pytestmark = pytest.mark.django_db(transaction=True)

ANNA, EWA = "anna@example.org", "ewa@example.org"
BY = Actor(None)


def member(tenant: Tenant, email: str) -> int:
    user = User.objects.create_user(email.partition("@")[0], email=email)
    confirm(user)
    return Member.objects.create(account=tenant.account, user=user, role=Role.VIEWER).pk


def choose(tenant: Tenant, *members: int, minutes: int = 0, phone: Phone | None = None) -> None:
    device = phone.device if phone else None
    alert_rules.choose(tenant.account.pk, device, members, minutes, BY)


def a_minute_passes(clock: ManualClock, minutes: float = 1) -> None:
    clock.advance(minutes=minutes)
    tasks.mark_silent_devices()
    tasks.send_mail()


@pytest.fixture
def wire(api: Api, phone: Phone, manual_clock: ManualClock) -> Wire:
    wire = Wire(api, phone)
    wire.sync(health={"battery": 12})
    return wire


def test_one_mail_says_that_it_is_silent_and_one_that_it_is_back(
    api: Api, tenant: Tenant, phone: Phone, wire: Wire, mails: MailServer, manual_clock: ManualClock
) -> None:
    choose(tenant, member(tenant, ANNA))
    accept(api, tenant)
    a_minute_passes(manual_clock, 40)
    assert mails.mails == []
    for _ in range(3):
        a_minute_passes(manual_clock, 40)
    [silent] = mails.to(ANNA)
    assert silent["Subject"] == f"{phone.device.name} milczy"
    told = silent.get_content()
    assert f"Telefon {phone.device.name} (konto Alice) nie odzywa się od 09.04.2026 16:32." in told
    assert "Bateria miała wtedy 12 %." in told
    assert "Czeka 1 wiadomość." in told
    assert f"/console/phones/#phone-{phone.device.pk}" in told
    assert "+48" not in told
    wire.sync()
    for _ in range(3):
        a_minute_passes(manual_clock)
    [_, back] = mails.to(ANNA)
    assert back["Subject"] == f"{phone.device.name} wrócił"


def test_one_that_comes_and_goes_is_told_of_once_an_hour(
    tenant: Tenant, wire: Wire, mails: MailServer, manual_clock: ManualClock
) -> None:
    choose(tenant, member(tenant, ANNA))
    minutes = 0
    while minutes < 600:
        wire.sync()
        for _ in range(25):  # more than it is patient for while it is busy
            minutes += 2
            a_minute_passes(manual_clock, 2)
    assert 2 <= len(mails.mails) <= 10


def test_it_goes_by_the_phones_rule_where_it_has_one(
    tenant: Tenant, phone: Phone, wire: Wire, mails: MailServer, manual_clock: ManualClock
) -> None:
    anna, ewa = member(tenant, ANNA), member(tenant, EWA)
    choose(tenant, anna)
    choose(tenant, ewa, minutes=300, phone=phone)
    for _ in range(4):
        a_minute_passes(manual_clock, 60)
    assert mails.mails == []
    a_minute_passes(manual_clock, 61)
    assert [mail["To"] for mail in mails.mails] == [EWA]


def test_nobody_else_is_told(
    tenant: Tenant, other_tenant: Tenant, wire: Wire, mails: MailServer, manual_clock: ManualClock
) -> None:
    stranger = member(other_tenant, EWA)
    choose(tenant, stranger)
    choose(other_tenant, stranger)
    gone = member(tenant, ANNA)
    choose(tenant, gone)
    Member.objects.filter(pk=gone).delete()
    for _ in range(3):
        a_minute_passes(manual_clock, 60)
    assert mails.mails == []


def test_what_could_not_be_mailed_is_mailed_once_the_server_is_back(
    tenant: Tenant, wire: Wire, mails: MailServer, manual_clock: ManualClock
) -> None:
    choose(tenant, member(tenant, ANNA))
    mails.is_gone = True
    a_minute_passes(manual_clock, 60)
    mails.is_gone = False
    for _ in range(10):
        a_minute_passes(manual_clock)
    assert len(mails.mails) == 1


def test_other_phones_are_told_of_though_one_was_just_now(
    api: Api, tenant: Tenant, wire: Wire, mails: MailServer, manual_clock: ManualClock
) -> None:
    choose(tenant, member(tenant, ANNA))
    a_minute_passes(manual_clock, 60)
    Wire(api, pair_phone(tenant, "install-2")).sync()
    a_minute_passes(manual_clock, 50)
    assert len(mails.mails) == 2
