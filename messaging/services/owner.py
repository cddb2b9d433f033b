"""What a message's owner decides: cancel it, or say what became of an uncertain one."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from django.db import transaction
from django.db.models import QuerySet

from http_api import clock
from http_api.errors import Refusal
from messaging import queue, wakeup
from messaging.models import Attempt, Batch, Message
from messaging.queue import Change
from messaging.services.settle import cancellation
from messaging.states import WAITING, MessageState

Resolution = Literal["sent", "again", "given_up"]


@transaction.atomic
def cancel(account_id: int, message_id: int) -> Message:
    """Cancel what no phone has started; what a phone holds is asked back (`cancel_requested`), and
    what an earlier attempt may have sent becomes `uncertain`.

    Raises Refusal: `not_found`, `conflict` where it is too late.
    """
    message = _locked(account_id, message_id)
    now = clock.now()
    change = _cancellation(message, now)
    if change is not None:
        queue.change([change], now)
        message.refresh_from_db()
    elif message.status != MessageState.CANCELLED and not _is_called_off(message):
        raise _too_late(f"This message is {message.status}")
    return message


@transaction.atomic
def cancel_batch(batch: Batch) -> None:
    """Cancel what of a batch no phone has started, as `cancel` does for one message.

    Raises Refusal `conflict` where nothing of it can be, or was, cancelled.
    """
    messages = list(Message.objects.select_for_update().filter(batch=batch).order_by("pk"))
    now = clock.now()
    changes = [change for message in messages if (change := _cancellation(message, now))]
    if not changes and all(message.status != MessageState.CANCELLED for message in messages):
        raise _too_late("All of it is sent, or with the phone")
    queue.change(changes, now)


@transaction.atomic
def cancel_scheduled(batches: QuerySet[Batch]) -> int:
    """Cancel all messages of these batches that are not due yet; answers how many."""
    waiting = Message.objects.select_for_update().filter(
        batch__in=batches, status=MessageState.SCHEDULED
    )
    now = clock.now()
    changes = [_cancellation(message, now) for message in waiting.order_by("pk")]
    return len(queue.change([change for change in changes if change], now))


def _is_called_off(message: Message) -> bool:
    """Asked for once more, a cancellation of what may have been sent is answered the same again."""
    return message.status == MessageState.UNCERTAIN and message.cancel_requested


def _cancellation(message: Message, now: dt.datetime) -> Change | None:
    """None: it is cancelled already, or it is too late."""
    if message.status in WAITING:
        return cancellation(message, now, cause="owner", reason="cancelled")
    if message.status == MessageState.LEASED:
        return Change(
            message.pk, message.status, message.status, cause="owner", cancel_requested=True
        )
    return None


def _too_late(what: str) -> Refusal:
    return Refusal("conflict", f"{what}: it cannot be cancelled now.")


@transaction.atomic
def resolve(account_id: int, message_id: int, resolution: Resolution) -> Message:
    """Decide about an uncertain message: it was sent, send it again, or give it up.

    Raises Refusal: `not_found`, `conflict` where it is not uncertain (any more).
    """
    message = _locked(account_id, message_id)
    if message.status != MessageState.UNCERTAIN:
        shown = MessageState.PENDING.value if message.status in WAITING else message.status
        raise Refusal("conflict", f"This message is {shown}, not uncertain.")
    now = clock.now()
    moment = now.isoformat()
    before = message.status
    match resolution:
        case "sent":
            change = Change(
                message.pk, before, MessageState.SENT, "owner: sent", sent_at=moment,
                finished_at=moment, failure_reason="",
            )  # fmt: skip
        case "again":
            Attempt.objects.filter(message=message, n=message.attempt_n).update(is_superseded=True)
            change = Change(
                message.pk, before, MessageState.PENDING, "owner: again", failure_reason="",
                cancel_requested=False,
            )  # fmt: skip
            wakeup.after_commit(message.license_id)
        case "given_up":
            change = Change(
                message.pk, before, MessageState.FAILED, "owner: given_up",
                failure_reason="given_up", finished_at=moment,
            )  # fmt: skip
    queue.change([change], now)
    message.refresh_from_db()
    return message


def _locked(account_id: int, message_id: int) -> Message:
    message = (
        Message.objects.select_for_update().filter(account_id=account_id, pk=message_id).first()
    )
    if message is None:
        raise Refusal("not_found", "There is no such message.")
    return message
