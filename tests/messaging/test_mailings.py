"""messaging.services.mailings, and sends of several batches: a text first, its recipients later."""

from __future__ import annotations

import pytest

from http_api.errors import ApiError
from licenses.services import provision
from messaging.drafts import Draft
from messaging.models import Batch, Message
from messaging.services import batches, mailings, opt_outs
from tests.conftest import ManualClock, Tenant, in_threads

NUMBERS = [f"+4860010020{n}" for n in range(4)]


def create(tenant: Tenant, text: str = "Hello", **fields: object) -> Batch:
    return mailings.create(tenant.sender, Batch(dialect="test", text=text, **fields))


def test_what_is_held_goes_to_nobody(tenant: Tenant) -> None:
    held = create(tenant, is_held=True)
    with pytest.raises(ApiError) as refused:
        mailings.send_to(tenant.sender, held, NUMBERS[0])
    assert refused.value.code == "conflict"
    assert not Message.objects.exists()


def test_what_is_confirmed_later_has_the_time_of_its_confirmation(
    tenant: Tenant, manual_clock: ManualClock
) -> None:
    held = create(tenant, is_held=True)
    opt_outs.opt_out(tenant.keys.account_id, NUMBERS[0], opt_outs.Source.API)
    manual_clock.advance(hours=3)
    assert mailings.confirm(tenant.sender, held, NUMBERS[:2])
    gone, queued = Message.objects.order_by("phone")
    assert gone.created_at == queued.created_at == gone.finished_at == manual_clock.now
    assert (gone.status, queued.status) == ("cancelled", "pending")


@pytest.mark.django_db(transaction=True)
def test_of_many_confirmations_exactly_one_sends() -> None:
    tenant = Tenant(provision("Alice"))
    held = create(tenant, is_held=True)
    sender = tenant.sender

    def confirm() -> bool:
        return mailings.confirm(sender, Batch.objects.get(pk=held.pk), NUMBERS)

    assert sorted(in_threads([confirm] * 6, threads=6)) == [False] * 5 + [True]
    assert Message.objects.count() == len(NUMBERS)


def test_a_request_of_several_is_sent_whole_or_not_at_all(tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=3)

    def send(*phones: str) -> None:
        mine = [(Batch(dialect="test"), [Draft(phone=phone, text="Hello")]) for phone in phones]
        batches.send_together(tenant.sender, Batch(dialect="test", external_id="r"), mine)

    with pytest.raises(ApiError) as refused:
        send(*NUMBERS)
    assert refused.value.code == "daily_limit_exceeded"
    assert not Batch.objects.exists()
    send(*NUMBERS[:3])
    request = Batch.objects.get(external_id="r")
    assert request.children.count() == Message.objects.count() == 3


def test_who_has_opted_out_leaves_no_batch_where_he_is_the_only_one(tenant: Tenant) -> None:
    opt_outs.opt_out(tenant.keys.account_id, NUMBERS[0], opt_outs.Source.API)
    with pytest.raises(ApiError) as refused:
        batches.send_single(tenant.sender, Batch(dialect="test"), Draft(NUMBERS[0], "Hello"))
    assert refused.value.code == "opted_out"
    assert not Batch.objects.exists()
