"""Methods that tell what became of messages, and what an account has left."""

from __future__ import annotations

from typing import Any

from dialects.sms_by import answers, shapes, words
from http_api.errors import Refusal
from http_api.shapes import validated
from licenses import limits
from licenses.auth import Sender
from messaging import selectors
from messaging.models import Batch
from messaging.segments import segment

Fields = dict[str, Any]
_NAME = words.DIALECT.name


def status_bulk_sms(sender: Sender, fields: Fields) -> Any:
    wanted = validated(shapes.RequestOf, fields)
    request = selectors.batch(sender.license_id, _NAME, wanted.uuid)
    return answers.bulk(request, sender.zone)


def webhook_body(request: Batch) -> Any:
    """What is posted to the `callback_url` of a sendBulkSms."""
    return answers.bulk(request, request.account.zone)


def check_sms_message_status(sender: Sender, fields: Fields) -> Any:
    batch = _batch(sender, validated(shapes.MessageOf, fields).message_id)
    return {
        "status": words.MODERATED,
        "parts": segment(batch.text).parts,
        "alphaname": words.SYSTEM.upper(),
    }


def check_sms(sender: Sender, fields: Fields) -> Any:
    wanted = validated(shapes.SmsOf, fields)
    return answers.sms(selectors.message_of_batch(sender.license_id, _NAME, wanted.sms_id))


def get_messages_list(sender: Sender, fields: Fields) -> Any:
    """Texts whose recipients come, or came, later; newest first. (guess)"""
    page = validated(shapes.Page, fields)
    rows = selectors.batches(sender.license_id, _NAME).exclude(text="").prefetch_related(None)
    return {
        "result": [
            {
                "message_id": batch.pk,
                "message": batch.text,
                "parts": segment(batch.text).parts,
                "d_create": answers.local(batch.created_at, sender),
                "status": words.MODERATED,
            }
            for batch in rows.order_by("-pk")[page.rows]
        ]
    }


def get_sms_delivery_list(sender: Sender, fields: Fields) -> Any:
    page = validated(shapes.DeliveryPage, fields)
    batch = _batch(sender, page.message_id)
    found = selectors.messages_of_batches(sender.license_id, _NAME).filter(batch=batch)
    rows = found.order_by("pk")[page.rows]
    return {"result": [answers.recipient(message, sender) for message in rows]}


def get_sms_messages(sender: Sender, fields: Fields) -> Any:
    """Newest first. All of them came by this API: there are none of type WEB."""
    wanted = validated(shapes.MailingQuery, fields)
    rows = selectors.mailings(sender.license_id, _NAME, newest=words.MAX_ROWS)
    shown = [] if wanted.type == "WEB" else [answers.mailing(row) for row in rows]
    if not shown:
        raise Refusal("nothing_found", "there are no mailings")
    return {"status": "success", "data": shown}


def _batch(sender: Sender, message_id: int) -> Batch:
    return selectors.batch_by_id(sender.license_id, _NAME, message_id)


# --- what an account has -----------------------------------------------------------------------


def _remaining(sender: Sender) -> int:
    remaining = limits.remaining(sender)
    return words.UNLIMITED if remaining is None else remaining


def get_balance(sender: Sender, fields: Fields) -> Any:
    balance = {"balance": f"{_remaining(sender)}.00000", "viber_balance": words.COST}
    return {"status": "OK", "currency": words.CURRENCY, "result": [balance]}


def get_limit(sender: Sender, fields: Fields) -> Any:
    return {"limit": _remaining(sender)}


def get_alphanames(sender: Sender, fields: Fields) -> Any:
    return {"0": words.SIM}


def get_alphaname_id(sender: Sender, fields: Fields) -> Any:
    """Whatever the name: a SIM has none but its number."""
    return {"id": 0}
