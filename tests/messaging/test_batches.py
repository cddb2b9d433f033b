"""messaging.services.batches: a send to several recipients, all of it or nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from django.conf import LazySettings

from http_api.errors import ApiError
from licenses import daily_limit
from licenses.services import provision
from messaging.drafts import Draft, Invalid
from messaging.models import Batch, Message
from messaging.services import batches, opt_outs
from messaging.services.accept import AcceptResult
from tests.conftest import ManualClock, Tenant, in_threads

NUMBERS = [f"+4860010020{n}" for n in range(4)]


def draft(phone: str, text: str = "Hello") -> Draft:
    return Draft(phone=phone, text=text)


def send(
    tenant: Tenant, *items: Draft | Invalid, external_id: str | None = None, **options: Any
) -> AcceptResult:
    batch = Batch(dialect="test", external_id=external_id)
    return batches.send(tenant.sender, batch, items, **options)


def test_the_messages_stand_in_the_order_of_the_recipients(tenant: Tenant) -> None:
    opt_outs.opt_out(tenant.keys.account_id, NUMBERS[0], opt_outs.Source.API)
    opt_outs.opt_out(tenant.keys.account_id, NUMBERS[2], opt_outs.Source.API)
    made = send(tenant, *map(draft, NUMBERS))
    assert [message.phone for message in made.created] == NUMBERS
    assert [m.status for m in made.created] == ["cancelled", "pending", "cancelled", "pending"]
    assert list(Message.objects.order_by("pk")) == made.created
    stillborn = made.created[0]
    assert (stillborn.failure_reason, stillborn.finished_at) == (
        "opted_out", stillborn.created_at,
    )  # fmt: skip


def test_an_invalid_item_refuses_all(tenant: Tenant) -> None:
    for bad in (Invalid({"phone": ["is wrong"]}), draft(NUMBERS[1], "x" * 1531)):
        with pytest.raises(ApiError) as refused:
            send(tenant, draft(NUMBERS[0]), bad)
        assert refused.value.code == "invalid"
        assert not Batch.objects.exists()
        assert not Message.objects.exists()


def test_an_invalid_item_can_be_left_out(tenant: Tenant) -> None:
    opt_outs.opt_out(tenant.keys.account_id, NUMBERS[3], opt_outs.Source.API)
    bad = Invalid({"phone": ["is wrong"]})
    items = (draft(NUMBERS[0]), bad, draft(NUMBERS[2]), draft(NUMBERS[3]))
    made = send(tenant, *items, leave_out_invalid=True)
    assert [message.phone for message in made.created] == [NUMBERS[0], NUMBERS[2], NUMBERS[3]]
    [left_out] = made.skipped
    assert (left_out.index, left_out.reason, left_out.errors) == (1, "invalid", bad.errors)


@pytest.mark.parametrize("count", [1, 3])
def test_one_recipient_and_several_are_stored_alike(
    tenant: Tenant, manual_clock: ManualClock, count: int
) -> None:
    batch = Batch(
        dialect="test", external_id="o-1", name="Sale", text="Hello", details={"sender": "ACME"},
        callback_url="https://example.com/", is_held=True, send_after=manual_clock.now,
    )  # fmt: skip
    batches.send(tenant.sender, batch, [draft(phone) for phone in NUMBERS[:count]])
    stored = Batch.objects.get()
    assert stored.pk == batch.pk
    for field in Batch._meta.fields:
        assert getattr(stored, field.attname) == getattr(batch, field.attname)
    assert stored.details == {"sender": "ACME"}
    assert stored.license_id == tenant.keys.license_id
    assert Message.objects.filter(batch=stored).count() == count


@pytest.mark.parametrize("count", [1, 3])
def test_an_id_is_used_once_for_a_licence_and_dialect(
    tenant: Tenant, other_tenant: Tenant, count: int
) -> None:
    tenant.set_rules(max_daily_sms=50)
    items = [draft(phone) for phone in NUMBERS[:count]]
    send(tenant, *items, external_id="o-1")
    with pytest.raises(ApiError) as refused:
        send(tenant, *items, external_id="o-1")
    assert refused.value.code == "duplicate_external_id"
    assert Message.objects.count() == count
    send(other_tenant, *items, external_id="o-1")
    batches.send(tenant.sender, Batch(dialect="another", external_id="o-1"), items)
    for _ in range(2):
        send(tenant, *items)  # without an id each is a new one


def test_what_is_refused_counts_for_nothing(tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=3)
    send(tenant, draft(NUMBERS[0]), external_id="o-1")
    for items in (NUMBERS[:1], NUMBERS[:2]):
        with pytest.raises(ApiError):
            send(tenant, *map(draft, items), external_id="o-1")
    with pytest.raises(ApiError) as refused:
        send(tenant, *map(draft, NUMBERS[:3]))
    assert refused.value.code == "daily_limit_exceeded"
    day = Message.objects.get().due_at.astimezone(tenant.sender.zone).date()
    assert daily_limit.used(tenant.keys.account_id, day) == 1
    send(tenant, *map(draft, NUMBERS[:2]))
    with pytest.raises(ApiError) as refused:
        send(tenant, draft(NUMBERS[3]))
    assert refused.value.code == "daily_limit_exceeded"


def test_one_recipient_costs_one_statement(tenant: Tenant, django_assert_num_queries: Any) -> None:
    sender = tenant.sender
    with django_assert_num_queries(3):  # a savepoint stands around it in a test's transaction
        batches.send(sender, Batch(dialect="test"), [draft(NUMBERS[0])])


@pytest.mark.parametrize("count", [10, 40])
def test_the_queries_do_not_grow_with_the_recipients(
    tenant: Tenant, django_assert_max_num_queries: Any, count: int
) -> None:
    tenant.set_rules(max_daily_sms=100)
    sender = tenant.sender
    with django_assert_max_num_queries(9):
        batches.send(
            sender, Batch(dialect="test"), [draft(f"+486001002{n:02}") for n in range(count)]
        )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [1, 2])
def test_of_many_sends_with_one_id_exactly_one_is_accepted(
    settings: LazySettings, count: int
) -> None:
    tenant = Tenant(provision("Alice"))
    sender = dataclasses.replace(tenant.sender, max_daily_sms=100)

    def one() -> str:
        batch = Batch(dialect="test", external_id="o-1")
        try:
            batches.send(sender, batch, [draft(phone) for phone in NUMBERS[:count]])
        except ApiError as error:
            return error.code
        return "accepted"

    answers = in_threads([one] * 12, threads=6)
    assert sorted(answers) == ["accepted", *["duplicate_external_id"] * 11]
    assert Message.objects.count() == count
    day = Message.objects.all()[0].due_at.astimezone(sender.zone).date()
    assert daily_limit.used(sender.account_id, day) == count
