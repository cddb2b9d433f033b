"""The decisions of a message's owner: cancel it, or say what became of an uncertain one."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Count, Max

from http_api import clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, or_not_found
from messaging import moves, selectors, wakeup
from messaging.drafts import expiry_by_age
from messaging.events import PROOFS_OF_SENDING, EventType
from messaging.models import Attempt, Batch, Event, Message
from messaging.services import endings
from messaging.states import WAITING, MessageState
from messaging.transitions import Cause, Resolution, StateTransition, end

PIECE = 1_000  # messages that are cancelled in one transaction


@transaction.atomic
def cancel(account_id: int, message_id: int) -> Message:
    """Cancel what no phone has started; what a phone holds is asked back (`cancel_requested`), and
    what an earlier attempt may have sent becomes `uncertain`.

    Raises ApiError: `not_found`, `conflict` where it is too late.
    """
    message = _locked(account_id, message_id)
    now = clock.now()
    if endings.call_off_all([message], Cause.OWNER, now):
        message.refresh_from_db()
    elif message.status != MessageState.CANCELLED and not _is_called_off(message):
        raise _too_late(f"This message is {message.status}")
    return message


@transaction.atomic
def cancel_batch(batch: Batch) -> None:
    """Cancel what of a batch no phone has started, as `cancel` does for one message.

    Raises ApiError `conflict` where nothing of it can be, or was, cancelled.
    """
    messages = list(Message.objects.select_for_update().filter(batch=batch).order_by("pk"))
    now = clock.now()
    called_off = endings.call_off_all(messages, Cause.OWNER, now)
    if not called_off and all(message.status != MessageState.CANCELLED for message in messages):
        raise _too_late("All of it is sent, or with the phone")


def cancel_scheduled(license_id: int, dialect: str) -> int:
    """Cancel what a licence sent in this dialect and is not due yet; answers how many.

    In pieces, each committed on its own unless the caller has a transaction: phones go on meanwhile.
    """
    count, last = 0, PIECE
    while last == PIECE:
        last = _cancel_scheduled(license_id, dialect)
        count += last
    return count


@transaction.atomic
def _cancel_scheduled(license_id: int, dialect: str) -> int:
    mine = Message.objects.filter(license_id=license_id, batch__dialect=dialect)
    waiting = (
        mine.filter(status=MessageState.SCHEDULED).order_by("pk").select_for_update(of=["self"])
    )
    now = clock.now()
    return len(endings.call_off_all(list(waiting[:PIECE]), Cause.OWNER, now))


def _is_called_off(message: Message) -> bool:
    """Return whether it was cancelled while in doubt: cancelling it again is idempotent, no conflict."""
    return message.status == MessageState.UNCERTAIN and message.cancel_requested


def _too_late(what: str) -> ApiError:
    return ApiError(ErrorCode.CONFLICT, f"{what}: it cannot be cancelled now.")


@transaction.atomic
def resolve(account_id: int, message_id: int, resolution: Resolution) -> Message:
    """Decide about an uncertain message: it was sent, send it again, or give it up. One that failed
    as a whole may be sent again too.

    Raises ApiError: `not_found`, `conflict` where there is nothing to decide (any more).
    """
    message = _locked(account_id, message_id)
    now = clock.now()
    if message.status == MessageState.FAILED and resolution == "again":
        _check_that_nothing_was_sent(message, now)
    elif message.status != MessageState.UNCERTAIN:
        shown = MessageState.PENDING.value if message.status in WAITING else message.status
        raise ApiError(ErrorCode.CONFLICT, f"This message is {shown}, not uncertain.")
    if resolution == "again" and not message.phone:
        raise ApiError(
            ErrorCode.CONFLICT, "The number and the text of this message have been erased."
        )
    match resolution:
        case "sent":
            transition = end(message, Cause.OWNER_SENT, is_in_doubt=False)
        case "given_up":
            transition = end(message, Cause.OWNER_GIVEN_UP, is_in_doubt=False)
        case "again":
            transition = _send_again(message, now)
    moves.move([transition], now)
    message.refresh_from_db()
    return message


def _send_again(message: Message, now: dt.datetime) -> StateTransition:
    """Supersede the newest attempt and requeue: of the former only proofs of sending count now."""
    Attempt.objects.filter(message=message, n=message.attempt_n).update(is_superseded=True)
    if message.send_before is None:  # its age counts anew
        message.expires_at = expiry_by_age(message.account.max_age_hours, now)
        message.save(update_fields=["expires_at"])
    wakeup.after_commit(message.license_id)
    return StateTransition(
        message.pk,
        message.license_id,
        MessageState(message.status),
        MessageState.PENDING,
        Cause.OWNER_AGAIN,
        failure_reason="",
        cancel_requested=False,
        due_at=now,
    )


def _check_that_nothing_was_sent(message: Message, now: dt.datetime) -> None:
    """Raise ApiError `conflict` if a part of a failed message may be out, or its deadline has passed."""
    if selectors.details_ended(message, selectors.timeline(message)):
        words = "The details of this message have ended: a part of it may have been sent."
        raise ApiError(ErrorCode.CONFLICT, words)
    heard = Event.objects.filter(message_id=message.pk, quarantine="")
    if heard.filter(type__in=PROOFS_OF_SENDING).exists():
        raise ApiError(
            ErrorCode.CONFLICT, "A part of this message was sent: it cannot be sent again."
        )
    refused = heard.filter(attempt=message.attempt_n, type=EventType.PART_FAILED)
    answers = refused.aggregate(parts=Max("parts"), refused=Count("part", distinct=True))
    if answers["refused"] < (answers["parts"] or 0):
        words = "A part of this message may have been sent: it cannot be sent again."
        raise ApiError(ErrorCode.CONFLICT, words)
    if message.send_before is not None and message.send_before <= now:
        raise ApiError(ErrorCode.CONFLICT, "The send_before of this message has passed.")


def _locked(account_id: int, message_id: int) -> Message:
    mine = Message.objects.select_for_update().filter(account_id=account_id, pk=message_id)
    return or_not_found(mine.first(), "message")
