"""POST /companion/sync/: reports."""

from __future__ import annotations

import itertools
import threading
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from messaging.models import Event, InboundMessage, Message, OptOut
from messaging.services.reconcile import settle
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone
from tests.delivery import Wire, accept, event, history, sent, status
from tests.smsgate.processes import wait_until


@pytest.fixture
def wire(api: Api, phone: Phone) -> Wire:
    return Wire(api, phone)


@pytest.fixture
def leased(api: Api, tenant: Tenant, wire: Wire) -> int:
    """A message in the phone's hands."""
    message_id = accept(api, tenant)
    assert len(wire.claim()) == 1
    return message_id


def test_a_message_goes_its_way(wire: Wire, leased: int, manual_clock: ManualClock) -> None:
    wire.report(event("started", leased, parts=1))
    assert status(leased) == "sending"
    wire.report(event("part_sent", leased, part=1, parts=1))
    assert status(leased) == "sent"
    wire.report(event("part_delivered", leased, part=1, parts=1))
    assert status(leased) == "delivered"
    assert history(leased) == [
        ("pending", "leased"),
        ("leased", "sending"),
        ("sending", "sent"),
        ("sent", "delivered"),
    ]
    row = Message.objects.get(pk=leased)
    assert row.sent_at == row.delivered_at == manual_clock.now


@pytest.mark.parametrize(
    ("reports", "state", "reason"),
    [
        ([("part_failed", 1, 1, "no_service")], "failed", "no_service"),
        ([("part_sent", 1, 2, ""), ("part_failed", 2, 2, "x")], "failed", "partially_sent"),
        ([("part_sent", 1, 2, "")], "sending", ""),
        ([("part_sent", 1, 1, ""), ("part_undelivered", 1, 1, "")], "undelivered", ""),
        ([("part_delivered", 1, 2, ""), ("part_sent", 2, 2, "")], "sent", ""),
    ],
)
def test_the_parts_make_the_state(
    wire: Wire, leased: int, reports: list[tuple[str, int, int, str]], state: str, reason: str
) -> None:
    wire.report(
        *(event(kind, leased, part=p, parts=ps, code=code) for kind, p, ps, code in reports)
    )
    assert status(leased) == state
    assert Message.objects.get(pk=leased).failure_reason == reason


def test_the_phones_part_count_rules(api: Api, tenant: Tenant, wire: Wire, leased: int) -> None:
    wire.report(event("started", leased, parts=2), event("part_sent", leased, part=1, parts=2))
    shown = api.get(f"/api/messages/{leased}/", tenant).json()
    assert (shown["status"], shown["parts"]) == ("sending", 2)


def test_any_order_and_any_repetition_gives_the_same_state(
    api: Api, tenant: Tenant, wire: Wire
) -> None:
    for number, order in enumerate(itertools.permutations(range(4))):
        message_id = accept(api, tenant, f"p-{number}")
        wire.claim()
        log = [
            event("started", message_id, parts=1),
            event("unknown", message_id),
            event("part_sent", message_id, part=1, parts=1),
            event("part_delivered", message_id, part=1, parts=1),
        ]
        for index in order:
            wire.report(log[index], log[order[0]])
        assert status(message_id) == "delivered"
        history(message_id)


def test_a_release_puts_it_back_after_a_rest_that_grows(
    api: Api, wire: Wire, leased: int, manual_clock: ManualClock
) -> None:
    for attempt, minutes in enumerate([1, 5, 15, 15], 1):
        wire.report(event("released", leased, attempt, code="no_service"))
        assert status(leased) == "scheduled"
        manual_clock.advance(minutes=minutes, seconds=-1)
        assert wire.claim() == []
        manual_clock.advance(seconds=1)
        assert [m["attempt"] for m in wire.claim()] == [attempt + 1]


def test_a_report_for_an_old_attempt_moves_nothing(
    wire: Wire, leased: int, manual_clock: ManualClock
) -> None:
    wire.report(event("released", leased))
    manual_clock.advance(minutes=2)
    wire.claim()
    for kind in ("started", "unknown", "released"):
        wire.report(event(kind, leased, 1))
        assert status(leased) == "leased"


def test_a_proof_of_sending_is_believed_for_an_old_attempt_and_stops_the_new_one(
    wire: Wire, leased: int, manual_clock: ManualClock
) -> None:
    wire.report(event("released", leased))
    manual_clock.advance(minutes=2)
    wire.claim()
    wire.report(event("part_sent", leased, 1, part=1, parts=1))
    assert status(leased) == "sent"
    held = [{"message_id": leased, "attempt": 2}]
    assert wire.sync(capacity=0, held=held)["cancel"] == [leased]
    wire.report(event("released", leased, 2, code="cancelled"))
    assert status(leased) == "sent"


def test_resend_is_for_those_who_asked_for_it(api: Api, tenant: Tenant, wire: Wire) -> None:
    message_id = accept(api, tenant, on_uncertain="resend")
    wire.claim()
    wire.report(event("started", message_id, parts=1), event("unknown", message_id))
    assert status(message_id) == "pending"
    assert [m["attempt"] for m in wire.claim()] == [2]
    history(message_id)


def test_unknown_is_held_for_its_owner(wire: Wire, leased: int) -> None:
    wire.report(event("started", leased, parts=1), event("unknown", leased))
    assert status(leased) == "uncertain"
    assert wire.claim() == []


BAD: list[Any] = [
    {"type": "nonsense"},
    {"type": "started", "message_id": 10**12, "attempt": 1},
    {"type": "started", "message_id": "x", "attempt": 1},
    {"type": "part_sent", "message_id": 1, "attempt": 1},
    {"type": "part_sent", "message_id": 1, "attempt": 1, "part": 3, "parts": 2},
    {"type": "started", "message_id": 1, "attempt": 10**30},
    {"type": "received"},
    {"type": ["a", "list"]},
    {},
]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_event_is_kept_aside_and_acknowledged(
    wire: Wire, leased: int, bad: dict[str, Any]
) -> None:
    event_id = str(uuid4())
    good = sent(leased)
    answer = wire.report({"event_id": event_id, **bad}, *good)
    assert set(answer["acked"]) == {event_id, *(one["event_id"] for one in good)}
    assert Event.objects.exclude(quarantine="").count() == 1
    assert status(leased) == "sent"


@pytest.mark.parametrize(
    "odd",
    [
        {"sim": -1},  # Android's invalid slot
        {"sim": "one"},
        {"wall_time": "x" * 41},
        {"wall_time": 1764075600},
        {"text": "x" * 20_000},
        {"sender": "x" * 65},
        {"sender": 48111222333},
        {"sender": ""},
        {"text": None},
    ],
)
def test_a_received_sms_is_kept_whatever_is_odd_about_it(
    all_sms_kept: None, wire: Wire, odd: dict[str, Any]
) -> None:
    received = {"event_id": str(uuid4()), "type": "received", "sender": "+48111222333", "sim": 0}
    wire.report(received | {"text": "I am ill"} | odd)
    row = InboundMessage.objects.get()
    assert row.text == (odd.get("text", "I am ill") or "")
    assert not Event.objects.exists()


def test_a_failure_counts_whatever_its_code_looks_like(wire: Wire, leased: int) -> None:
    wire.report(event("part_failed", leased, part=1, parts=1, code="x" * 65))
    assert status(leased) == "failed"


def test_a_bad_event_keeps_what_could_be_read_of_it(wire: Wire, leased: int) -> None:
    wire.report(event("teleported", leased), event("started", leased, parts="many"))
    rows = Event.objects.order_by("pk").values_list("type", "message_id", "quarantine")
    assert list(rows) == [
        ("teleported", leased, "unknown_type"),
        ("started", leased, "malformed"),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_report_that_met_a_deadlock_is_applied_in_the_next_try(
    api: Api, wire: Wire, leased: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not the report's fault: were it quarantined, a proof of sending would be lost."""
    tries: list[int] = []

    def settle_or_deadlock(messages: Any, attempts: Any, keys: Any, now: Any) -> None:
        tries.append(len(keys))
        if len(tries) == 1:
            with connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION USING errcode = '40P01'; END $$")
        settle(messages, attempts, keys, now)

    monkeypatch.setattr("messaging.services.reports.settle", settle_or_deadlock)
    wire.report(*sent(leased))
    assert tries == [1, 1]
    assert status(leased) == "sent"
    assert not Event.objects.exclude(quarantine="").exists()


@pytest.mark.django_db(transaction=True)
def test_received_messages_are_committed_in_the_order_of_their_ids(
    all_sms_kept: None, wire: Wire, tenant: Tenant
) -> None:
    """Else who asks for what came after the newest that it knows would never see the later one."""
    other = Wire(Api(), pair_phone(tenant, "install-2"))

    def report_another() -> None:
        try:
            other.report(received("second"))
        finally:
            connection.close()

    thread = threading.Thread(target=report_another)
    with transaction.atomic():
        wire.report(received("first"))
        thread.start()
        wait_until(lambda: is_waited_for() or not thread.is_alive(), "the second is on its way")
        assert thread.is_alive()
    thread.join()
    assert list(InboundMessage.objects.order_by("pk").values_list("text", flat=True)) == [
        "first", "second",
    ]  # fmt: skip


def received(text: str) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()), "type": "received", "sender": "+48600100200", "text": text,
        "wall_time": "2026-04-09T14:32:00+00:00",
    }  # fmt: skip


def is_waited_for() -> bool:
    """Whether another connection waits for a lock that this one holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("event_id", "acked"), [({}, []), ([], []), (None, []), (7, ["7"]), ("seven", ["seven"])]
)
def test_what_is_acknowledged_is_always_text(
    wire: Wire, event_id: object, acked: list[str]
) -> None:
    """Anything else, and the phone could not read the answer: it would say the same for ever."""
    answer = wire.report({"event_id": event_id, "type": "unknown"})
    assert answer["acked"] == acked


def test_another_tenants_message_is_not_moved(api: Api, leased: int, other_tenant: Tenant) -> None:
    stranger = Wire(api, pair_phone(other_tenant))
    stranger.report(*sent(leased))
    assert status(leased) == "leased"
    assert Event.objects.exclude(quarantine="").count() == 2


def test_a_batch_of_reports_costs_the_same_whatever_its_size(
    api: Api, tenant: Tenant, wire: Wire
) -> None:
    counts = []
    for size in (2, 40):
        for number in range(size):
            accept(api, tenant, f"{size}-{number}")
        ids = [message["message_id"] for message in wire.claim(50)]
        with CaptureQueriesContext(connection) as queries:
            wire.report(*(one for message_id in ids for one in sent(message_id)))
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("text", ["STOP", " „Stop!” ", "rezygnuję.", "Wypisz mnie"])
def test_stop_opts_out_and_start_takes_it_back(
    api: Api, tenant: Tenant, wire: Wire, text: str
) -> None:
    waiting = accept(api, tenant)
    stop = {"event_id": str(uuid4()), "type": "received", "sender": "123456789", "text": text}
    wire.report(stop)
    assert OptOut.objects.get().phone == "+48123456789"
    assert status(waiting) == "cancelled"
    start = stop | {"event_id": str(uuid4()), "text": "start"}
    wire.report(start)
    wire.report(stop)  # a repeated report is one report
    assert not OptOut.objects.exists()
    assert InboundMessage.objects.count() == 2


def test_an_ordinary_answer_is_only_kept(all_sms_kept: None, tenant: Tenant, wire: Wire) -> None:
    wire.report(
        {"event_id": str(uuid4()), "type": "received", "sender": "InfoSMS", "text": "Stop by at 5?"}
    )
    assert InboundMessage.objects.get().sender == "InfoSMS"
    assert not OptOut.objects.exists()
