"""Mailings: the text is saved first, recipients follow, one by one or all when its owner confirms."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from licenses.sender import Sender
from messaging import locks
from messaging.drafts import ClientTime, Draft, segmented
from messaging.models import Batch, Message
from messaging.services.accept import BATCH, REFUSE, accept
from messaging.services.batches import prepare


def create(sender: Sender, batch: Batch) -> Batch:
    """Save a mailing without recipients; with `is_held` it waits for `confirm`.

    `batch` is unsaved and has its `text`. Raise ApiError `invalid`.
    """
    segmented(batch.text)
    prepare(sender, batch).save()
    return batch


def send_to(sender: Sender, batch: Batch, phone: str) -> Message:
    """Queue it for one more recipient. Raises ApiError as `accept`, and `conflict`, `not_found`."""
    if batch.is_held:
        raise ApiError(ErrorCode.CONFLICT, "This mailing waits to be confirmed.")
    return accept(sender, [_draft(batch, phone)], REFUSE).only


@transaction.atomic
def confirm(sender: Sender, batch: Batch, phones: Iterable[str]) -> bool:
    """Queue a held mailing for these recipients, once: False where it was confirmed before.

    Who has opted out gets a message that is cancelled from the start. Raises ApiError:
    `daily_limit_exceeded`, `not_found`; it is still held then.
    """
    locks.lock_account(sender.account_id)
    held = Batch.objects.filter(pk=batch.pk, license_id=sender.license_id, is_held=True)
    was_held = held.update(is_held=False)
    batch.is_held = False
    if not was_held:
        return False
    accept(sender, [_draft(batch, phone) for phone in phones], BATCH, is_locked=True)
    return True


def _draft(batch: Batch, phone: str) -> Draft:
    if not batch.text:  # retention erases it
        raise ApiError(ErrorCode.NOT_FOUND, "The text of this mailing was erased; make a new one.")
    start = batch.send_after
    return Draft(
        phone=phone,
        text=batch.text,
        send_after=ClientTime(start, start.isoformat()) if start else None,
        batch_id=batch.pk,
    )
