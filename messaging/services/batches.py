"""Accept a send to several recipients: one batch, a message for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.db import transaction

from http_api import clock
from licenses.sender import Sender
from messaging import locks
from messaging.drafts import Draft, Items
from messaging.models import Batch, Message
from messaging.rules import SkipReason
from messaging.services import batch_ends
from messaging.services.accept import BATCH, REFUSE, AcceptResult, accept, into_batch
from outbox import recording as outbox

_WITHOUT_INVALID = replace(BATCH, left_out=frozenset({SkipReason.INVALID}))


def send(
    sender: Sender, batch: Batch, items: Items, *, leave_out_invalid: bool = False
) -> AcceptResult:
    """Queue a message for each item, with the batch that they are: all of it or nothing.

    `batch` is unsaved; whose it is and when it was made is filled in here. Outside the sending hours
    its messages wait for the next opening. An invalid item refuses the batch, or is left out where the
    caller says so. Raises ApiError: `invalid`, `duplicate_external_id`, `daily_limit_exceeded`.
    """
    policy = _WITHOUT_INVALID if leave_out_invalid else BATCH
    return accept(sender, items, policy, batch=prepare(sender, batch))


def send_single(sender: Sender, batch: Batch, draft: Draft) -> Message:
    """As `send` with one recipient; but where a rule refuses that one, nothing is kept.

    Raises ApiError: `invalid`, `opted_out`, `daily_limit_exceeded`.
    """
    return accept(sender, [draft], REFUSE, batch=prepare(sender, batch)).only


@transaction.atomic
def send_together(sender: Sender, request: Batch, mailings: Iterable[tuple[Batch, Items]]) -> None:
    """Several sends of one request, all of them or nothing: `request` becomes the parent of each.

    Raises ApiError as `send` does.
    """
    locks.lock_account(sender.account_id)
    prepare(sender, request).save()
    batch_ends.schedule(request)
    parts = [(prepare(sender, batch), items) for batch, items in mailings]
    for batch, _ in parts:
        batch.parent = request
    Batch.objects.bulk_create(batch for batch, _ in parts)
    together = [one for batch, items in parts for one in into_batch(batch, items)]
    accept(sender, together, BATCH, is_locked=True)


def told_at(sender: Sender, callback_url: str) -> Batch | None:
    """Return the batch of a native send whose messages' events a URL is to be told of; None without."""
    if not callback_url:
        return None
    outbox.begin(sender.account_id)
    return prepare(sender, Batch(dialect=Batch.NATIVE, callback_url=callback_url))


def prepare(sender: Sender, batch: Batch) -> Batch:
    """Set the unsaved batch's account, licence and creation time, and return it."""
    batch.account_id = sender.account_id
    batch.license_id = sender.license_id
    batch.created_at = clock.now()
    return batch
