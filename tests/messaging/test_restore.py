"""After a restore: what may have been sent since the backup is never handed out by itself."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection

from licenses.models import KeptSms
from messaging.models import Attempt, Message
from messaging.services.restore import (
    ATTEMPTS,
    COUNTED_BY_TRAFFIC,
    MESSAGE_IDS,
    Held,
    hold_what_may_have_been_sent,
)
from tests.conftest import Api, ManualClock, Phone, Tenant
from tests.delivery import Wire, accept, event, history, sent, status

LATER = "2026-05-01T09:00:00Z"


@pytest.fixture
def wire(api: Api, phone: Phone, manual_clock: ManualClock) -> Wire:
    return Wire(api, phone)


def restored(manual_clock: ManualClock) -> Held:
    manual_clock.advance(hours=3)
    return hold_what_may_have_been_sent(manual_clock.now)


def test_what_was_due_is_uncertain_and_nobody_gets_it(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    leased, started = accept(api, tenant, "l"), accept(api, tenant, "s")
    wire.claim(2)
    wire.report(event("started", started, parts=1))
    pending = accept(api, tenant, "p")
    due_since = accept(api, tenant, "d", send_after="2026-04-09T15:00:00Z")
    assert restored(manual_clock) == Held(uncertain=4, again=0, scheduled=0)
    for message_id in (leased, started, pending, due_since):
        assert status(message_id) == "uncertain"
        history(message_id)
    assert wire.claim() == []


def test_what_was_not_due_yet_goes_when_it_is(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    tenant.set_rules(max_age_hours=None)
    message_id = accept(api, tenant, send_after=LATER)
    assert restored(manual_clock) == Held(uncertain=0, again=0, scheduled=1)
    assert wire.claim() == []
    manual_clock.advance(days=30)
    assert [m["message_id"] for m in wire.claim()] == [message_id]


def test_what_is_finished_stays(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    wire.claim()
    wire.report(*sent(message_id))
    assert restored(manual_clock) == Held(0, 0, 0)
    assert status(message_id) == "sent"


def test_a_one_time_code_goes_again_as_its_owner_wanted(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant, on_uncertain="resend")
    late = accept(api, tenant, "b", on_uncertain="resend", send_before="2026-04-09T15:00:00Z")
    wire.claim()
    assert restored(manual_clock) == Held(uncertain=1, again=1, scheduled=0)
    assert status(late) == "uncertain"
    assert [(m["message_id"], m["attempt"]) for m in wire.claim()] == [(message_id, ATTEMPTS + 2)]


def test_an_attempt_made_since_the_backup_is_no_attempt_of_now(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    """The phone took attempt 1 after the backup; its word about it moves nothing, its hold ends."""
    message_id = accept(api, tenant)
    restored(manual_clock)
    answer = wire.sync(capacity=0, held=[{"message_id": message_id, "attempt": 1}])
    assert answer["cancel"] == [message_id]
    wire.report(event("released", message_id, code="cancelled"))
    assert status(message_id) == "uncertain"
    api.post(f"/api/messages/{message_id}/resolve/", {"as": "again"}, **tenant.headers)
    (again,) = wire.claim()
    assert (again["message_id"], again["attempt"]) == (message_id, ATTEMPTS + 1)
    wire.report(event("unknown", message_id), event("started", message_id, parts=1))
    assert status(message_id) == "leased"


def test_a_proof_of_sending_from_before_the_backup_is_believed(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    wire.claim()
    restored(manual_clock)
    wire.report(event("released", message_id, code="window_closed"))
    assert status(message_id) == "uncertain", "a later attempt may have been made"
    wire.report(*sent(message_id))
    assert status(message_id) == "sent"
    assert Attempt.objects.get().state == "sent"


def test_no_id_that_was_given_out_is_given_out_again(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    before = accept(api, tenant)
    restored(manual_clock)
    assert accept(api, tenant, "new") > before + MESSAGE_IDS
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('licenses_device_id_seq')")
        assert cursor.fetchone()[0] > wire.phone.device.pk + 1_000


def test_who_reads_the_feed_or_the_inbox_misses_nothing_that_comes_after(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    """They know numbers of what came since the backup, and drop a `webhook-id` that they have seen."""
    for name in COUNTED_BY_TRAFFIC:
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval(%s, 1000)", [name])
    known = 1_000 + 50_000
    tenant.set_rules(kept_sms=KeptSms.ALL)
    api.get("/api/events/", tenant)
    restored(manual_clock)
    accept(api, tenant)
    wire.report(
        {"event_id": str(uuid4()), "type": "received", "sender": "+48500600700", "text": "Yes"}
    )
    for path in ("/api/events/", "/api/inbox/"):
        found = api.get(path, tenant, after=str(known)).json()["results"]
        assert len(found) > 0, path


def test_twice_is_no_worse_than_once(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    restored(manual_clock)
    assert restored(manual_clock) == Held(0, 0, 0)
    assert Message.objects.get(pk=message_id).attempt_n == 2 * ATTEMPTS
    history(message_id)
