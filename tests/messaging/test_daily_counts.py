"""Counts by licence, day and state: each message once, whoever dies, however many count."""

from __future__ import annotations

import threading

import pytest
from django.db import connections, transaction

from licenses import services
from messaging import daily_counts, tasks
from messaging.models import DailyCount, Message, PhoneCount, Progress, StateChange
from messaging.progress import Walked, advance
from messaging.services import owner
from smsgate.operations.metrics import _Queue
from tests.conftest import Api, ManualClock, Phone, Tenant, in_threads, pair_phone
from tests.delivery import Wire, accept, event, sent


def counted(tenant: Tenant) -> dict[tuple[str, str], int]:
    rows = DailyCount.objects.filter(license=tenant.license)
    return {(str(row.day), row.state): row.number for row in rows}


def bulk(api: Api, tenant: Tenant, number: int) -> None:
    messages = [tenant.message(f"m-{n}") | {"license__key": None} for n in range(number)]
    answer = api.post("/api/messages/bulk/", tenant.bulk(messages))
    assert answer.json()["created_count"] == number


def test_each_licences_messages_are_counted_by_day_and_state(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    wire = Wire(api, phone)
    first = accept(api, tenant, "a")
    accept(api, other_tenant, "a")
    wire.claim()
    manual_clock.advance(hours=10)  # past midnight in UTC
    accept(api, tenant, "b")
    wire.report(*sent(first))
    for _ in range(2):
        tasks.count_states()
    assert counted(tenant) == {
        ("2026-04-09", "accepted"): 1,
        ("2026-04-09", "leased"): 1,
        ("2026-04-10", "accepted"): 1,
        ("2026-04-10", "sent"): 1,
    }
    assert counted(other_tenant) == {("2026-04-09", "accepted"): 1}
    totals = daily_counts.totals()
    assert (totals["accepted"], totals["leased"], totals["sent"]) == (3, 1, 1)
    assert totals["failed"] == 0


def test_each_phones_messages_are_counted_by_sim_with_their_parts(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    wire, other = Wire(api, phone), Wire(api, pair_phone(tenant, "Other"))
    moved = accept(api, tenant, "moved")
    long = accept(api, tenant, "long", message="x" * 161)
    Message.objects.filter(pk=long).update(sim=1)
    wire.claim()
    wire.report(event("part_failed", moved, part=1, parts=1, code="no_service"))
    wire.report(*(event("part_sent", long, part=part, parts=2) for part in (1, 2)))
    manual_clock.advance(minutes=1)
    owner.resolve(tenant.account.pk, moved, "again")
    other.claim()
    other.report(*sent(moved, 2))
    for _ in range(2):
        tasks.count_states()
    rows = PhoneCount.objects.values_list("device", "sim", "state", "number", "parts")
    assert set(rows) == {
        (phone.device.pk, None, "failed", 1, 1),
        (phone.device.pk, 1, "sent", 1, 2),
        (other.phone.device.pk, None, "sent", 1, 1),
    }


def test_a_death_between_two_counts_of_the_same_changes_counts_nothing_twice(
    api: Api, tenant: Tenant, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(api, phone)
    first = accept(api, tenant)
    wire.claim()
    wire.report(*sent(first))

    def die_by_phone(progress: Progress, walked: Walked) -> int:
        return advance(progress, walked) // (progress.task != "count_by_phone")

    with monkeypatch.context() as dying:
        dying.setattr(daily_counts, "advance", die_by_phone)
        with pytest.raises(ZeroDivisionError):
            daily_counts.count()
    assert not PhoneCount.objects.exists()
    assert daily_counts.counted_id() == 0, "its details are kept until it is counted"
    for _ in range(2):
        daily_counts.count()
    assert PhoneCount.objects.get().number == 1
    assert counted(tenant)[f"{PhoneCount.objects.get().day}", "sent"] == 1


def test_it_goes_piece_by_piece_through_what_was_there_before_it_counted(
    api: Api, tenant: Tenant, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk(api, tenant, 10)
    monkeypatch.setattr(daily_counts, "PIECE", 4)
    assert [daily_counts.count() for _ in range(4)] == [4, 4, 2, 0]
    assert daily_counts.totals()["accepted"] == 10


def test_a_count_that_died_is_done_once(
    api: Api, tenant: Tenant, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk(api, tenant, 10)
    with monkeypatch.context() as dying:
        dying.setattr(daily_counts, "advance", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            daily_counts.count()
    assert daily_counts.totals()["accepted"] == 0
    daily_counts.count()
    assert daily_counts.totals()["accepted"] == 10


@pytest.mark.django_db(transaction=True)
def test_a_thousand_are_a_thousand_while_several_count_and_phones_report(
    api: Api, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily_counts, "PIECE", 30)
    tenant = Tenant(services.provision("Counted"))
    wire = Wire(api, pair_phone(tenant))
    is_over = threading.Event()

    def count() -> None:
        while daily_counts.count() or not is_over.is_set():
            pass

    def send() -> None:
        try:
            bulk(api, tenant, 1_000)
            for _ in range(4):
                taken = [message["message_id"] for message in wire.claim(50)]
                wire.report(*(each for message_id in taken for each in sent(message_id)))
        finally:
            is_over.set()

    in_threads([count, send, count], 3)
    count()
    totals = daily_counts.totals()
    assert totals["accepted"] == Message.objects.count() == 1_000
    for state in ("leased", "sent"):
        assert totals[state] == StateChange.objects.filter(to_state=state).count() > 0
        assert (
            sum(n for (_, reached), n in counted(tenant).items() if reached == state)
            == totals[state]
        )
    families = [{f.name: f for f in _Queue().collect()} for _ in range(2)]
    for found in families:  # as by two processes
        samples = found["smsgate_messages_reached"].samples
        assert {"accepted": 1_000.0}.items() <= {
            s.labels["state"]: s.value for s in samples
        }.items()


@pytest.mark.django_db(transaction=True)
def test_one_that_is_committed_late_under_a_lower_id_is_not_passed_over(
    api: Api, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily_counts, "PATIENCE_SECONDS", 0.0)
    tenant = Tenant(services.provision("Late"))
    is_written, may_commit = threading.Event(), threading.Event()

    def late() -> None:
        try:
            with transaction.atomic():
                accept(api, tenant, "lower")
                is_written.set()
                assert may_commit.wait(20)
        finally:
            is_written.set()
            connections.close_all()

    writer = threading.Thread(target=late)
    writer.start()
    try:
        assert is_written.wait(20)
        accept(Api(), tenant, "higher")
        assert daily_counts.count() == 0, "its own turn comes when the writer has ended"
    finally:
        may_commit.set()
        writer.join()
    assert daily_counts.count() == 2
    assert counted(tenant)["2026-04-09", "accepted"] == 2
