"""Accept a send to several recipients: one batch, a message for each, by the rules of `accept`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction

from http_api import clock
from http_api.errors import Refusal
from http_api.shapes import invalid
from licenses.auth import Sender
from messaging import intake, wakeup
from messaging.drafts import Draft, local_day, to_message
from messaging.models import Batch, Message
from messaging.services import webhooks
from messaging.services.accept import (
    Invalid,
    Skip,
    accept_locked,
    savepoint_if_needed,
    why_not,
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch, its messages in the order of the recipients, and the items that were left out."""

    batch: Batch
    messages: list[Message]
    left_out: list[Skip]
    used: tuple[dt.date, int] | None = None  # of a day's limit, where the insert has said it


def send(
    sender: Sender,
    batch: Batch,
    items: Sequence[Draft | Invalid],
    *,
    leave_out_invalid: bool = False,
) -> Sent:
    """Queue a message for each item, with the batch that they are: all of it or nothing.

    `batch` is unsaved; whose it is and when it was made is filled in here. Outside the sending hours
    its messages wait for the next opening. A recipient who has opted out gets a message that is
    cancelled from the start and counts for nothing: the batch can then say what became of it. An
    invalid item refuses the batch, or is left out where the caller says so.
    Raises Refusal: `invalid`, `duplicate_external_id`, `daily_limit_exceeded`. One statement where
    there is one recipient who has not opted out.
    """
    prepare(sender, batch)
    try:
        match items:
            case [Draft() as only] if (sent := _send_one(sender, batch, only)) is not None:
                return sent
            case _:
                return _send_many(sender, batch, items, leave_out_invalid)
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        if getattr(diagnosis, "constraint_name", None) != "batch_external_id":
            raise
        raise Refusal("duplicate_external_id", "A send with this id was accepted before.") from None


def send_single(sender: Sender, batch: Batch, draft: Draft) -> Message:
    """As `send` with one recipient; but where a rule refuses that one, nothing is kept.

    Raises Refusal: `invalid`, `opted_out`, `daily_limit_exceeded`.
    """
    sent = _send_one(sender, prepare(sender, batch), draft)
    if sent is None:
        raise why_not(sender, draft)
    return sent.messages[0]


@transaction.atomic
def send_together(
    sender: Sender, request: Batch, mailings: Iterable[tuple[Batch, Sequence[Draft | Invalid]]]
) -> None:
    """Several sends of one request, all of them or nothing: `request` becomes the parent of each.

    Raises Refusal as `send` does.
    """
    intake.lock_account(sender.account_id)
    _save(prepare(sender, request))
    for batch, items in mailings:
        batch.parent = request
        _send_many(sender, prepare(sender, batch), items, leave_out_invalid=False)


def prepare(sender: Sender, batch: Batch) -> Batch:
    """The unsaved batch with the licence that it is sent by, made now."""
    batch.account_id = sender.account_id
    batch.license_id = sender.license_id
    batch.created_at = clock.now()
    return batch


def _save(batch: Batch) -> None:
    batch.save()
    webhooks.expect(batch)


def _send_one(sender: Sender, batch: Batch, draft: Draft) -> Sent | None:
    """None where a rule stood in the way: `_send_many` finds out which."""
    message = to_message(sender, draft, batch.created_at)
    day = local_day(sender, message)
    with transaction.atomic() if batch.callback_url else savepoint_if_needed():
        used = intake.insert_message(message, limit=sender.max_daily_sms, day=day, batch=batch)
        if used is None:
            return None
        webhooks.expect(batch)
    wakeup.after_commit(sender.license_id)
    return Sent(batch, [message], [], used=(day, used))


@transaction.atomic
def _send_many(
    sender: Sender, batch: Batch, items: Sequence[Draft | Invalid], leave_out_invalid: bool
) -> Sent:
    intake.lock_account(sender.account_id)
    _save(batch)
    return fill(sender, batch, items, leave_out_invalid=leave_out_invalid)


def fill(
    sender: Sender,
    batch: Batch,
    items: Sequence[Draft | Invalid],
    *,
    leave_out_invalid: bool = False,
) -> Sent:
    """Queue these in a batch that exists; the caller holds the account's lock."""
    mine = [replace(i, batch_id=batch.pk) if isinstance(i, Draft) else i for i in items]
    accepted = accept_locked(sender, mine, skip_outside_hours=False, skip_opted_out=False)
    if accepted.skipped and not leave_out_invalid:
        raise invalid(accepted.skipped[0].errors)
    return Sent(batch, accepted.created, accepted.skipped)
