"""The end of details: attempts, reports and changes of state of messages that finished long ago."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from licenses import services
from messaging import details, tasks
from messaging.events import REPORT_TYPES
from messaging.models import Attempt, Claim, Event, Message, Progress, StateChange
from messaging.services.restore import hold_what_may_have_been_sent
from messaging.states import FINAL
from tests.conftest import Api, ManualClock, Phone, Tenant, in_threads, pair_phone, refused
from tests.delivery import Wire, accept, event, sent, status

URL = "/api/messages/"
DETAILS = (Attempt, Claim, Event, StateChange)


@pytest.fixture
def wire(api: Api, phone: Phone) -> Wire:
    return Wire(api, phone)


def erase() -> None:
    tasks.count_states()  # nothing ends before it is counted
    tasks.erase_old()


def left() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in DETAILS}


def row(message_id: int) -> dict[str, Any]:
    return dict(Message.objects.filter(pk=message_id).values().get())


def part(kind: str, message_id: int, **fields: Any) -> dict[str, Any]:
    return event(kind, message_id, part=1, parts=1, **fields)


Finish = Callable[[Api, Tenant, Wire, int], list[dict[str, Any]]]


def report(*kinds: str) -> Finish:
    """A way to an end: these words of its phone."""

    def finish(api: Api, tenant: Tenant, wire: Wire, message_id: int) -> list[dict[str, Any]]:
        wire.claim()
        events = [event("started", message_id, parts=1)]
        events += [part(kind, message_id, code="no_service") for kind in kinds]
        wire.report(*events)
        return events

    return finish


def cancel(api: Api, tenant: Tenant, wire: Wire, message_id: int) -> list[dict[str, Any]]:
    wire.claim()
    api.delete(f"{URL}{message_id}/", tenant)
    events = [event("released", message_id, code="cancelled")]
    wire.report(*events)
    return events


def give_up(api: Api, tenant: Tenant, wire: Wire, message_id: int) -> list[dict[str, Any]]:
    wire.claim()
    events = [event("started", message_id, parts=1), event("unknown", message_id)]
    wire.report(*events)
    api.post(f"{URL}{message_id}/resolve/", {"as": "given_up"}, **tenant.headers)
    return events


def miss(api: Api, tenant: Tenant, wire: Wire, message_id: int) -> list[dict[str, Any]]:
    wire.claim()
    Message.objects.filter(pk=message_id).update(expires_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    events = [event("released", message_id, code="window_closed")]
    wire.report(*events)
    return events


ENDS: dict[str, Finish] = {
    "sent": report("part_sent"),
    "delivered": report("part_sent", "part_delivered"),
    "undelivered": report("part_sent", "part_undelivered"),
    "failed": report("part_failed"),
    "cancelled": cancel,
    "expired": miss,
}


def test_every_end_is_tried_here() -> None:
    assert ENDS.keys() == {state.value for state in FINAL}


def end_details(manual_clock: ManualClock) -> None:
    manual_clock.advance(days=90, seconds=1)
    erase()


def test_details_end_ninety_days_after_the_end(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    wire.claim()
    wire.report(*sent(message_id))
    manual_clock.advance(days=5)
    wire.report(part("part_delivered", message_id))
    manual_clock.advance(days=90)
    erase()
    shown = api.get(f"{URL}{message_id}/", tenant).json()
    assert (len(shown["timeline"]), shown["details_ended"]) == (3, False)
    manual_clock.advance(seconds=1)
    before = row(message_id)
    erase()
    assert left() == dict.fromkeys(left(), 0)
    assert row(message_id) == before
    shown = api.get(f"{URL}{message_id}/", tenant).json()
    assert (shown["timeline"], shown["details_ended"]) == ([], True)
    assert shown["delivered_at"]


@pytest.mark.parametrize("kind", sorted(REPORT_TYPES))
@pytest.mark.parametrize("end", ENDS)
def test_a_late_report_is_acknowledged_and_moves_nothing(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock, end: str, kind: str
) -> None:
    message_id = accept(api, tenant)
    ENDS[end](api, tenant, wire, message_id)
    assert status(message_id) == end
    end_details(manual_clock)
    before = row(message_id)
    late = part(kind, message_id, code="no_service")
    assert wire.report(late)["acked"] == [late["event_id"]]
    assert row(message_id) == before
    assert wire.claim() == []
    assert list(Event.objects.values_list("type", "quarantine")) == [(kind, "details_ended")]
    assert not StateChange.objects.exists()


@pytest.mark.parametrize("end", ENDS)
def test_a_phone_that_heard_no_acknowledgement_may_say_all_again(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock, end: str
) -> None:
    message_id = accept(api, tenant)
    events = ENDS[end](api, tenant, wire, message_id)
    end_details(manual_clock)
    before = row(message_id)
    claim, held = str(uuid4()), [{"message_id": message_id, "attempt": 1}]
    for _ in range(2):
        answer = wire.sync(claim_id=claim, capacity=5, held=held, events=events)
        assert set(answer["acked"]) == {each["event_id"] for each in events}
        assert (answer["messages"], answer["cancel"]) == ([], [message_id])
        assert row(message_id) == before
    assert Event.objects.count() == len(events)


def test_a_claim_whose_messages_ended_leases_none_of_them_again(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id, claim = accept(api, tenant), str(uuid4())
    assert wire.sync(claim_id=claim, capacity=5)["messages"]
    wire.report(*sent(message_id))
    end_details(manual_clock)
    assert wire.sync(claim_id=claim, capacity=5)["messages"] == []


def test_its_external_id_is_refused_as_before(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    wire.claim()
    wire.report(*sent(message_id))
    end_details(manual_clock)
    refused(api.post(URL, tenant.message()), 400, "duplicate_external_id", "external_id")


@pytest.mark.parametrize("end", [ENDS["failed"], give_up])
def test_what_failed_long_ago_is_not_sent_again(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock, end: Finish
) -> None:
    """Nobody can tell any more whether a part of it was sent."""
    message_id = accept(api, tenant)
    end(api, tenant, wire, message_id)
    end_details(manual_clock)
    answer = api.post(f"{URL}{message_id}/resolve/", {"as": "again"}, **tenant.headers)
    refused(answer, 409, "conflict")
    assert status(message_id) == "failed"
    assert wire.claim() == []


def test_what_is_not_over_keeps_its_details_until_it_is(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    tenant.set_rules(max_age_hours=None)
    doubtful, waiting = accept(api, tenant, "a"), accept(api, tenant, "b")
    wire.claim()
    wire.report(event("started", doubtful, parts=1), event("unknown", doubtful))
    wire.report(event("released", waiting, code="no_service"))
    manual_clock.advance(minutes=2)
    before = left()
    end_details(manual_clock)
    assert left() == before
    wire.report(part("part_sent", doubtful))
    assert status(doubtful) == "sent"
    end_details(manual_clock)
    assert set(StateChange.objects.values_list("message_id", flat=True)) == {waiting}
    assert set(Attempt.objects.values_list("message_id", flat=True)) == {waiting}


def test_another_reason_of_a_failure_does_not_put_its_end_off(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    ENDS["failed"](api, tenant, wire, message_id)
    manual_clock.advance(days=89)
    wire.report(event("part_failed", message_id, part=2, parts=2, code="null_pdu"))
    wire.report(event("part_sent", message_id, part=3, parts=3))
    assert Message.objects.get().failure_reason == "partially_sent"
    manual_clock.advance(days=1, seconds=1)
    erase()
    assert not StateChange.objects.exists()


def test_what_was_cancelled_when_it_was_accepted_has_no_details_to_end(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    now = manual_clock.now
    message = Message.objects.get(pk=accept(api, tenant))
    message.status, message.created_at, message.finished_at = "cancelled", now, now
    message.save()
    end_details(manual_clock)
    assert api.get(f"{URL}{message.pk}/", tenant).json()["details_ended"] is False


def test_a_phones_false_word_about_anothers_message_is_no_detail_of_it(
    api: Api, tenant: Tenant, other_tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    ENDS["sent"](api, tenant, wire, message_id)
    manual_clock.advance(days=89)
    stranger = Wire(api, pair_phone(other_tenant))
    stranger.report(event("started", message_id))
    manual_clock.advance(days=1, seconds=1)
    erase()
    assert [kept.device_id for kept in Event.objects.all()] == [stranger.phone.device.pk]


@pytest.mark.parametrize("days", [1, 2])
def test_a_claim_is_remembered_for_two_days_whatever_the_installation_says(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock, settings: Any, days: int
) -> None:
    settings.DETAIL_DAYS = days
    ENDS["sent"](api, tenant, wire, accept(api, tenant))
    manual_clock.advance(days=2)
    erase()
    assert Claim.objects.exists()
    manual_clock.advance(seconds=1)
    erase()
    assert not Claim.objects.exists()


@pytest.mark.parametrize(("days", "kept"), [(0, True), (1, False), (36_500, True)])
def test_the_days_are_the_installations(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock, settings: Any,
    days: int, kept: bool,
) -> None:  # fmt: skip
    settings.DETAIL_DAYS = days
    ENDS["sent"](api, tenant, wire, accept(api, tenant))
    manual_clock.advance(days=1_000)
    erase()
    assert StateChange.objects.exists() is kept


def test_after_a_restore_what_ended_stays_ended(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id, waiting = accept(api, tenant, "a"), accept(api, tenant, "b", priority=1)
    wire.claim(1)
    events = sent(message_id)
    wire.report(*events)
    Message.objects.filter(pk=waiting).update(expires_at=None)
    end_details(manual_clock)
    held = hold_what_may_have_been_sent(manual_clock.now)
    assert (held.uncertain, status(message_id), status(waiting)) == (1, "sent", "uncertain")
    before = row(message_id)
    wire.report(*events, part("part_delivered", message_id))
    assert row(message_id) == before
    new = accept(api, tenant, "c")
    assert [message["message_id"] for message in wire.claim()] == [new]
    wire.report(*sent(new))
    end_details(manual_clock)
    assert not StateChange.objects.filter(message_id=new).exists()


def test_one_that_died_between_two_pieces_goes_on_where_it_stood(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(details, "PIECE", 2)
    for number in range(3):
        ENDS["sent"](api, tenant, wire, accept(api, tenant, str(number)))
    manual_clock.advance(days=91)
    before = manual_clock.now - dt.timedelta(days=90)
    tasks.count_states()
    assert details.end_details(before) == 2
    stood = Progress.objects.get(task="end_details").last_id
    with monkeypatch.context() as dying:
        dying.setattr(details, "advance", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            details.end_details(before)
    assert Progress.objects.get(task="end_details").last_id == stood
    assert Message.objects.exclude(state_changes=None).distinct().count() == 2
    erase()
    assert left() == dict.fromkeys(left(), 0)


@pytest.mark.django_db(transaction=True)
def test_two_workers_and_a_late_report_at_once(
    api: Api, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(details, "PIECE", 5)
    tenant = Tenant(services.provision("Twice"))
    wire = Wire(api, pair_phone(tenant))
    ids = [accept(api, tenant, str(number)) for number in range(30)]
    wire.claim(50)
    wire.report(*(each for message_id in ids for each in sent(message_id)))
    manual_clock.advance(days=90, seconds=1)
    before = manual_clock.now - dt.timedelta(days=90)

    def end() -> None:
        while details.end_details(before):
            pass

    def tell() -> None:
        wire.report(*(part("part_delivered", message_id) for message_id in ids))

    tasks.count_states()
    in_threads([end, tell, end], 3)
    end()
    # Each is delivered, with what came since, or has ended as it was.
    for message in Message.objects.all():
        kinds = set(Event.objects.filter(message_id=message.pk).values_list("type", "quarantine"))
        changes = StateChange.objects.filter(message=message).count()
        if message.status == "delivered":
            assert (changes, len(kinds)) == (3, 3)
        else:
            assert message.status == "sent"
            assert (changes, kinds) == (0, {("part_delivered", "details_ended")})


def test_nothing_ends_before_all_of_it_is_counted(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = accept(api, tenant)
    wire.claim()
    tasks.count_states()
    wire.report(*sent(message_id))
    manual_clock.advance(days=91)
    tasks.erase_old()
    assert len(StateChange.objects.all()) == 2
    erase()
    assert not StateChange.objects.exists()


def test_what_is_late_is_said(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ENDS["sent"](api, tenant, wire, accept(api, tenant))
    manual_clock.advance(days=90, hours=2)
    monkeypatch.setattr(tasks, "_ERASE_SECONDS", 0.0)
    erase()
    assert api.client.get("/readyz/").json()["retention"] == "behind"
    monkeypatch.setattr(tasks, "_ERASE_SECONDS", 50.0)
    erase()
    assert api.client.get("/readyz/").json()["retention"] == "ok"
