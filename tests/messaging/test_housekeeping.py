"""What only time brings about, and what an owner decides."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import CharField, JSONField, TextField

from licenses import services
from licenses.models import Account, Device, License
from messaging import retention, tasks
from messaging.drafts import Draft
from messaging.models import Attempt, Batch, Claim, Event, Message, StateChange
from messaging.retention import ERASE_MESSAGES
from messaging.services import batches, housekeeping
from smsgate.celery import app
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone
from tests.delivery import Wire, accept, event, history, sent, status


@pytest.fixture
def wire(api: Api, phone: Phone) -> Wire:
    return Wire(api, phone)


@pytest.fixture
def leased(api: Api, tenant: Tenant, manual_clock: ManualClock, wire: Wire) -> int:
    message_id = accept(api, tenant)
    wire.claim()
    return message_id


def test_what_is_due_becomes_pending(api: Api, tenant: Tenant, manual_clock: ManualClock) -> None:
    message_id = accept(api, tenant, send_after="2026-04-09T15:00:00Z")
    assert (housekeeping.promote_due(), status(message_id)) == (0, "scheduled")
    manual_clock.advance(minutes=28)
    assert (housekeeping.promote_due(), status(message_id)) == (1, "pending")
    assert housekeeping.promote_due() == 0
    assert history(message_id) == [("scheduled", "pending")]


def test_what_was_not_sent_in_time_expires(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant, send_before="2026-04-09T15:00:00Z")
    assert (housekeeping.expire_overdue(), status(message_id)) == (0, "pending")
    manual_clock.advance(minutes=28)
    assert (housekeeping.expire_overdue(), status(message_id)) == (1, "expired")
    assert housekeeping.expire_overdue() == 0


def test_a_lease_that_ran_out_is_uncertain_and_never_pending_by_time_alone(
    leased: int, manual_clock: ManualClock
) -> None:
    manual_clock.advance(seconds=660)
    assert housekeeping.doubt_expired_leases() == 0
    manual_clock.advance(seconds=1)
    assert housekeeping.doubt_expired_leases() == 1
    assert status(leased) == "uncertain"
    manual_clock.advance(days=30)
    housekeeping.promote_due()
    assert (housekeeping.doubt_expired_leases(), status(leased)) == (0, "uncertain")


@pytest.mark.parametrize(
    ("word", "state"),
    [("released", "scheduled"), ("part_sent", "sent"), ("part_failed", "failed")],
)
def test_the_phones_later_word_clears_the_doubt(
    wire: Wire, leased: int, manual_clock: ManualClock, word: str, state: str
) -> None:
    manual_clock.advance(minutes=20)
    housekeeping.doubt_expired_leases()
    wire.report(event(word, leased, part=1, parts=1))
    assert status(leased) == state
    history(leased)


def test_one_that_was_started_has_longer(
    wire: Wire, leased: int, manual_clock: ManualClock
) -> None:
    wire.report(event("started", leased, parts=1))
    manual_clock.advance(minutes=29)
    assert housekeeping.doubt_expired_leases() == 0
    manual_clock.advance(minutes=2)
    assert housekeeping.doubt_expired_leases() == 1
    assert status(leased) == "uncertain"


def test_resend_after_a_lost_lease(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant, on_uncertain="resend")
    wire.claim()
    manual_clock.advance(minutes=20)
    housekeeping.doubt_expired_leases()
    assert status(message_id) == "pending"


def test_a_message_in_doubt_does_not_expire_as_if_it_had_not_been_sent(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant, on_uncertain="resend", send_before="2026-04-09T15:30:00Z")
    wire.claim()
    manual_clock.advance(minutes=20)
    housekeeping.doubt_expired_leases()
    manual_clock.advance(hours=1)
    assert wire.claim() == []
    assert status(message_id) == "uncertain"
    assert Message.objects.get().failure_reason == "expired"


def test_a_phone_that_missed_three_syncs_is_marked_until_it_is_back(
    wire: Wire, phone: Phone, manual_clock: ManualClock
) -> None:
    wire.sync(capacity=0)
    manual_clock.advance(minutes=45)
    assert housekeeping.mark_silent_devices() == 0
    manual_clock.advance(seconds=1)
    assert housekeeping.mark_silent_devices() == 1
    assert housekeeping.mark_silent_devices() == 0
    assert Device.objects.get().silent_since == manual_clock.now
    wire.sync(capacity=0)
    assert Device.objects.get().silent_since is None


def test_retention_erases_phone_and_text_but_remembers_the_external_id(
    api: Api, tenant: Tenant, wire: Wire, leased: int, manual_clock: ManualClock
) -> None:
    wire.report(*sent(leased))
    waiting = accept(api, tenant, "still waiting")
    manual_clock.advance(days=180, seconds=1)
    tasks.erase_old()
    row = Message.objects.get(pk=leased)
    assert (row.phone, row.text) == ("", "")
    assert Message.objects.get(pk=waiting).text
    assert api.post("/api/messages/", tenant.message("a-1")).status_code == 400


# Texts of a message that say nothing of a person.
KEPT = {"external_id", "status", "send_after_given", "on_uncertain", "encoding", "failure_reason"}


def test_each_text_of_a_message_is_erased_or_known_to_be_kept() -> None:
    """A text column that is added to the model does not outlive its account's retention unseen."""
    texts = {
        field.name
        for field in Message._meta.concrete_fields
        if isinstance(field, (CharField, TextField, JSONField))
    }
    assert texts - set(re.findall(r"(\w+) = ''", ERASE_MESSAGES)) == KEPT


def test_what_cannot_be_erased_holds_up_nothing_else_and_is_seen(
    tenant: Tenant, api: Api, leased: int, wire: Wire,
    manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    wire.report(*sent(leased))
    manual_clock.advance(days=181)
    erasers = housekeeping.ERASERS
    monkeypatch.setattr(housekeeping, "ERASERS", (lambda now: 1 // 0, *erasers))
    tasks.promote()
    with pytest.raises(ExceptionGroup, match="was not erased"):
        tasks.erase_old()
    assert Message.objects.get(pk=leased).phone == ""
    assert api.client.get("/readyz/").json()["worker"] == "failing"
    monkeypatch.setattr(housekeeping, "ERASERS", erasers)
    tasks.erase_old()
    assert api.client.get("/readyz/").json()["worker"] == "ok"


def end_many(tenant: Tenant, number: int, finished_at: dt.datetime) -> None:
    """Insert messages that were finished then."""
    license = tenant.license
    Message.objects.bulk_create(
        Message(
            account_id=license.account_id, license=license, phone="+48123456789", text="Hi",
            status="sent", parts=1, encoding="gsm7", any_hour=False, due_at=finished_at,
            created_at=finished_at, sent_at=finished_at, finished_at=finished_at,
        )
        for _ in range(number)
    )  # fmt: skip


def test_each_accounts_texts_are_erased_after_its_own_days(
    tenant: Tenant, other_tenant: Tenant, manual_clock: ManualClock
) -> None:
    other_tenant.set_rules(retention_days=1)
    for owner in (tenant, other_tenant):
        end_many(owner, 2, manual_clock.now)
        end_many(owner, 1, manual_clock.now + dt.timedelta(seconds=1))
    manual_clock.advance(days=1, seconds=1)
    tasks.erase_old()
    kept = Message.objects.exclude(phone="")
    assert kept.filter(license=tenant.license).count() == 3
    assert kept.filter(license=other_tenant.license).count() == 1


def test_erasing_goes_on_piece_by_piece_until_it_is_told_to_stop(
    tenant: Tenant, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PIECE", 3)
    end_many(tenant, 10, manual_clock.now)
    manual_clock.advance(days=181)
    rounds = iter([True, True, False])
    housekeeping.erase_old(lambda: next(rounds))
    assert Message.objects.filter(phone="").count() == 6
    tasks.erase_old()
    assert Message.objects.filter(phone="").count() == 10


def test_erasing_that_does_not_keep_up_is_said(
    api: Api, tenant: Tenant, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_many(tenant, 3, manual_clock.now)
    manual_clock.advance(days=180, hours=2)
    assert retention.overdue(manual_clock.now) == (3, dt.timedelta(hours=2))
    monkeypatch.setattr(retention, "MOST", 2)
    assert retention.overdue(manual_clock.now).number == 2
    monkeypatch.setattr(tasks, "_ERASE_SECONDS", 0.0)
    tasks.erase_old()
    answer = api.client.get("/readyz/").json()
    assert (answer["status"], answer["retention"]) == ("degraded", "behind")
    monkeypatch.setattr(tasks, "_ERASE_SECONDS", 50.0)
    tasks.erase_old()
    assert retention.overdue(manual_clock.now) == (0, dt.timedelta())
    assert api.client.get("/readyz/").json()["retention"] == "ok"


def test_claims_that_got_nothing_are_forgotten_after_two_days(
    wire: Wire, leased: int, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PIECE", 2)
    for _ in range(5):
        wire.claim()
    manual_clock.advance(days=2)
    wire.claim()
    tasks.erase_old()
    assert Claim.objects.count() == 7
    manual_clock.advance(seconds=1)
    tasks.erase_old()
    with_attempts = Claim.objects.exclude(attempts=None)
    assert (with_attempts.count(), Claim.objects.count()) == (1, 2)


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (Account, "retention_days", 36_501),
        (Account, "retention_days", 2**31 - 1),
        (Account, "max_age_hours", 0),
        (Account, "max_age_hours", 8_737),
        (License, "lease_seconds", 0),
        (License, "lease_seconds", 86_401),
    ],
)
def test_a_number_that_no_date_can_be_reckoned_with_is_refused_by_forms_and_by_the_database(
    tenant: Tenant, model: type[Account] | type[License], field: str, value: int
) -> None:
    row = model.objects.get()
    setattr(row, field, value)
    with pytest.raises(ValidationError, match=field):
        row.clean_fields()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_retention_erases_a_batchs_text_when_all_of_it_is_over(
    tenant: Tenant, phone: Phone, wire: Wire, manual_clock: ManualClock
) -> None:
    tenant.set_rules(max_age_hours=None)
    mailing = Batch(dialect="test", text="Sale!", name="Spring")
    drafts = [Draft(phone=f"+4860010020{n}", text="Sale!") for n in range(2)]
    made = batches.send(tenant.sender, mailing, drafts)
    manual_clock.advance(days=181)
    wire.claim(1)
    wire.report(*sent(made.created[0].pk))
    tasks.erase_old()
    assert Batch.objects.get().text == "Sale!"
    wire.claim(1)
    wire.report(*sent(made.created[1].pk))
    tasks.erase_old()
    stored = Batch.objects.get()
    assert (stored.text, stored.name) == ("", "Spring")


def test_every_tick_of_the_clock_names_a_task() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "task",
    [tasks.promote, tasks.expire, tasks.doubt_expired_leases, tasks.erase_old],
    ids=lambda task: str(task.name),
)
def test_a_task_may_run_twice_at_once(
    task: Callable[[], None], api: Api, manual_clock: ManualClock
) -> None:
    tenant = Tenant(services.provision("Twice"))
    wire = Wire(api, pair_phone(tenant))
    for number in range(30):
        accept(api, tenant, f"leased-{number}")
    wire.claim(50)
    for number in range(30):
        accept(api, tenant, f"due-{number}", send_after="2026-04-09T15:00:00Z")
        accept(api, tenant, f"late-{number}", send_before="2026-04-09T15:00:00Z")
    manual_clock.advance(hours=2)

    failures: list[BaseException] = []

    def run() -> None:
        try:
            task()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for message in Message.objects.all():
        history(message.pk)
    moved = StateChange.objects.exclude(cause="claim").count()
    assert (
        moved
        == {"promote": 30, "expire": 30, "doubt_expired_leases": 30, "erase_old": 0}[
            task.name.rpartition(".")[2]  # type: ignore[attr-defined]
        ]
    )


# --- its owner ----------------------------------------------------------------------------------


@pytest.fixture
def uncertain(wire: Wire, leased: int) -> int:
    wire.report(event("started", leased, parts=1), event("unknown", leased))
    return leased


def _resolve(api: Api, tenant: Tenant, message_id: int, word: str) -> int:
    path = f"/api/messages/{message_id}/resolve/"
    return int(api.post(path, {"as": word}, **tenant.headers).status_code)


@pytest.mark.parametrize(
    ("word", "state"), [("sent", "sent"), ("again", "pending"), ("given_up", "failed")]
)
def test_an_uncertain_message_has_three_ways_out(
    api: Api, tenant: Tenant, uncertain: int, word: str, state: str
) -> None:
    assert _resolve(api, tenant, uncertain, word) == 200
    assert status(uncertain) == state
    assert _resolve(api, tenant, uncertain, word) == 409
    history(uncertain)


@pytest.mark.parametrize(
    ("word", "late", "state"),
    [
        ("sent", "part_failed", "sent"),
        ("sent", "part_delivered", "delivered"),
        ("again", "part_failed", "pending"),
        ("again", "released", "pending"),
        ("again", "part_sent", "sent"),
        ("given_up", "part_sent", "sent"),
        ("given_up", "part_failed", "failed"),
    ],
)
def test_the_phones_late_word_after_the_owners(
    api: Api, tenant: Tenant, wire: Wire, uncertain: int, word: str, late: str, state: str
) -> None:
    _resolve(api, tenant, uncertain, word)
    wire.report(event(late, uncertain, part=1, parts=1))
    assert status(uncertain) == state
    history(uncertain)


def test_send_again_makes_a_second_attempt(
    api: Api, tenant: Tenant, wire: Wire, uncertain: int
) -> None:
    _resolve(api, tenant, uncertain, "again")
    assert [message["attempt"] for message in wire.claim()] == [2]
    assert Attempt.objects.count() == 2


@pytest.mark.parametrize("state", ["leased", "sending", "sent", "expired"])
def test_only_an_uncertain_message_is_resolved(
    api: Api, tenant: Tenant, leased: int, state: str, manual_clock: ManualClock
) -> None:
    Message.objects.filter(pk=leased).update(status=state, sent_at=manual_clock.now)
    assert _resolve(api, tenant, leased, "again") == 409


def test_the_server_keeps_its_own_doubt_as_an_event(leased: int, manual_clock: ManualClock) -> None:
    manual_clock.advance(minutes=20)
    housekeeping.doubt_expired_leases()
    assert Event.objects.get().type == "lease_expired"
