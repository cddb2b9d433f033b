"""The worker's task tells many portals at the same time."""

from __future__ import annotations

from concurrent.futures import wait
from pathlib import Path
from unittest import mock

import pytest
from django.conf import LazySettings

from bitrix24 import calling, portals, tasks, tending
from bitrix24.models import Portal, StatusPush
from http_api import clock
from tests.bitrix24.conftest import install
from tests.bitrix24.fake_portal import FakePortal, fake_portal
from tests.conftest import Api, Tenant, in_threads

pytestmark = pytest.mark.django_db(transaction=True)


def refuse(portal: Portal) -> None:
    """Have something to tell it: an SMS that was refused."""
    now = clock.now()
    StatusPush.objects.create(portal=portal, remote_id="m1", created_at=now, next_at=now)


def told(portal: Portal) -> None:
    """Wait until its thread is done."""
    tasks._under_way[portal.pk].result(20)


@pytest.fixture(autouse=True)
def _nothing_under_way() -> None:
    tasks._under_way.clear()


def test_a_portal_that_is_slow_holds_up_no_other(
    api: Api, tenant: Tenant, fake: FakePortal, portal: Portal, settings: LazySettings,
    tmp_path: Path,
) -> None:  # fmt: skip
    with fake_portal(tmp_path / "tls.pem") as quick:
        settings.BITRIX24_OAUTH_URL, quick.member_id = quick.url, "another"
        install(api, quick, portals.create(tenant.license))
        other = Portal.objects.get(member_id="another")
        refuse(portal)
        refuse(other)
        fake.may_answer.clear()
        tasks.tend_bitrix24()
        told(other)
        assert quick.statuses == [("m1", "failed")]
        tasks.tend_bitrix24()  # leaves the slow one alone
        told(other)
        fake.may_answer.set()
        told(portal)
        assert (fake.statuses, fake.calls.count("batch")) == ([("m1", "failed")], 1)


def test_a_bug_of_one_portals_thread_is_the_tasks(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tending, "tend", mock.Mock(side_effect=[ZeroDivisionError, 0]))
    tasks.tend_bitrix24()
    wait(tasks._under_way.values(), 20)
    with pytest.raises(ZeroDivisionError):
        tasks.tend_bitrix24()
    tasks.tend_bitrix24()
    told(portal)


def test_a_token_that_two_workers_renew_at_once_is_renewed_once(
    fake: FakePortal, portal: Portal
) -> None:
    fake.expire()
    method = "messageservice.sender.update", {"CODE": "smsgate", "HANDLER": "x"}
    both = [Portal.objects.get(), Portal.objects.get()]
    in_threads([lambda one=one: calling.call(one, *method) for one in both], 2)  # type: ignore[misc]
    assert fake.renewals == 1
    calling.call(Portal.objects.get(), *method)
    assert (fake.renewals, Portal.objects.get().state) == (1, "active")
