"""The state of messages, in the vendor's words."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from dialects.sms_by import words
from http_api.times import local_or_none
from licenses.sender import Sender
from messaging import selectors
from messaging.models import Batch, Message
from messaging.selectors import Mailing
from messaging.states import MessageState


def state(message: Message) -> str:
    return words.STATES[MessageState(message.status)]


def digits(message: Message) -> str:
    """`375291234567`; '0' once retention has erased it."""
    return message.phone.removeprefix("+") or "0"


def unix(at: dt.datetime | None) -> int:
    return int(at.timestamp()) if at else 0


def sms(message: Message) -> dict[str, Any]:
    return {
        "sms_id": message.pk,
        "sent": unix(message.sent_at),
        "delivered": unix(message.delivered_at),
        "status": state(message),
    }


def recipient(message: Message, sender: Sender) -> dict[str, Any]:
    """Format a row of getSmsDeliveryList."""
    return {
        "phone": int(digits(message)),
        "status": state(message).lower(),
        "d_sent": local_or_none(message.sent_at, sender.zone),
    }


def bulk(request: Batch, zone: ZoneInfo) -> list[dict[str, Any]]:
    """statusBulkSms, and what a `callback_url` is told."""
    of_request = selectors.batches(request.license_id, request.dialect).filter(parent=request)
    return [_mailing_of_bulk(batch, zone) for batch in of_request.order_by("pk")]


def _mailing_of_bulk(batch: Batch, zone: ZoneInfo) -> dict[str, Any]:
    """`error` has those who will not get theirs. (guess)"""
    shown: dict[str, Any] = {
        "message_id": batch.pk,
        "name": batch.name,
        "alphaname_id": batch.details.get("alphaname_id", 0),
        "success": [],
    }
    for message in batch.messages.all():
        failed = state(message) == "UNDELIVERED"
        row = _delivery(message, zone) | ({"error": _reason(message)} if failed else {})
        shown.setdefault("error" if failed else "success", []).append(row)
    return shown


def _delivery(message: Message, zone: ZoneInfo) -> dict[str, Any]:
    at = message.delivered_at or message.finished_at or message.sent_at or message.created_at
    return {
        "delivery_id": message.pk,
        "phone": digits(message),
        "status": state(message),
        "status_time": at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }


def _reason(message: Message) -> str:
    return words.ERRORS.get(message.failure_reason, message.failure_reason or message.status)


def mailing(row: Mailing) -> dict[str, Any]:
    """Format a row of getSMSMessages."""
    return {
        "id": row.id,
        "name": row.name,
        "d_create": unix(row.created_at),
        "d_schedule": unix(row.send_after or row.created_at),
        "type": "API",
        "parts": str(row.parts),
        "count_phones": row.messages,
        "status": _state_of_all(row),
        "sms_delivered": str(row.delivered),
        "cost": words.COST,
        "alphaname": words.SIM,
    }


def _state_of_all(row: Mailing) -> str:
    """NEW while any waits or nobody is in it, SENT while a delivery is not known. (guess)"""
    if row.waiting or not row.messages:
        return "NEW"
    if row.sent:
        return "SENT"
    return "DELIVERED" if row.delivered else "UNDELIVERED"
