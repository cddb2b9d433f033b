"""A database that went back in time: nothing is sent twice, no id given again, and owners learn of it.

The database of these tests cannot go back while they run: what it says of itself is changed instead, and
what a phone was answered and the database has forgotten is undone by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.db import DataError, connection
from django.db.backends.signals import connection_created

from http_api import redis
from licenses.models import Device, Timeline
from members.models import Mail, Member, Role
from messaging.models import Attempt, Event, Message, StateChange
from messaging.services import restore, timelines
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone
from tests.delivery import Wire, accept, sent, status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(timelines, "_known", None)
    yield
    connection_created.disconnect(timelines._look_at_a_new_one)


class CountingWire(Wire):
    """As phones are: it says which answer it had last."""

    last: int | None = None

    def sync(self, **body: Any) -> dict[str, Any]:
        answer = super().sync(**{"last_sync_number": self.last} | body)
        self.last = answer["sync_number"]
        return answer


@pytest.fixture
def wire(api: Api, phone: Phone, manual_clock: ManualClock) -> Wire:
    timelines.look()
    return CountingWire(api, phone)


@pytest.fixture
def second_wire(api: Api, tenant: Tenant, wire: Wire) -> Wire:
    return CountingWire(api, pair_phone(tenant, "install-2"))


def newest() -> Timeline:
    return Timeline.objects.order_by("pk")[Timeline.objects.count() - 1]


def took_over() -> Timeline:
    """A standby writes on: the newest row is of the timeline before."""
    Timeline.objects.filter(pk=newest().pk).update(number=newest().number + 7)
    timelines.look()
    return newest()


def answers(wire: Wire) -> int:
    number = Device.objects.get(pk=wire.phone.device.pk).sync_number
    assert number is not None
    return number


def forget_answers(wire: Wire, number: int) -> None:
    """Forget those after this one."""
    Device.objects.filter(pk=wire.phone.device.pk).update(sync_number=number)


def forget(message_id: int) -> None:
    """Undo what a claim, or a whole delivery, of this message has written."""
    StateChange.objects.filter(message_id=message_id).exclude(from_state="").delete()
    Event.objects.filter(message_id=message_id).delete()
    Attempt.objects.filter(message_id=message_id).delete()
    Message.objects.filter(pk=message_id).update(status="pending", attempt_n=0, finished_at=None)


def test_the_first_look_doubts_nothing() -> None:
    timelines.look()
    assert (newest().is_doubted, newest().is_loss_shown, newest().replaces) == (False, False, None)
    timelines.look()
    assert Timeline.objects.count() == 1


def test_ids_are_not_given_again_by_a_standby_that_took_over(
    api: Api, tenant: Tenant, wire: Wire
) -> None:
    before = accept(api, tenant)
    begun = took_over()
    assert (begun.is_doubted, begun.is_loss_shown) == (True, False)
    assert accept(api, tenant, "after") > before + restore.MESSAGE_IDS
    timelines.look()
    assert newest() == begun, "looked at once more, it is what it was"


def test_a_phone_that_has_seen_nothing_more_goes_on(api: Api, tenant: Tenant, wire: Wire) -> None:
    first = accept(api, tenant)
    assert [m["message_id"] for m in wire.claim(1)] == [first]
    wire.report(*sent(first))
    second = accept(api, tenant, "b")
    took_over()
    assert [m["message_id"] for m in wire.claim()] == [second]
    assert status(first) == "sent"
    assert not Timeline.objects.filter(is_loss_shown=True).exists()


@pytest.mark.parametrize("is_noticed", [True, False])
def test_what_a_phone_took_and_the_database_forgot_is_held(
    is_noticed: bool, api: Api, tenant: Tenant, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    message_id, other = accept(api, tenant), accept(api, tenant, "o")
    number = answers(wire)
    assert [m["message_id"] for m in wire.claim(1)] == [message_id]
    wire.report(*sent(message_id))
    forget(message_id)
    forget_answers(wire, number)
    if is_noticed:
        took_over()
    assert wire.claim() == []
    assert (status(message_id), status(other)) == ("uncertain", "uncertain")
    assert newest().is_loss_shown
    assert f"licence {tenant.keys.license_id} has 2 messages" in caplog.text
    later = accept(api, tenant, "later")
    assert later > other + restore.MESSAGE_IDS
    assert [m["message_id"] for m in wire.claim()] == [later], "it goes on"


def test_another_phone_of_the_licence_waits_for_the_one_that_may_have_sent(
    api: Api, tenant: Tenant, wire: Wire, second_wire: Wire, manual_clock: ManualClock
) -> None:
    wire.sync(capacity=0)
    second_wire.sync(capacity=0)
    number = answers(wire)
    message_id = accept(api, tenant)
    wire.claim()
    wire.report(*sent(message_id))
    forget(message_id)
    forget_answers(wire, number)
    took_over()
    answer = second_wire.sync(capacity=5, claim_id=str(uuid4()))
    assert (answer["messages"], answer["next_sync_seconds"]) == ([], 60)
    wire.sync(capacity=0)
    assert status(message_id) == "uncertain"
    assert second_wire.claim() == []
    later = accept(api, tenant, "later")
    assert [m["message_id"] for m in second_wire.claim()] == [later]


def test_two_phones_that_took_nothing_go_on_once_both_were_heard(
    api: Api, tenant: Tenant, wire: Wire, second_wire: Wire
) -> None:
    wire.sync(capacity=0)
    second_wire.sync(capacity=0)
    message_id = accept(api, tenant)
    took_over()
    assert second_wire.claim() == []
    assert [m["message_id"] for m in wire.claim()] == [message_id]


def test_a_phone_that_stays_away_for_half_an_hour_may_have_sent_what_was_due(
    api: Api, tenant: Tenant, wire: Wire, second_wire: Wire, manual_clock: ManualClock
) -> None:
    wire.sync(capacity=0)
    second_wire.sync(capacity=0)
    message_id = accept(api, tenant)
    took_over()
    assert wire.claim() == []
    manual_clock.advance(seconds=1)
    later = accept(api, tenant, "later")
    manual_clock.advance(seconds=timelines.PATIENCE.total_seconds())
    assert [m["message_id"] for m in wire.claim()] == [later]
    assert status(message_id) == "uncertain"


def test_one_that_was_silent_for_a_day_is_not_waited_for(
    api: Api, tenant: Tenant, wire: Wire, second_wire: Wire, manual_clock: ManualClock
) -> None:
    second_wire.sync(capacity=0)
    Device.objects.filter(pk=second_wire.phone.device.pk).update(silent_since=manual_clock.now)
    manual_clock.advance(days=1)
    message_id = accept(api, tenant)
    took_over()
    assert [m["message_id"] for m in wire.claim()] == [message_id]


def test_another_licence_is_held_by_nobody_elses_loss(
    api: Api, tenant: Tenant, wire: Wire, other_tenant: Tenant
) -> None:
    theirs = accept(api, other_tenant)
    wire.sync(capacity=0, last_sync_number=99)
    assert status(theirs) == "pending"
    assert [m["message_id"] for m in Wire(api, pair_phone(other_tenant)).claim()] == [theirs]


def test_what_a_process_knows_and_the_database_does_not_is_a_loss(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = timelines._Known(uuid4(), 1)
    monkeypatch.setattr(timelines, "_known", known)
    timelines.look()
    assert (newest().replaces, newest().is_loss_shown) == (known.token, True)
    monkeypatch.setattr(timelines, "_known", known)  # another process that knew it
    timelines.look()
    assert Timeline.objects.filter(is_doubted=True).count() == 1


def test_a_snapshot_that_has_written_less_is_a_loss(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = timelines._Known(newest().token, 2**60)
    monkeypatch.setattr(timelines, "_known", known)
    timelines.look()
    assert (newest().is_doubted, newest().is_loss_shown) == (True, True)


def test_a_process_that_starts_knows_it_by_redis(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Timeline.objects.get()
    redis.client().set(f"smsgate:written:{first.token}", f"{first.token} {2**60}")
    monkeypatch.setattr(timelines, "_known", None)
    timelines.look()
    assert newest().is_loss_shown


def test_a_restore_that_was_told_of_is_not_doubted(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Timeline.objects.get()
    redis.client().set(f"smsgate:written:{first.token}", f"{uuid4()} {2**60}")
    wire.claim()
    manual_clock.advance(hours=1)
    restore.hold_what_may_have_been_sent(manual_clock.now)
    timelines.begin_without_doubt(manual_clock.now)
    monkeypatch.setattr(timelines, "_known", None)
    timelines.look()
    message_id = accept(api, tenant)
    answer = wire.sync(capacity=1, claim_id=str(uuid4()), last_sync_number=40)
    assert [m["message_id"] for m in answer["messages"]] == [message_id]
    assert not Timeline.objects.filter(is_doubted=True).exists()


def test_readyz_and_the_owner_are_told(
    api: Api,
    tenant: Tenant,
    wire: Wire,
    manual_clock: ManualClock,
    settings: Any,
) -> None:
    settings.MAIL_SERVER = "smtp://127.0.0.1:1"
    owner = Member.objects.create(
        account=tenant.account, role=Role.OWNER, user=User.objects.create_user("owner")
    ).user
    EmailAddress.objects.create(user=owner, email="owner@example.com", verified=True)
    accept(api, tenant)
    assert api.client.get("/readyz/").json()["database"] == "ok"
    wire.sync(capacity=0, last_sync_number=99)
    assert api.client.get("/readyz/").json()["database"] == "went back in time"
    assert Mail.objects.count() == 1
    manual_clock.advance(days=2)
    assert api.client.get("/readyz/").json()["database"] == "ok"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_unsupported", [True, False])
def test_a_connection_that_could_not_be_looked_at_is_not_used(
    is_unsupported: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sql = "SELECT no_such_function()" if is_unsupported else "SELECT 1 / 0"
    monkeypatch.setattr(timelines, "_LOOK", sql)
    timelines.watch()
    connection.close()
    for _ in range(2):
        if is_unsupported:
            connection.ensure_connection()
        else:
            with pytest.raises(DataError):
                connection.ensure_connection()
            assert connection.connection is None
    assert ("does not say when it goes back" in caplog.text) is is_unsupported


def test_a_phone_that_lies_again_and_again_moves_ids_once_an_hour(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    for lie in range(3):
        wire.sync(capacity=0, last_sync_number=1_000 * (lie + 1))
    first = accept(api, tenant)
    wire.sync(capacity=0, last_sync_number=10_000)
    assert status(first) == "uncertain"
    assert accept(api, tenant, "b") < first + restore.MESSAGE_IDS
    assert Timeline.objects.filter(is_loss_shown=True).count() == 1
    manual_clock.advance(hours=1)
    wire.sync(capacity=0, last_sync_number=20_000)
    assert accept(api, tenant, "c") > first + restore.MESSAGE_IDS


def test_the_regular_look_adds_nothing_to_a_pooled_connection(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands before each transaction there is said once."""
    session = connection.connection
    monkeypatch.setattr(session, "_is_pooled", True)
    try:
        timelines._look_at_a_new_one()
        said = session.first
        assert "pg_terminate_backend" in said
        timelines.look()
        assert session.first == said
    finally:
        session.first = ""


def test_a_snapshot_from_before_a_start_does_not_know_it(
    wire: Wire, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Timeline.objects.get()
    timelines.begin_at_start(manual_clock.now)
    begun = newest()
    assert (begun != before, begun.is_doubted) == (True, False)
    timelines.look()
    assert newest() == begun
    Timeline.objects.filter(pk=begun.pk).delete()
    monkeypatch.setattr(timelines, "_known", None)  # a process that knows by Redis
    timelines.begin_at_start(manual_clock.now)
    assert Timeline.objects.filter(is_loss_shown=True, replaces=begun.token).exists()
