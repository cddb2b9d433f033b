"""webhooks.delivery: when all of a batch is final, its client's program is told."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client

from http_api.errors import ApiError
from http_api.outgoing import Failure
from licenses import services as licenses
from messaging.drafts import ClientTime, Draft, Invalid
from messaging.models import AwaitedBatch, Batch, Message
from messaging.services import batches, owner
from outbox.models import Event
from tests.conftest import Api, ManualClock, Phone, Tenant, in_threads
from tests.delivery import Wire, event, sent
from tests.receiver import Receiver, receiver
from webhooks import callbacks, delivery, due, health
from webhooks.callbacks import Callback
from webhooks.delivery import Outcome
from webhooks.due import FAILURES, RETRY_MINUTES, TRIES
from webhooks.models import Delivery, DeliveryAttempt

NUMBERS = [f"+4860010020{n}" for n in range(4)]


def states(batch: Batch) -> Any:
    return [message.status for message in batch.messages.order_by("pk")]


BODIES = {"test": states}


@pytest.fixture
def program(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    settings.WEBHOOK_PRIVATE_NETWORKS = ("127.0.0.1",)
    monkeypatch.setattr(due, "_JITTER", 0)
    with receiver() as found:
        yield found


def batch_for(program: Receiver) -> Batch:
    return Batch(dialect="test", callback_url=program.url)


def send(tenant: Tenant, program: Receiver, count: int = 2) -> list[int]:
    items = [Draft(phone=phone, text="Hello") for phone in NUMBERS[:count]]
    made = batches.send(tenant.sender, batch_for(program), items)
    return [message.pk for message in made.created]


def work(clock: ManualClock, **later: float) -> None:
    """All that a worker finds to do so much later."""
    clock.advance(**later)
    while delivery.deliver(BODIES):
        pass


def finish(tenant: Tenant, program: Receiver, count: int = 1) -> None:
    """A batch that has come to its end."""
    for message_id in send(tenant, program, count):
        owner.cancel(tenant.keys.account_id, message_id)


# --- when --------------------------------------------------------------------------------------


def test_it_waits_until_the_last_message_is_final_and_is_posted_once(
    api: Api, tenant: Tenant, phone: Phone, program: Receiver, manual_clock: ManualClock
) -> None:
    first, second, third = send(tenant, program, 3)
    wire = Wire(api, phone)
    work(manual_clock)
    wire.claim()
    wire.report(*sent(first), event("part_delivered", first, part=1, parts=1))
    wire.report(event("started", second, parts=1), event("unknown", second))
    work(manual_clock, minutes=10)
    owner.resolve(tenant.keys.account_id, second, "given_up")
    work(manual_clock, minutes=10)
    assert not program.calls, "one is with the phone"
    wire.report(event("started", third, parts=1))
    wire.report(event("part_failed", third, part=1, parts=1, code="no_service"))
    work(manual_clock, minutes=10)
    [call] = program.calls
    assert call.json == ["delivered", "failed", "failed"]
    assert (call.method, call.path) == ("POST", "/hook?key=SECRET")
    assert call.headers["content-type"] == "application/json"
    assert call.headers["x-batch-id"] == str(Batch.objects.get().pk)
    work(manual_clock, days=2)
    assert len(program.calls) == 1
    told = Delivery.objects.get()
    assert (told.tries, told.next_at) == (1, None)
    assert not AwaitedBatch.objects.exists()


def test_one_in_doubt_is_not_final(
    api: Api, tenant: Tenant, phone: Phone, program: Receiver, manual_clock: ManualClock
) -> None:
    [message_id] = send(tenant, program, 1)
    wire = Wire(api, phone)
    wire.claim()
    wire.report(event("unknown", message_id))
    work(manual_clock, days=3)
    assert not program.calls
    owner.resolve(tenant.keys.account_id, message_id, "sent")
    work(manual_clock, minutes=10)
    assert [call.json for call in program.calls] == [["sent"]]


def test_the_networks_word_is_waited_for_but_not_for_long(
    api: Api, tenant: Tenant, phone: Phone, program: Receiver, manual_clock: ManualClock
) -> None:
    [message_id] = send(tenant, program, 1)
    wire = Wire(api, phone)
    wire.claim()
    wire.report(*sent(message_id))
    work(manual_clock, seconds=119)
    assert not program.calls
    work(manual_clock, seconds=10)
    assert [call.json for call in program.calls] == [["sent"]]


def test_a_batch_of_mailings_is_final_when_all_of_them_are(
    tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    request = batch_for(program)
    batches.send_together(
        tenant.sender,
        request,
        [(Batch(dialect="test"), [Draft(phone=phone, text="x")]) for phone in NUMBERS[:2]],
    )
    first, second = Message.objects.order_by("pk").values_list("pk", flat=True)
    owner.cancel(tenant.keys.account_id, first)
    work(manual_clock, minutes=1)
    assert not program.calls
    owner.cancel(tenant.keys.account_id, second)
    work(manual_clock, minutes=1)
    assert len(program.calls) == 1


def test_what_waits_long_is_looked_at_less_often(
    tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    later = ClientTime(manual_clock.now + dt.timedelta(days=30), "")
    draft = Draft(phone=NUMBERS[0], text="x", send_after=later)
    batches.send(tenant.sender, batch_for(program), [draft])
    rests = []
    for _ in range(3):
        delivery.look()
        rests.append((AwaitedBatch.objects.get().look_at - manual_clock.now).total_seconds())
        manual_clock.advance(hours=1)
    assert rests == [10, 160, 300]


@pytest.mark.parametrize("count", [1, 2])
def test_what_is_refused_is_never_told_of(tenant: Tenant, program: Receiver, count: int) -> None:
    tenant.set_rules(max_daily_sms=count - 1)
    with pytest.raises(ApiError):
        send(tenant, program, count)
    with pytest.raises(ApiError):
        batches.send(tenant.sender, batch_for(program), [Invalid({"phone": ["is wrong"]})])
    assert not AwaitedBatch.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [1, 2])
def test_nothing_is_queued_where_its_callback_cannot_be_promised(
    tenant: Tenant, program: Receiver, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AwaitedBatch.objects, "create", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send(tenant, program, count)
    assert not Message.objects.exists()


# --- signed ------------------------------------------------------------------------------------


def test_it_is_signed_with_the_accounts_secret_until_that_is_replaced(
    tenant: Tenant, other_tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    program.status = 500
    finish(tenant, program)
    old = licenses.webhook_secret(tenant.account)
    work(manual_clock)
    new = licenses.rotate_webhook_secret(tenant.account)
    work(manual_clock, minutes=1)
    first, second = program.calls
    assert first.headers["webhook-timestamp"] == str(int(manual_clock.now.timestamp()) - 60)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert [first.is_signed_with(old), first.is_signed_with(new)] == [True, False]
    assert [second.is_signed_with(old), second.is_signed_with(new)] == [False, True]
    assert licenses.webhook_secret(tenant.account) == new
    assert licenses.webhook_secret(other_tenant.account) not in {old, new}


def test_a_new_pepper_voids_no_secret(tenant: Tenant, settings: LazySettings) -> None:
    before = licenses.webhook_secret(tenant.account)
    settings.PEPPERS = {**settings.PEPPERS, 2: "another"}
    assert licenses.webhook_secret(tenant.account) == before
    new = licenses.rotate_webhook_secret(tenant.account)
    del settings.PEPPERS[2]
    with pytest.raises(KeyError):
        licenses.webhook_secret(tenant.account)
    assert new.startswith("whsec_")


# --- again -------------------------------------------------------------------------------------


def test_what_is_not_taken_is_tried_again_for_three_days_and_given_up_in_sight(
    tenant: Tenant, program: Receiver, manual_clock: ManualClock, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert 70 * 60 <= sum(RETRY_MINUTES) <= 72 * 60
    monkeypatch.setattr(health, "FAILURES", 100)  # it would rest in between
    program.status = 302
    finish(tenant, program)
    work(manual_clock)
    for tries, minutes in enumerate(RETRY_MINUTES, 1):
        work(manual_clock, minutes=minutes, seconds=-1)
        assert len(program.calls) == tries
        work(manual_clock, seconds=1)
    assert len(program.calls) == TRIES
    assert len({call.headers["webhook-id"] for call in program.calls}) == 1
    work(manual_clock, days=30)
    assert len(program.calls) == TRIES
    assert Delivery.objects.get().next_at is None
    last_attempt = DeliveryAttempt.objects.latest("pk")
    assert (last_attempt.status_code, last_attempt.error) == (302, "status")
    last = caplog.records[-1]
    assert last.levelno == logging.WARNING
    assert "given up" in last.getMessage()
    assert not any(word in caplog.text for word in ("SECRET", "127.0.0.1", "/hook"))


def test_a_try_that_is_taken_is_the_last(
    tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    program.status = 503
    finish(tenant, program)
    work(manual_clock)
    program.status = 204
    work(manual_clock, minutes=1)
    work(manual_clock, days=1)
    assert len(program.calls) == 2
    assert Delivery.objects.get().delivered_at is not None
    attempts = DeliveryAttempt.objects.order_by("pk").values_list("status_code", "error")
    assert list(attempts) == [(503, "status"), (204, "")]


@pytest.mark.parametrize("tries_before", [0, TRIES - 1])
def test_a_worker_that_dies_in_the_middle_is_followed_by_another(
    tenant: Tenant, program: Receiver, manual_clock: ManualClock, tries_before: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    finish(tenant, program)
    delivery.look()
    Delivery.objects.update(tries=tries_before)

    def killed(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(health, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            work(manual_clock)
    assert len(program.calls) == 1
    assert Delivery.objects.get().delivered_at is None
    work(manual_clock, minutes=RETRY_MINUTES[tries_before and -1])
    first, second = program.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert Delivery.objects.get().delivered_at == manual_clock.now


def test_of_a_try_that_was_overtaken_only_its_success_counts(
    tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    finish(tenant, program)
    delivery.look()
    [[slow]] = due.take(manual_clock.now, [])
    program.status = 500
    work(manual_clock, minutes=1)
    late = Outcome(manual_clock.now, failure=Failure.TIMEOUT)
    health.record([(slow, late)])
    assert Delivery.objects.get().next_at is not None
    health.record([(slow, Outcome(manual_clock.now, status_code=200))])
    health.record([(slow, late)])
    told = Delivery.objects.get()
    assert (told.delivered_at, told.next_at) == (manual_clock.now, None)


def test_one_that_cannot_be_made_holds_up_no_other(
    tenant: Tenant, other_tenant: Tenant, program: Receiver, manual_clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    finish(tenant, program)
    tenant.set_rules(webhook_secret_pepper=9)  # its pepper is lost
    finish(other_tenant, program)
    work(manual_clock)
    assert len(program.calls) == 1
    broken, taken = Delivery.objects.order_by("batch_id")
    assert (broken.tries, broken.attempts.get().error) == (1, "server")
    assert taken.delivered_at == manual_clock.now
    assert any(record.exc_info for record in caplog.records)


def test_one_accounts_slow_receivers_leave_room_for_others(
    tenant: Tenant, other_tenant: Tenant, program: Receiver, manual_clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for _ in range(40):
        finish(tenant, program)
    manual_clock.advance(seconds=1)
    finish(other_tenant, program)
    delivery.look()
    monkeypatch.setattr(due, "MAX_RUN", 2)
    taken = due.take(manual_clock.now, [])
    assert Counter(run[0].account_id for run in taken) == {
        tenant.keys.account_id: 16, other_tenant.keys.account_id: 1,
    }  # fmt: skip
    assert Delivery.objects.filter(tries=0).count() == 8, "what there is no room for stays due"


def test_what_there_was_no_room_for_goes_at_the_next_look_however_old_it_is(
    tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    """As after an hour in which the receiver, or the worker, was away."""
    for _ in range(40):
        finish(tenant, program)
    delivery.look()
    manual_clock.advance(hours=2)
    work(manual_clock, seconds=10)
    assert len(program.calls) == 40


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_make_each_try_once(
    tenant: Tenant, other_tenant: Tenant, program: Receiver, manual_clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(health, "FAILURES", 100)
    program.status = 500
    for one in (tenant, other_tenant):
        for _ in range(6):
            finish(one, program)
    for tries in (1, 2):
        in_threads([lambda: delivery.deliver(BODIES)] * 6, threads=6)
        calls = Counter(call.headers["webhook-id"] for call in program.calls)
        assert sorted(calls.values()) == [tries] * 12
        manual_clock.advance(minutes=1)


def test_a_long_backlog_of_dead_receivers_holds_up_nobody(
    tenant: Tenant, other_tenant: Tenant, program: Receiver, manual_clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """There is always room for one more account, however new what it is to be told."""
    monkeypatch.setattr(due, "MAX_RUN", 1)
    for one in (tenant, other_tenant):
        for _ in range(50):
            finish(one, program)
    delivery.look()
    under_way: list[due.Run] = []
    while taken := due.take(manual_clock.now, under_way):
        under_way += taken
    assert len(under_way) <= 48
    manual_clock.advance(seconds=5)
    third = Tenant(licenses.provision("Carol"))
    finish(third, program)
    delivery.look()
    [[taken_next]] = due.take(manual_clock.now, under_way)
    assert taken_next.account_id == third.keys.account_id


def test_an_account_with_very_many_hosts_crowds_out_no_other(
    tenant: Tenant, other_tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    """Of hosts that were never tried there are more than one look examines."""
    finish(other_tenant, program)
    delivery.look()
    work(manual_clock)
    account_id, now = tenant.keys.account_id, manual_clock.now
    event = Event.objects.create(account_id=account_id, type="webhook.test", at=now, number=1)
    urls = [f"http://{number}.example.com" for number in range(due._SCAN + 1)]
    callbacks.expect(account_id, [Callback(url, event_id=event.pk) for url in urls], now)
    manual_clock.advance(seconds=5)
    finish(other_tenant, program)
    delivery.look()
    accounts = {run[0].account_id for run in due.take(manual_clock.now, [])}
    assert accounts == {account_id, other_tenant.keys.account_id}


def test_a_quick_receiver_is_not_held_up_by_the_slowest_of_its_round(
    tenant: Tenant, other_tenant: Tenant, program: Receiver, manual_clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A try that never ends is under way while twenty others of another account are made."""
    ended, post = threading.Event(), delivery._post

    def slow_for_one(request: Any) -> Outcome:
        if "slow" in request.url:
            assert ended.wait(20)
            return Outcome(manual_clock.now, failure=Failure.TIMEOUT)
        outcome = post(request)
        if len(program.calls) == 20:
            ended.set()
        return outcome

    monkeypatch.setattr(delivery, "_post", slow_for_one)
    finish(tenant, program)
    Batch.objects.update(callback_url=f"{program.url}&slow")
    for _ in range(20):
        finish(other_tenant, program)
    work(manual_clock)
    assert len(program.calls) == 20


def test_a_receiver_that_fails_again_and_again_rests_and_is_asked_once_after_that(
    tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    program.status = 500
    for _ in range(30):
        finish(tenant, program)
    calls = []
    for seconds in (0, 59, 1, 119, 1):
        work(manual_clock, seconds=seconds)
        calls.append(len(program.calls))
    before, *_ = calls
    assert FAILURES <= before <= 20, "what was under way with the fifth"
    assert calls[1] == before
    assert calls[2] == calls[3] == before + 1
    assert Delivery.objects.filter(tries=0).count() >= 9, "resting costs no try"
    program.status = 200
    work(manual_clock, minutes=20)
    work(manual_clock, minutes=10)
    assert not Delivery.objects.exclude(next_at=None).exists()


# --- seen --------------------------------------------------------------------------------------


def test_its_owner_sees_what_was_given_up_and_has_it_tried_again(
    tenant: Tenant, program: Receiver, manual_clock: ManualClock
) -> None:
    operator = Client()
    operator.force_login(User.objects.create_superuser("op"))
    program.status = 404
    finish(tenant, program)
    delivery.look()
    Delivery.objects.update(tries=TRIES - 1)
    work(manual_clock)
    page = operator.get("/admin/webhooks/delivery/").content.decode()
    for word in ("127.0.0.1", "given up", "Alice"):
        assert word in page
    told = Delivery.objects.get()
    pages = [page, operator.get(f"/admin/webhooks/delivery/{told.pk}/change/").content.decode()]
    pages += [operator.get("/admin/webhooks/endpoint/").content.decode()]
    assert "404" in pages[1]
    assert not any("SECRET" in each for each in pages)
    program.status = 200
    again = {"action": "again", "_selected_action": [str(told.pk)]}
    operator.post("/admin/webhooks/delivery/", again)
    work(manual_clock)
    assert "delivered" in operator.get("/admin/webhooks/delivery/").content.decode()
    assert len(program.calls) == 2
