"""A text first, its recipients later: one by one, or all at once when its owner confirms."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from http_api.errors import Refusal
from licenses.auth import Sender
from messaging import intake
from messaging.drafts import ClientTime, Draft, segmented
from messaging.models import Batch, Message
from messaging.services.accept import accept_one
from messaging.services.batches import fill, prepare


def begin(sender: Sender, batch: Batch) -> Batch:
    """Keep what is to be said. `batch` is unsaved, with its `text`; `is_held`: it waits for `confirm`.

    Raises Refusal `invalid`.
    """
    segmented(batch.text)
    prepare(sender, batch).save()
    return batch


def send_to(sender: Sender, batch: Batch, phone: str) -> Message:
    """Queue it for one more recipient. Raises Refusal as `accept_one`, and `conflict`, `not_found`."""
    if batch.is_held:
        raise Refusal("conflict", "This mailing waits to be confirmed.")
    return accept_one(sender, _draft(batch, phone))


@transaction.atomic
def confirm(sender: Sender, batch: Batch, phones: Iterable[str]) -> bool:
    """Queue a held mailing for these recipients, once: False where it was confirmed before.

    Who has opted out gets a message that is cancelled from the start. Raises Refusal:
    `daily_limit_exceeded`, `not_found`; it is still held then.
    """
    intake.lock_account(sender.account_id)
    was_held = Batch.objects.filter(pk=batch.pk, is_held=True).update(is_held=False)
    batch.is_held = False
    if not was_held:
        return False
    fill(sender, batch, [_draft(batch, phone) for phone in phones])
    return True


def _draft(batch: Batch, phone: str) -> Draft:
    if not batch.text:  # retention erases it
        raise Refusal("not_found", "The text of this mailing was erased; make a new one.")
    start = batch.send_after
    return Draft(
        phone=phone,
        text=batch.text,
        send_after=ClientTime(start, start.isoformat()) if start else None,
        batch_id=batch.pk,
    )
