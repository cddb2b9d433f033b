"""POST /api/messages/{id}/resolve/ {"as": "again"} for a message that failed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from messaging import tasks
from messaging.models import Message
from tests.conftest import Api, ManualClock, Phone, Tenant
from tests.delivery import Wire, accept, event, history, sent, status


@pytest.fixture
def wire(api: Api, phone: Phone) -> Wire:
    return Wire(api, phone)


def fails(wire: Wire, message_id: int, attempt: int = 1, parts: int = 1) -> None:
    wire.claim()
    wire.report(
        event("started", message_id, attempt, parts=parts),
        *(
            event("part_failed", message_id, attempt, part=n, parts=parts, code="generic_failure")
            for n in range(1, parts + 1)
        ),
    )
    assert status(message_id) == "failed"


@pytest.fixture
def failed(api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock) -> int:
    message_id = accept(api, tenant)
    fails(wire, message_id)
    return message_id


def again(api: Api, tenant: Tenant, message_id: int, wish: str = "again") -> Any:
    return api.post(f"/api/messages/{message_id}/resolve/", {"as": wish}, **tenant.headers)


def test_what_failed_as_a_whole_goes_as_a_new_attempt(
    api: Api, tenant: Tenant, wire: Wire, failed: int
) -> None:
    answer = again(api, tenant, failed)
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")
    assert answer.json()["failure_reason"] is None
    [message] = wire.claim()
    assert (message["message_id"], message["attempt"]) == (failed, 2)
    wire.report(*sent(failed, 2))
    assert history(failed)[-3:] == [
        ("failed", "pending"), ("pending", "leased"), ("leased", "sent"),
    ]  # fmt: skip


def test_retention_leaves_alone_what_is_on_its_way_again(
    api: Api, tenant: Tenant, failed: int, manual_clock: ManualClock
) -> None:
    manual_clock.advance(days=179)
    again(api, tenant, failed)
    manual_clock.advance(days=2)
    tasks.erase_old()
    row = Message.objects.get(pk=failed)
    assert (row.phone, row.finished_at) == ("+48123456789", None)


@pytest.mark.parametrize("proof", ["part_sent", "part_delivered"])
def test_a_late_proof_of_sending_stops_the_new_attempt(
    api: Api, tenant: Tenant, wire: Wire, failed: int, proof: str
) -> None:
    again(api, tenant, failed)
    wire.report(event(proof, failed, part=1, parts=1))
    assert status(failed) == {"part_sent": "sent", "part_delivered": "delivered"}[proof]
    assert wire.claim() == []


def test_a_late_failure_of_the_first_attempt_does_not_touch_the_second(
    api: Api, tenant: Tenant, wire: Wire, failed: int
) -> None:
    again(api, tenant, failed)
    wire.claim()
    wire.report(event("part_failed", failed, part=2, parts=2, code="no_service"))
    assert status(failed) == "leased"


def test_what_was_sent_in_part_is_not_sent_again(api: Api, tenant: Tenant, wire: Wire) -> None:
    message_id = accept(api, tenant)
    wire.claim()
    wire.report(
        event("part_sent", message_id, part=1, parts=2),
        event("part_failed", message_id, part=2, parts=2, code="no_service"),
    )
    answer = again(api, tenant, message_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "part of this message was sent" in answer.json()["message"]
    assert status(message_id) == "failed"


@pytest.mark.parametrize("then", [[], ["unknown"]])
def test_nor_what_of_one_part_nobody_knows(
    api: Api, tenant: Tenant, wire: Wire, then: list[str]
) -> None:
    """The radio answers part by part: one may be on its way when another was refused."""
    message_id = accept(api, tenant)
    wire.claim()
    refusal = event("part_failed", message_id, part=1, parts=2, code="generic_failure")
    wire.report(event("started", message_id, parts=2), refusal)
    wire.report(*(event(kind, message_id) for kind in then))
    answer = again(api, tenant, message_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "may have been sent" in answer.json()["message"]
    wire.report(event("part_failed", message_id, part=2, parts=2, code="generic_failure"))
    assert again(api, tenant, message_id).status_code == 200


def test_nor_what_was_given_up_after_a_part_was_sent(api: Api, tenant: Tenant, wire: Wire) -> None:
    message_id = accept(api, tenant)
    wire.claim()
    wire.report(event("part_sent", message_id, part=1, parts=2), event("unknown", message_id))
    assert again(api, tenant, message_id, "given_up").json()["status"] == "failed"
    assert again(api, tenant, message_id).status_code == 409


def test_nor_what_is_too_late(
    api: Api, tenant: Tenant, wire: Wire, manual_clock: ManualClock
) -> None:
    deadline = (manual_clock.now + dt.timedelta(hours=1)).isoformat()
    message_id = accept(api, tenant, send_before=deadline)
    fails(wire, message_id)
    manual_clock.advance(hours=1)
    answer = again(api, tenant, message_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_nor_what_retention_has_erased(
    api: Api, tenant: Tenant, failed: int, manual_clock: ManualClock
) -> None:
    manual_clock.advance(days=181)
    tasks.erase_old()
    assert again(api, tenant, failed).status_code == 409


@pytest.mark.parametrize("wish", ["sent", "given_up"])
def test_of_what_failed_there_is_nothing_else_to_decide(
    api: Api, tenant: Tenant, failed: int, wish: str
) -> None:
    assert again(api, tenant, failed, wish).status_code == 409


def test_it_may_be_sent_again_after_each_failure(
    api: Api, tenant: Tenant, wire: Wire, failed: int
) -> None:
    for attempt in (2, 3):
        assert again(api, tenant, failed).status_code == 200
        fails(wire, failed, attempt)
    assert Message.objects.get(pk=failed).attempt_n == 3
