"""Accept messages: the one way into the queue, for one message as for a thousand."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import IntegrityError, connection, transaction

from http_api import batching, clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, summary
from http_api.patience import give_way
from http_api.shapes import invalid
from licenses import daily_limit
from licenses.sender import Sender
from messaging import inserts, locks, rules, wakeup
from messaging.drafts import Draft, Invalid, Items, local_day, to_message
from messaging.models import Batch, Message
from messaging.rules import RULES, Facts, Rule, SkipReason
from messaging.services import batch_ends
from messaging.services.delivery_window import DeliveryWindow
from messaging.states import WAITING
from messaging.transitions import Cause, cancel_unsaved
from outbox import recording as outbox
from outbox.types import EventType


@dataclass(frozen=True, slots=True)
class Skip:
    """An item that was not queued, and why."""

    index: int
    reason: SkipReason
    external_id: str | None = None
    errors: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AcceptResult:
    """The messages, saved, in the order of their items; and the items that were left out."""

    created: list[Message]
    skipped: list[Skip]
    used: tuple[dt.date, int] | None = None  # what a day's limit has used, where the insert said it

    @property
    def only(self) -> Message:
        """The message of a list of one that a policy without `left_out` let in."""
        [message] = self.created
        return message


def first_refused(sender: Sender, items: Items, skipped: Sequence[Skip]) -> ApiError:
    """Refuse for the first bad item, with the code of its reason."""
    skip = skipped[0]
    if skip.reason is SkipReason.INVALID:
        return invalid(skip.errors)
    words = skip.reason.sentence
    if skip.reason is SkipReason.DUPLICATE_EXTERNAL_ID:
        same = Message.objects.filter(license_id=sender.license_id, external_id=skip.external_id)
        if message_id := same.values_list("pk", flat=True).first():  # else one of the same list
            words += f"; its id is {message_id}"
    return ApiError.of_field(skip.reason.field, words, code=skip.reason.code)


def all_refused(sender: Sender, items: Items, skipped: Sequence[Skip]) -> ApiError:
    """Refuse a list as a whole: each bad index with what is wrong with it."""
    errors = {str(skip.index): skip.errors or _as_errors(skip.reason) for skip in skipped}
    return ApiError(
        ErrorCode.BATCH_REJECTED,
        f"{len(skipped)} of {len(items)} messages cannot be accepted, so none was:"
        f" {summary(errors)}",
        errors=errors,
    )


def _as_errors(reason: SkipReason) -> dict[str, Any]:
    return {reason.field: [f"{reason}: {reason.sentence}"]}


@dataclass(frozen=True, slots=True)
class Policy:
    """The handling of items that a rule stops."""

    # Items with these reasons are left out; any other reason refuses the whole list.
    left_out: frozenset[SkipReason] = frozenset()
    refusal: Callable[[Sender, Items, Sequence[Skip]], ApiError] = first_refused
    # Outside the sending hours a message waits for the next opening; else it is skipped.
    waits_for_opening: bool = True
    # Insert messages to opted-out recipients as cancelled, not counted against the limit, so that a
    # batch can report them.
    keeps_opted_out: bool = False

    @property
    def rules(self) -> tuple[Rule, ...]:
        return RULES if self.waits_for_opening else (*RULES, rules.OUTSIDE_SENDING_HOURS)


REFUSE = Policy()
LEAVE_OUT = Policy(left_out=frozenset(SkipReason), waits_for_opening=False)
ALL_OR_NOTHING = Policy(refusal=all_refused, waits_for_opening=False)
BATCH = Policy(keeps_opted_out=True)


def accept(
    sender: Sender,
    items: Items,
    policy: Policy,
    *,
    batch: Batch | None = None,
    is_locked: bool = False,
) -> AcceptResult:
    """Queue a message for each item, by every rule, all in one transaction.

    `batch` is a prepared one (messaging.services.batches), saved with the messages, which are put into
    it. `is_locked`: the caller's transaction holds the account's lock. One statement where there is one
    item that no rule stops. Raise ApiError: what the policy makes of items that it does not leave out
    (`invalid` or the code of a SkipReason, `batch_rejected`), `daily_limit_exceeded`,
    `duplicate_external_id` of the batch; nothing is written then.
    """
    try:
        match items:
            case [Draft() as only] if all(rule.has_sql for rule in policy.rules):
                if (result := _accept_in_one_statement(sender, only, batch)) is not None:
                    return result
        if batching.is_member():  # what takes several statements takes them alone
            give_way()
        if is_locked:
            return _accept_together(sender, items, policy, batch)
        # The lock serializes an account's bulks, not single messages: one may insert a duplicate between
        # our check and insert. Retry; each retry finds one duplicate more, so the loop is bounded.
        for _ in items:
            try:
                return _lock_and_accept(sender, items, policy, batch)
            except IntegrityError as error:
                if _index_of(error) not in rules.INDEXES:
                    raise
        return _lock_and_accept(sender, items, policy, batch)
    except IntegrityError as error:
        if _index_of(error) != "batch_external_id":
            raise
        words = "A send with this id was accepted before."
        raise ApiError(ErrorCode.DUPLICATE_EXTERNAL_ID, words) from None


def _index_of(error: IntegrityError) -> str | None:
    """Return the name of the index or constraint that was violated; None if it is unknown."""
    name: str | None = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    return name


def _accept_in_one_statement(
    sender: Sender, draft: Draft, batch: Batch | None
) -> AcceptResult | None:
    """None where a rule stood in the way: `_accept_together` finds out which."""
    try:
        message = to_message(sender, draft, clock.now())
    except ApiError:
        return None
    day = local_day(sender, message.due_at)
    insert = inserts.Insert(message, sender.max_daily_sms, day, batch)
    try:
        with _savepoint_if_needed(batch):
            if (used := inserts.insert(insert)) is None:
                return None
            if batch is not None:
                batch_ends.schedule(batch)
    except inserts.Raced:
        return None
    wakeup.after_commit(sender.license_id)
    return AcceptResult([message], [], used=(day, used))


def _savepoint_if_needed(batch: Batch | None) -> AbstractContextManager[Any]:
    """Be atomic where a failed insert would abort an outer transaction, or its batch is awaited."""
    has_more = batch is not None and batch_ends.is_awaited(batch)
    return transaction.atomic() if has_more or connection.in_atomic_block else nullcontext()


@transaction.atomic
def _lock_and_accept(
    sender: Sender, items: Items, policy: Policy, batch: Batch | None
) -> AcceptResult:
    locks.lock_account(sender.account_id)
    return _accept_together(sender, items, policy, batch)


def _accept_together(
    sender: Sender, items: Items, policy: Policy, batch: Batch | None
) -> AcceptResult:
    if batch is not None:
        batch.save(force_insert=True)
        batch_ends.schedule(batch)
        items = into_batch(batch, items)
    now = clock.now()
    facts = _facts(sender, [item for item in items if isinstance(item, Draft)], now)
    result = _judged(sender, items, policy, facts, now)
    queued = [message for message in result.created if message.status in WAITING]
    full = daily_limit.reserve(sender, _by_local_day(sender, queued))
    Message.objects.bulk_create(result.created)
    inserts.tell_of_accepted(sender.account_id, result.created)
    outbox.record(sender.account_id, [_limit_reached(sender, day) for day in full], now)
    if queued:
        wakeup.after_commit(sender.license_id)
    return result


@dataclass(frozen=True, slots=True)
class Preview:
    """The outcome of `accept` with one draft at this moment."""

    message: Message | None  # as it would be queued, unsaved; None where it is refused
    refusal: ApiError | None
    is_opted_out: bool  # whatever else refuses it


def preview(sender: Sender, draft: Draft) -> Preview:
    """Judge a draft as `accept` does with REFUSE, and write nothing."""
    now = clock.now()
    facts = _facts(sender, [draft], now)
    is_opted_out = draft.phone in facts.opted_out
    try:
        message = _judged(sender, [draft], REFUSE, facts, now).only
        if daily_limit.room(sender, local_day(sender, message.due_at)) == 0:
            raise daily_limit.limit_exceeded(sender)
    except ApiError as error:
        return Preview(None, error, is_opted_out)
    return Preview(message, None, is_opted_out)


def _judged(
    sender: Sender, items: Items, policy: Policy, facts: Facts, now: dt.datetime
) -> AcceptResult:
    """Return which items are let in, unsaved, and which are left out; raise what the policy refuses."""
    result = AcceptResult(created=[], skipped=[])
    for index, item in enumerate(items):
        kept = _judge(sender, index, item, policy, facts, now)
        if isinstance(kept, Skip):
            result.skipped.append(kept)
        else:
            result.created.append(kept)
    if refused := [skip for skip in result.skipped if skip.reason not in policy.left_out]:
        raise policy.refusal(sender, items, refused)
    return result


def _limit_reached(sender: Sender, day: dt.date) -> outbox.Told:
    data = {"day": day.isoformat(), "max_daily_sms": sender.max_daily_sms}
    return outbox.Told(EventType.LIMIT_REACHED, data=data)


def into_batch(batch: Batch, items: Items) -> list[Draft | Invalid]:
    """Return the items, each draft with the id of its batch."""
    return [replace(i, batch_id=batch.pk) if isinstance(i, Draft) else i for i in items]


def _facts(sender: Sender, drafts: Sequence[Draft], now: dt.datetime) -> Facts:
    conflicts = inserts.find_conflicts(
        license_id=sender.license_id,
        account_id=sender.account_id,
        external_ids=[d.external_id for d in drafts if d.external_id is not None],
        digests=[d.repeat_digest for d in drafts if d.repeat_digest is not None],
        phones=list({draft.phone for draft in drafts}),
    )
    window = DeliveryWindow.of_sender(sender, now)
    return Facts(*conflicts, window.is_closed)


def _judge(
    sender: Sender,
    index: int,
    item: Draft | Invalid,
    policy: Policy,
    facts: Facts,
    now: dt.datetime,
) -> Message | Skip:
    if isinstance(item, Invalid):
        return Skip(index, SkipReason.INVALID, item.external_id, item.errors)
    try:
        message = to_message(sender, item, now)
    except ApiError as error:
        return Skip(index, SkipReason.INVALID, item.external_id, error.errors)
    reason = next((rule.reason for rule in policy.rules if rule.stops(item, facts)), None)
    facts.add(item)
    if reason is SkipReason.OPTED_OUT and policy.keeps_opted_out:
        cancel_unsaved(message, Cause.OPTED_OUT, now)
        return message
    return Skip(index, reason, item.external_id) if reason else message


def _by_local_day(sender: Sender, messages: Sequence[Message]) -> Counter[dt.date]:
    """Count the messages by the local day that they count against.

    Most of a bulk are due at the same moment: its day is computed once.
    """
    days: Counter[dt.date] = Counter()
    for due_at, number in Counter(message.due_at for message in messages).items():
        days[local_day(sender, due_at)] += number
    return days
