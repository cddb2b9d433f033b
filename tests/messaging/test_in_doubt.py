"""A message that its owner or `resend` sent on its way again, while an earlier attempt is in doubt.

Nothing that ends it then may say that it was not sent: it is `uncertain`, with the reason beside it.
"""

from __future__ import annotations

import pytest

from messaging.models import Message, OptOut
from messaging.services import housekeeping
from tests.conftest import Api, ManualClock, Phone, Tenant
from tests.delivery import Wire, accept, event, history, sent, status


@pytest.fixture
def wire(api: Api, phone: Phone) -> Wire:
    return Wire(api, phone)


@pytest.fixture
def again(api: Api, tenant: Tenant, manual_clock: ManualClock, wire: Wire) -> int:
    """Pending once more, since a phone took it and was not heard of again."""
    message_id = accept(api, tenant, on_uncertain="resend")
    wire.claim()
    manual_clock.advance(minutes=20)
    housekeeping.doubt_expired_leases()
    assert status(message_id) == "pending"
    return message_id


def in_doubt(message_id: int, reason: str) -> None:
    message = Message.objects.get(pk=message_id)
    assert (message.status, message.failure_reason) == ("uncertain", reason)
    assert message.finished_at is None
    assert history(message_id)[-1][1] == "uncertain"


def test_cancelled_it_is_uncertain_and_goes_no_more(
    api: Api, tenant: Tenant, wire: Wire, again: int
) -> None:
    for _ in range(2):  # a client that lost the first answer asks again
        answer = api.delete(f"/api/messages/{again}/", tenant)
        assert (answer.status_code, answer.json()["status"]) == (200, "uncertain")
    in_doubt(again, "cancelled")
    assert wire.claim() == []


def test_cancelled_while_a_phone_holds_it_it_is_uncertain_once_it_is_given_back(
    api: Api, tenant: Tenant, wire: Wire, again: int
) -> None:
    wire.claim()
    assert api.delete(f"/api/messages/{again}/", tenant).status_code == 202
    wire.report(event("released", again, 2, code="cancelled"))
    in_doubt(again, "cancelled")


def test_opted_out_it_is_uncertain(api: Api, tenant: Tenant, again: int) -> None:
    response = api.post("/api/opt-outs/", {"phone": "+48123456789"}, **tenant.headers)
    assert response.status_code == 201
    in_doubt(again, "opted_out")


def test_opted_out_unseen_until_the_claim_it_is_uncertain(
    tenant: Tenant, manual_clock: ManualClock, wire: Wire, again: int
) -> None:
    OptOut.objects.create(
        account=tenant.account, phone="+48123456789", source="sms", created_at=manual_clock.now
    )
    assert wire.claim() == []
    in_doubt(again, "opted_out")


@pytest.mark.parametrize(("word", "after"), [("released", "cancelled"), ("started", "uncertain")])
def test_the_phones_later_word_about_the_earlier_attempt_decides(
    api: Api, tenant: Tenant, wire: Wire, again: int, word: str, after: str
) -> None:
    wire.report(event(word, again))
    api.delete(f"/api/messages/{again}/", tenant)
    assert status(again) == after


def test_a_proof_that_it_was_sent_is_believed_after_the_cancellation(
    api: Api, tenant: Tenant, wire: Wire, again: int
) -> None:
    api.delete(f"/api/messages/{again}/", tenant)
    wire.report(*sent(again))
    assert status(again) == "sent"


@pytest.mark.parametrize("ended_by", ["its owner", "an opt-out", "one that was taken back"])
@pytest.mark.parametrize("word", ["released", "unknown"])
def test_a_second_word_about_an_attempt_that_was_given_back_does_not_send_it(
    api: Api,
    tenant: Tenant,
    manual_clock: ManualClock,
    wire: Wire,
    again: int,
    ended_by: str,
    word: str,
) -> None:
    wire.claim()
    wire.report(event("released", again, 2, code="no_service"))
    if ended_by == "its owner":
        api.delete(f"/api/messages/{again}/", tenant)
    else:
        api.post("/api/opt-outs/", {"phone": "+48123456789"}, **tenant.headers)
    if ended_by == "one that was taken back":
        assert api.delete("/api/opt-outs/+48123456789/", tenant).status_code == 204
    wire.report(event(word, again, 2))
    manual_clock.advance(hours=1)
    assert wire.claim() == []
    assert status(again) == "uncertain"
