"""Methods that tell what became of messages, and what an account has left."""

from __future__ import annotations

from typing import Any

from dialects.params import Params
from dialects.sms_by import requests, responses, words
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.pagination import at, page
from http_api.shapes import validated
from http_api.times import local_or_none
from licenses import daily_limit
from licenses.sender import Sender
from messaging import selectors
from messaging.models import Batch
from messaging.segments import segment

_NAME = words.NAME


def status_bulk_sms(sender: Sender, params: Params) -> Any:
    wanted = validated(requests.RequestOf, params)
    request = selectors.batch(sender.license_id, _NAME, wanted.uuid)
    return responses.bulk(request, sender.zone)


def webhook_body(request: Batch) -> Any:
    """Return what is posted to the `callback_url` of a sendBulkSms."""
    return responses.bulk(request, request.account.zone)


def check_sms_message_status(sender: Sender, params: Params) -> Any:
    batch = _batch(sender, validated(requests.MessageOf, params).message_id)
    return {
        "status": words.MODERATED,
        "parts": segment(batch.text).parts,
        "alphaname": words.SYSTEM.upper(),
    }


def check_sms(sender: Sender, params: Params) -> Any:
    wanted = validated(requests.SmsOf, params)
    return responses.sms(selectors.message_of_batch(sender.license_id, _NAME, wanted.sms_id))


def get_messages_list(sender: Sender, params: Params) -> Any:
    """Texts whose recipients come, or came, later; newest first. (guess)"""
    wanted = validated(requests.Page, params)
    rows = selectors.batches_with_text(sender.account_id, sender.license_id, _NAME)
    return {
        "result": [
            {
                "message_id": batch.pk,
                "message": batch.text,
                "parts": segment(batch.text).parts,
                "d_create": local_or_none(batch.created_at, sender.zone),
                "status": words.MODERATED,
            }
            for batch in page(rows, wanted.rows)
        ]
    }


def get_sms_delivery_list(sender: Sender, params: Params) -> Any:
    wanted = validated(requests.DeliveryPage, params)
    rows = _batch(sender, wanted.message_id).messages.order_by("pk")
    return {"result": [responses.recipient(message, sender) for message in at(rows, wanted.rows)]}


def get_sms_messages(sender: Sender, params: Params) -> Any:
    """Newest first. All of them came by this API: there are none of type WEB."""
    wanted = validated(requests.MailingQuery, params)
    rows = selectors.mailings(sender.license_id, _NAME, newest=words.MAX_ROWS)
    shown = [] if wanted.type == "WEB" else [responses.mailing(row) for row in rows]
    if not shown:
        raise ApiError(ErrorCode.NOTHING_FOUND, "there are no mailings")
    return {"status": "success", "data": shown}


def _batch(sender: Sender, message_id: int) -> Batch:
    return selectors.batch_by_id(sender.license_id, _NAME, message_id)


# --- what an account has -----------------------------------------------------------------------


def _remaining(sender: Sender) -> int:
    remaining = daily_limit.remaining(sender)
    return words.UNLIMITED if remaining is None else remaining


def get_balance(sender: Sender, params: Params) -> Any:
    balance = {"balance": f"{_remaining(sender)}.00000", "viber_balance": words.COST}
    return {"status": "OK", "currency": words.CURRENCY, "result": [balance]}


def get_limit(sender: Sender, params: Params) -> Any:
    return {"limit": _remaining(sender)}


def get_alphanames(sender: Sender, params: Params) -> Any:
    return {"0": words.SIM}


def get_alphaname_id(sender: Sender, params: Params) -> Any:
    """Whatever the name: a SIM has none but its number."""
    return {"id": 0}
