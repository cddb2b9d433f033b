"""messaging.services.accept: a message alone and one of many meet the same rules."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import Model
from django.forms import model_to_dict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from http_api.errors import ApiError
from licenses.models import DailyUsage
from messaging import inserts
from messaging.drafts import ClientTime, Draft, Invalid, to_message
from messaging.models import Batch, Message
from messaging.requests import MessageItem
from messaging.rules import RULES, Rule, SkipReason
from messaging.services import accept, batches, opt_outs
from messaging.services.accept import LEAVE_OUT, REFUSE, Policy
from tests.conftest import Api, ManualClock, Tenant

NUMBER, OPTED_OUT, TAKEN = "+48600100200", "+48600100201", "taken"
NOW = dt.datetime(2026, 4, 9, 14, 32, tzinfo=dt.UTC)  # manual_clock

# Alone, in the one statement; and as one of a list, which never is one statement.
ALONE = Policy(left_out=frozenset(SkipReason))


def times(latest: int) -> st.SearchStrategy[ClientTime | None]:
    minutes = st.integers(-3 * 24 * 60, latest)
    return st.none() | minutes.map(lambda n: ClientTime(NOW + dt.timedelta(minutes=n), f"in {n}"))


DRAFTS = st.builds(
    Draft,
    phone=st.sampled_from([NUMBER, OPTED_OUT, "7255"]),
    text=st.sampled_from(["Hello", "Zażółć", "x" * 400, "x" * 5000]),
    external_id=st.none() | st.sampled_from(["new", TAKEN]),
    repeat_digest=st.none() | st.uuids(),
    send_after=times(3 * 24 * 60),
    send_before=times(4 * 24 * 60),
    priority=st.integers(-128, 127),
    sim=st.none() | st.integers(0, 3),
    on_uncertain=st.sampled_from(["hold", "resend"]),
)


PLAIN = Draft(phone=NUMBER, text="Hello")
# Of each field of a draft a value that is not the default. One without a value here is a KeyError.
OTHER: dict[str, Any] = {
    "phone": OPTED_OUT,
    "text": "Bye",
    "external_id": "a",
    "repeat_digest": UUID(int=1),
    "send_after": ClientTime(NOW + dt.timedelta(hours=1), "in an hour"),
    "send_before": ClientTime(NOW + dt.timedelta(hours=2), "in two hours"),
    "priority": 3,
    "sim": 1,
    "on_uncertain": "resend",
    "batch_id": 7,
}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Draft)])
def test_each_field_of_a_draft_reaches_its_message(tenant: Tenant, name: str) -> None:
    plain, other = (
        model_to_dict(to_message(tenant.sender, draft, NOW))
        for draft in (PLAIN, dataclasses.replace(PLAIN, **{name: OTHER[name]}))
    )
    assert plain != other


ITEM = {"external_id": "a", "message": "Hello", "phone": NUMBER}
# Of each other field of an item a value as JSON that is not the default.
ASKED: dict[str, Any] = {
    "send_after": "2030-01-01T09:00:00",
    "send_before": "2030-01-01T10:00:00",
    "priority": 3,
    "on_uncertain": "resend",
}


@pytest.mark.parametrize("name", sorted(MessageItem.model_fields.keys() - ITEM.keys()))
def test_each_field_of_an_item_reaches_its_draft(tenant: Tenant, name: str) -> None:
    plain, other = (
        MessageItem.model_validate(body, context={"sender": tenant.sender}).draft()
        for body in (ITEM, ITEM | {name: ASKED[name]})
    )
    assert plain != other


@pytest.mark.parametrize("hours", [{}, {"sending_hours": "17:00-18:00"}])
@pytest.mark.parametrize("max_daily_sms", [None, 0, 1])
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(draft=DRAFTS)
def test_a_draft_alone_and_in_a_list_becomes_the_same_row_or_the_same_reason(
    tenant: Tenant,
    manual_clock: ManualClock,
    draft: Draft,
    hours: dict[str, Any],
    max_daily_sms: int | None,
) -> None:
    if not Message.objects.exists():
        accept.accept(tenant.sender, [Draft(phone=NUMBER, text="x", external_id=TAKEN)], REFUSE)
        opt_outs.opt_out(tenant.keys.account_id, OPTED_OUT, opt_outs.Source.API)
    tenant.set_rules(max_daily_sms=max_daily_sms, **hours)
    outcomes = []
    for items in ([draft], [draft, Invalid({"phone": ["is wrong"]})]):
        DailyUsage.objects.all().delete()
        outcomes.append(outcome(tenant, items))
        Message.objects.exclude(external_id=TAKEN).delete()
    assert outcomes[0] == outcomes[1]


def outcome(tenant: Tenant, items: list[Any]) -> Any:
    """The row, or the reason; with what the account has used of its days."""
    try:
        result = accept.accept(tenant.sender, items, ALONE)
    except ApiError as error:
        return error.code, error.errors
    used = list(DailyUsage.objects.values_list("day", "used"))
    if not result.created:
        return result.skipped[0].reason, result.skipped[0].errors, used
    row: dict[str, Any] = dict(Message.objects.filter(pk=result.only.pk).values().get())
    return row | {"id": None}, used


def blocks(number: str) -> tuple[Rule, ...]:
    """The rules, and one more, which has no SQL."""
    return (
        *RULES,
        Rule(SkipReason.FOREIGN_NUMBER, lambda draft, facts: draft.phone == number),
    )


def test_a_rule_without_sql_stops_single_messages_and_bulks(
    api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "RULES", blocks(NUMBER))
    refused = api.post("/api/messages/", tenant.message(phone=NUMBER))
    assert (refused.status_code, refused.json()["code"]) == (400, "foreign_number")
    free = {"external_id": "b", "phone": "+48600100209", "message": "x"}
    stopped = {"external_id": "a", "phone": NUMBER, "message": "x"}
    bulk = api.post("/api/messages/bulk/", tenant.bulk([stopped, free])).json()
    assert (bulk["created_count"], bulk["skipped"][0]["reason"]) == (1, "foreign_number")
    contact = {"name": "Jan", "phone": NUMBER, "message": "Hi", "send_after": "2030-01-01T09:00:00"}
    api.post("/api/contacts/contacts/", tenant.with_keys(**contact))
    api.post("/api/contacts/contacts/bulk/", tenant.with_keys(contacts=[contact]))
    assert [message.phone for message in Message.objects.all()] == ["+48600100209"]


@pytest.mark.parametrize("count", [1, 2])
def test_a_rule_without_sql_refuses_a_batch(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(accept, "RULES", blocks(NUMBER))
    drafts = [Draft(phone=phone, text="x") for phone in (NUMBER, "+48600100209")][:count]
    with pytest.raises(ApiError, match="foreign_number"):
        batches.send(tenant.sender, Batch(dialect="test"), drafts)
    assert not Message.objects.exists()
    assert not Batch.objects.exists()


# A draft that each rule with SQL stops, where `TAKEN` and `OPTED_OUT` are known already.
STOPPED = {
    SkipReason.DUPLICATE_EXTERNAL_ID: Draft(phone=NUMBER, text="y", external_id=TAKEN),
    SkipReason.DUPLICATE_MESSAGE: Draft(phone=NUMBER, text="y", repeat_digest=UUID(int=1)),
    SkipReason.OPTED_OUT: Draft(phone=OPTED_OUT, text="y"),
}


@pytest.mark.parametrize("is_alone", [True, False])
@pytest.mark.parametrize("with_batch", [False, True])
@pytest.mark.parametrize("max_daily_sms", [None, 9])
@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.has_sql], ids=lambda rule: rule.reason
)
def test_the_insert_keeps_to_each_rule_with_sql(
    tenant: Tenant, rule: Rule, max_daily_sms: int | None, with_batch: bool, is_alone: bool
) -> None:
    first = Draft(phone=NUMBER, text="x", external_id=TAKEN, repeat_digest=UUID(int=1))
    accept.accept(tenant.sender, [first], REFUSE)
    opt_outs.opt_out(tenant.keys.account_id, OPTED_OUT, opt_outs.Source.API)

    def insert_of(draft: Draft) -> inserts.Insert:
        message = to_message(tenant.sender, draft, NOW)
        batch = batches.prepare(tenant.sender, Batch(dialect="test")) if with_batch else None
        return inserts.Insert(message, max_daily_sms, NOW.date(), batch)

    stopped = insert_of(STOPPED[rule.reason])
    if is_alone:
        if rule.index and not with_batch:
            with pytest.raises(inserts.Raced), transaction.atomic():
                inserts.insert(stopped)
        else:
            assert inserts.insert(stopped) is None
        assert (Message.objects.count(), Batch.objects.count()) == (1, 0)
        assert not DailyUsage.objects.exists()
        return
    others = [insert_of(Draft(phone=NUMBER, text=text)) for text in "ab"]
    used = inserts.insert_all([others[0], stopped, others[1]], may_wait=False)
    assert used == ([2, None, 2] if max_daily_sms else [0, None, 0])
    assert [m.text for m in Message.objects.exclude(external_id=TAKEN).order_by("id")] == ["a", "b"]
    assert [other.message.pk for other in others] == list(
        Message.objects.filter(text__in="ab").order_by("id").values_list("pk", flat=True)
    )
    assert Batch.objects.count() == (2 if with_batch else 0)


def test_of_duplicates_in_one_group_the_first_is_inserted_and_counted(tenant: Tenant) -> None:
    drafts = [
        Draft(phone=NUMBER, text="1", external_id="a"),
        Draft(phone=NUMBER, text="2", external_id="a"),
        Draft(phone=NUMBER, text="3", repeat_digest=UUID(int=1)),
        Draft(phone=NUMBER, text="4", repeat_digest=UUID(int=1)),
    ]
    rows = [inserts.Insert(to_message(tenant.sender, each, NOW), 9, NOW.date()) for each in drafts]
    assert inserts.insert_all(rows, may_wait=False) == [2, None, 2, None]
    assert sorted(Message.objects.values_list("text", flat=True)) == ["1", "3"]
    assert DailyUsage.objects.get().used == 2


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("max_daily_sms", [None, 9])
def test_a_batch_of_an_id_that_is_taken_harms_no_other_of_its_group(
    tenant: Tenant, max_daily_sms: int | None, exists: bool
) -> None:
    def insert_of(text: str, batch_id: str) -> inserts.Insert:
        message = to_message(tenant.sender, Draft(phone=NUMBER, text=text), NOW)
        batch = batches.prepare(tenant.sender, Batch(dialect="test", external_id=batch_id))
        return inserts.Insert(message, max_daily_sms, NOW.date(), batch)

    group = [insert_of("a", "new"), insert_of("b", TAKEN), insert_of("c", TAKEN)]
    if exists:
        assert inserts.insert(group.pop(1)) is not None
    used = inserts.insert_all(group, may_wait=False)
    assert [each is not None for each in used] == ([True, False] if exists else [True, True, False])
    assert sorted(Message.objects.values_list("text", flat=True)) == ["a", "b"]
    assert Batch.objects.count() == 2
    assert [each.used for each in DailyUsage.objects.all()] == ([2] if max_daily_sms else [])


def test_a_group_past_the_limit_leaves_out_its_account_alone(
    tenant: Tenant, other_tenant: Tenant
) -> None:
    rows = [
        inserts.Insert(to_message(whose.sender, Draft(NUMBER, "x"), NOW), limit, NOW.date())
        for whose, limit in [(tenant, 1), (other_tenant, 9), (tenant, 1)]
    ]
    assert inserts.insert_all(rows, may_wait=False) == [None, 1, None]
    assert Message.objects.get().account_id == other_tenant.keys.account_id


@pytest.mark.parametrize(
    ("name", "model"), [("insert", Message), ("insert", Batch), ("insert_one", Message)]
)
def test_the_insert_writes_every_field(name: str, model: type[Model]) -> None:
    """A field that is added to the model is not dropped."""
    [(columns, values)] = re.findall(
        rf"INSERT INTO {model._meta.db_table} \(([^)]*)\)\s*SELECT\s(.*?)\sFROM\s",
        inserts._SQL[name].sql,
        re.DOTALL,
    )
    written = {column.strip() for column in columns.split(",")}
    taken = [value.strip().removeprefix("b.") for value in values.split(",")]
    fields = {field.attname for field in model._meta.concrete_fields}
    assert written == (fields - {"id"} if name == "insert_one" else fields)
    renamed = {"id": {Message: "message_id", Batch: "its_batch"}[model], "batch_id": "its_batch"}
    if name == "insert_one":
        renamed = {}
    assert taken == [renamed.get(each.strip(), each.strip()) for each in columns.split(",")]


def test_every_reason_but_one_names_a_field_and_what_is_wrong_with_it() -> None:
    for reason in SkipReason:
        assert reason.sentence
        assert reason.field or reason is SkipReason.INVALID


def test_a_bulk_of_one_and_a_single_message_count_alike(api: Api, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=2)
    assert api.post("/api/messages/", tenant.message("a")).status_code == 201
    item = {"external_id": "b", "phone": NUMBER, "message": "x"}
    assert api.post("/api/messages/bulk/", tenant.bulk([item])).status_code == 201
    for refused in (
        api.post("/api/messages/", tenant.message("c")),
        api.post("/api/messages/bulk/", tenant.bulk([item | {"external_id": "c"}])),
    ):
        assert refused.json()["code"] == "daily_limit_exceeded"
    assert LEAVE_OUT.left_out == frozenset(SkipReason)
