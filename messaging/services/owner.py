"""What a message's owner decides: cancel it, or say what became of an uncertain one."""

from __future__ import annotations

from typing import Literal

from django.db import transaction

from http_api import clock
from http_api.errors import Refusal
from messaging import queue, wakeup
from messaging.models import Attempt, Message
from messaging.queue import Change
from messaging.states import WAITING, MessageState

Resolution = Literal["sent", "again", "given_up"]


@transaction.atomic
def cancel(account_id: int, message_id: int) -> Message:
    """Cancel what no phone has started; what a phone holds is asked back (`cancel_requested`).

    Raises Refusal: `not_found`, `conflict` where it is too late.
    """
    message = _locked(account_id, message_id)
    now = clock.now()
    if message.status in WAITING:
        change = Change(
            message.pk,
            message.status,
            MessageState.CANCELLED,
            cause="owner",
            failure_reason="cancelled",
            finished_at=now.isoformat(),
        )
    elif message.status == MessageState.LEASED:
        change = Change(
            message.pk, message.status, message.status, cause="owner", cancel_requested=True
        )
    elif message.status == MessageState.CANCELLED:
        return message
    else:
        raise Refusal("conflict", f"This message is {message.status}: it cannot be cancelled now.")
    queue.change([change], now)
    message.refresh_from_db()
    return message


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
