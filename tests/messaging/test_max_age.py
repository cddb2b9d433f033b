"""An account's maximum age: what no phone took within it is not sent, days late, when one is back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from licenses import services, tokens
from licenses.lookup import sender_of_license
from messaging.models import Message
from messaging.services import housekeeping
from tests.conftest import Api, ManualClock, Phone, Tenant
from tests.delivery import Wire, accept, event, history, status


@pytest.fixture
def wire(api: Api, phone: Phone) -> Wire:
    return Wire(api, phone)


def reason(message_id: int) -> str:
    return str(Message.objects.get(pk=message_id).failure_reason)


def test_a_phone_that_is_back_after_days_gets_nothing_old(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    manual_clock.advance(hours=72)
    assert wire.claim() == []
    shown = api.get(f"/api/messages/{message_id}/", tenant).json()
    assert (shown["status"], shown["failure_reason"]) == ("expired", "max_age")
    assert shown["timeline"][-1]["cause"] == "max_age"


def test_without_any_phone_it_ends_by_the_clock(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    manual_clock.advance(hours=72, seconds=-1)
    assert housekeeping.expire_overdue() == 0
    manual_clock.advance(seconds=1)
    assert housekeeping.expire_overdue() == 1
    assert (status(message_id), reason(message_id)) == ("expired", "max_age")
    assert history(message_id) == [("pending", "expired")]


def test_its_age_counts_from_when_it_may_start(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    start = manual_clock.now + dt.timedelta(days=10)
    accept(api, tenant, send_after=start.isoformat())
    manual_clock.advance(days=10, hours=71)
    housekeeping.promote_due()
    assert housekeeping.expire_overdue() == 0
    assert len(wire.claim()) == 1


def test_a_send_before_of_its_own_goes_before_the_account_s_age(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    deadline = manual_clock.now + dt.timedelta(days=20)
    accept(api, tenant, send_before=deadline.isoformat())
    manual_clock.advance(days=19)
    assert housekeeping.expire_overdue() == 0
    assert len(wire.claim()) == 1


def test_an_account_without_a_maximum_age_keeps_its_messages(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    tenant.set_rules(max_age_hours=None)
    accept(api, tenant)
    manual_clock.advance(days=365)
    assert housekeeping.expire_overdue() == 0
    assert len(wire.claim()) == 1


def test_a_phone_may_start_it_until_it_is_too_old_and_no_longer(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    accept(api, tenant)
    manual_clock.advance(hours=71, minutes=55)
    [message] = wire.claim()
    assert message["start_within_seconds"] == 300


def test_what_a_phone_gives_back_too_late_expires(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    manual_clock.advance(hours=71, minutes=55)
    wire.claim()
    manual_clock.advance(minutes=6)
    wire.report(event("released", message_id, code="window_closed"))
    assert (status(message_id), reason(message_id)) == ("expired", "max_age")


def test_releases_do_not_make_it_younger(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    for attempt in range(1, 4):
        manual_clock.advance(hours=23)
        wire.claim()
        wire.report(event("released", message_id, attempt, code="no_service"))
    manual_clock.advance(hours=3)
    assert wire.claim() == []
    assert status(message_id) == "expired"


def test_sent_again_its_age_counts_anew(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    message_id = accept(api, tenant)
    manual_clock.advance(hours=71)
    wire.claim()
    wire.report(event("started", message_id), event("unknown", message_id))
    manual_clock.advance(days=7)
    path = f"/api/messages/{message_id}/resolve/"
    assert api.post(path, {"as": "again"}, **tenant.headers).status_code == 200
    manual_clock.advance(hours=71)
    assert len(wire.claim()) == 1


@pytest.mark.parametrize(
    "send",
    [
        lambda api, tenant: api.post("/api/messages/", tenant.message()),
        lambda api, tenant: api.post(
            "/api/messages/bulk/",
            {
                "license__key": tenant.keys.license_key,
                "messages": [{"external_id": "a", "phone": "+48123456789", "message": "x"}],
            },
        ),
        lambda api, tenant: api.post(
            "/api/contacts/contacts/",
            tenant.with_keys(
                name="Jan", phone="+48123456789", message="x", send_after="2026-04-09T14:32:00Z"
            ),
        ),
        lambda api, tenant: api.client.get(
            f"/hooks/{tokens.new_hook(tenant.license)}/", {"phone": "+48123456789", "message": "x"}
        ),
    ],
    ids=["single", "bulk", "contact", "hook link"],
)
def test_it_holds_however_a_message_came(
    api: Api, tenant: Tenant, manual_clock: ManualClock, send: Callable[[Api, Tenant], Any]
) -> None:
    tenant.set_rules(max_age_hours=5)
    assert send(api, tenant).status_code == 201
    [expires_at] = Message.objects.values_list("expires_at", flat=True)
    assert expires_at == manual_clock.now + dt.timedelta(hours=5)


@pytest.mark.parametrize("hours", [0, -1, 8_737, 2**40])
def test_an_age_that_no_account_can_have(db: None, hours: int) -> None:
    with pytest.raises(ValidationError):
        services.provision("Acme", max_age_hours=hours)


def test_the_latest_start_with_the_longest_age_is_accepted(api: Api, tenant: Tenant) -> None:
    tenant.set_rules(max_age_hours=8_736, sending_hours="08:00-09:00")
    accept(api, tenant, send_after="2199-12-31T22:59:59Z")


def test_a_new_account_has_72_hours(tenant: Tenant) -> None:
    assert sender_of_license(tenant.license.pk).max_age_hours == 72


def test_looking_for_what_is_too_old_reads_nothing_else(tenant: Tenant) -> None:
    """The plan for a hundred thousand waiting messages: an index of deadlines, no scan."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM messaging_message WHERE status IN ('scheduled', 'pending')"
            " AND expires_at IS NOT NULL AND expires_at <= now() ORDER BY expires_at LIMIT 500"
        )
        plan = " ".join(row[0] for row in cursor.fetchall())
    assert "message_expires_at" in plan, plan
