"""Methods that send: the shape, one service, the vendor's answer."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from contacts import selectors as address_book
from dialects import settings
from dialects.params import Params
from dialects.sms_by import requests, responses, words
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.shapes import validated
from http_api.times import local_or_none
from licenses.sender import Sender
from messaging import selectors
from messaging.drafts import Draft
from messaging.models import Batch, Message
from messaging.segments import segment
from messaging.services import batches, mailings


def send_quick_sms(sender: Sender, params: Params) -> Any:
    wanted = validated(requests.QuickSms, params, sender=sender)
    answer = _queued(sender, wanted.phone, wanted.message, alphaname_id=wanted.alphaname_id)
    if wanted.show_cost:
        answer["cost"] = 0
    if wanted.forwarding_message:
        answer["warning"] = words.NO_VIBER
    return answer


def send_otp(messenger: str, sender: Sender, params: Params) -> Any:
    """Send a messenger's code as SMS; raise ApiError `conflict` if the account switched that off."""
    wanted = validated(requests.Otp, params, sender=sender)
    if not settings.is_on(sender.account_id, words.NAME, words.CODES_BY_SMS):
        raise ApiError(ErrorCode.CONFLICT, words.NO_MESSENGER.format(messenger))
    return _queued(sender, wanted.phone, wanted.message) | {"channel": words.CHANNEL}


def _queued(sender: Sender, phone: str, text: str, **details: Any) -> dict[str, Any]:
    batch = Batch(dialect=words.NAME, details=details)
    message = batches.send_single(sender, batch, Draft(phone=phone, text=text))
    return {**_new(message), "parts": message.parts}


def _new(message: Message) -> dict[str, Any]:
    return {"sms_id": message.pk, "status": responses.state(message)}


def create_sms_message(sender: Sender, params: Params) -> Any:
    wanted = validated(requests.NewSmsMessage, params, sender=sender)
    batch = mailings.create(
        sender,
        Batch(
            dialect=words.NAME,
            name=wanted.name,
            text=wanted.message,
            send_after=wanted.time.at if wanted.time else None,
            details={"alphaname_id": wanted.alphaname_id},
        ),
    )
    return {
        "status": "ok",
        "parts": segment(batch.text).parts,
        "len": len(batch.text),
        "message_id": batch.pk,
        "alphaname": words.SYSTEM,
        "time": responses.unix(batch.send_after),
    }


def send_sms(sender: Sender, params: Params) -> Any:
    wanted = validated(requests.NewSms, params, sender=sender)
    batch = selectors.batch_by_id(sender.license_id, words.NAME, wanted.message_id)
    return _new(mailings.send_to(sender, batch, wanted.phone))


def send_bulk_sms(sender: Sender, params: Params) -> Any:
    wanted = validated(requests.BulkSms, params, sender=sender)
    request = Batch(dialect=words.NAME, external_id=str(uuid4()), callback_url=wanted.callback_url)
    batches.send_together(sender, request, [_mailing(one) for one in wanted.messages])
    return {"uuid": request.external_id, "success": "OK"}


def _mailing(wanted: requests.Mailing) -> tuple[Batch, list[Draft]]:
    batch = Batch(
        dialect=words.NAME,
        name=wanted.name,
        send_after=wanted.schedule_time.at if wanted.schedule_time else None,
        details={"alphaname_id": wanted.alphaname_id},
    )
    return batch, wanted.drafts()


def send_sms_list(sender: Sender, params: Params) -> Any:
    """Nothing is sent before confirmSendMessageByList."""
    wanted = validated(requests.NewListMailing, params, sender=sender)
    group = address_book.group(sender.account_id, wanted.list_id)
    batch = mailings.create(
        sender,
        Batch(
            dialect=words.NAME,
            name=wanted.name,
            text=wanted.message,
            send_after=wanted.d_schedule.at,
            is_held=True,
            details={"alphaname_id": wanted.alphaname_id, "list_id": group.pk},
        ),
    )
    return {"status": "OK", "result": {"message_id": batch.pk}}


def confirm_send_message_by_list(sender: Sender, params: Params) -> Any:
    """`confirm` 0 tells what would be sent, 1 sends it, once. The answer is a guess."""
    wanted = validated(requests.Confirmation, params, sender=sender)
    batch = selectors.batch_by_id(sender.license_id, words.NAME, wanted.message_id)
    if "list_id" not in batch.details:
        raise ApiError(ErrorCode.NOT_FOUND, "There is no such mailing to a list.")
    phones = _phones(sender, batch)
    if wanted.confirm and batch.is_held:
        if not phones:
            raise ApiError(ErrorCode.INVALID, "list_id: there is nobody in this list")
        mailings.confirm(sender, batch, phones)
    return {
        "status": "OK",
        "result": {
            "message_id": batch.pk,
            "name": batch.name,
            "list_id": batch.details["list_id"],
            "d_schedule": local_or_none(batch.send_after, sender.zone),
            "count_phones": len(phones),
            "parts": segment(batch.text).parts * len(phones),
            "cost": words.COST,
            "confirmed": int(not batch.is_held),
        },
    }


def _phones(sender: Sender, batch: Batch) -> list[str]:
    """Return the recipients: while it is held the list's contacts, later those it was sent to."""
    if batch.is_held:
        return address_book.phones_in(sender, [batch.details["list_id"]])
    return list(batch.messages.values_list("phone", flat=True))
