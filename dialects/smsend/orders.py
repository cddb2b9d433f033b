"""Orders: send, read what became of them, take them back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from dialects.params import read
from dialects.smsend import words
from dialects.smsend.base import VendorViewSet, credits_left, page_of
from dialects.smsend.dates import When, shown
from dialects.smsend.order_requests import GroupSms, Order, ParamSms, Sms, each_once
from dialects.smsend.requests import Period
from dialects.smsend.selectors import phones_of_groups, within
from http_api import clock
from http_api.idempotency import idempotent
from licenses.scopes import Scope
from licenses.sender import Sender
from messaging import selectors
from messaging.drafts import Draft, Invalid
from messaging.fields import Phone
from messaging.models import Batch, Message
from messaging.services import batches, owner
from messaging.services.accept import AcceptResult
from messaging.states import MessageState


class OrderViewSet(VendorViewSet):
    needs = {
        "send": Scope.SEND, "send_with_values": Scope.SEND, "send_to_groups": Scope.SEND,
        "retrieve": Scope.READ, "destroy": Scope.MANAGE, "destroy_scheduled": Scope.MANAGE,
    }  # fmt: skip

    @idempotent
    def send(self, request: Request) -> Response:
        order = read(request, Sms)
        return self._accept(order, order.items(), 201)

    @idempotent
    def send_with_values(self, request: Request) -> Response:
        order = read(request, ParamSms)
        return self._accept(order, order.items(), 201)

    @idempotent
    def send_to_groups(self, request: Request) -> Response:
        order = read(request, GroupSms)
        return self._accept(order, order.items(phones_of_groups(self.sender, order)), 200)

    def _accept(self, order: Order, items: Iterable[Draft | Invalid], status: int) -> Response:
        sender, batch = self.sender, order.batch()
        result = batches.send(
            sender, batch, each_once(items), leave_out_invalid=order.allows_invalid
        )
        return Response(_accepted(sender, order, batch, result), status=status)

    def retrieve(self, request: Request, order_id: str) -> Response:
        sender = self.sender
        batch = selectors.batch(sender.license_id, words.NAME, order_id)
        return Response(_states(sender, list(batch.messages.all())))

    @idempotent
    def destroy(self, request: Request, order_id: str) -> Response:
        owner.cancel_batch(selectors.batch(self.sender.license_id, words.NAME, order_id))
        return Response({"result": "OK", "order_id": order_id})

    @idempotent
    def destroy_scheduled(self, request: Request) -> Response:
        total = owner.cancel_scheduled(self.sender.license_id, words.NAME)
        return Response({"result": "OK", "total": total})


class History(Period):
    start: Annotated[When, Field(alias="from")]


class RecipientHistory(History):
    recipient: Phone


class HistoryViewSet(VendorViewSet):
    needs = {"orders": Scope.READ, "of_recipient": Scope.READ}

    def orders(self, request: Request) -> Response:
        sender, wanted = self.sender, read(request, History)
        zone = wanted.zone or sender.zone
        mine = selectors.batches(sender.license_id, words.NAME).prefetch_related(None)
        size = Subquery(
            Message.objects.filter(batch=OuterRef("pk")).order_by().values("batch")
            .annotate(size=Count("pk")).values("size")
        )  # fmt: skip
        rows = within(wanted, mine.annotate(size=Coalesce(size, 0)))

        def order(batch: Any) -> dict[str, Any]:
            return _head(batch, zone) | {"num_recipients": batch.size}

        return page_of(wanted, rows, "smshistory", order)

    def of_recipient(self, request: Request) -> Response:
        sender, wanted = self.sender, read(request, RecipientHistory)
        zone, now = wanted.zone or sender.zone, clock.now()
        rows = selectors.messages_of_batches(sender.license_id, words.NAME, wanted.recipient)

        def message(row: Message) -> dict[str, Any]:
            number = words.STATE_NUMBERS[state(row, now)]
            return _head(row.its_batch, zone) | {"recipient": row.phone, "status": number}

        rows = within(wanted, rows)
        return page_of(wanted, rows, "rcpthistory", message)


# --- answers ---------------------------------------------------------------------------------------


def state(message: Message, now: dt.datetime) -> str:
    """Return the state of one recipient's message."""
    if message.is_opted_out:
        return words.OPTED_OUT
    if message.status == MessageState.SENT and message.sent_at is not None:
        is_due = now - message.sent_at < words.RECEIPT_DUE_FOR
        return words.RECEIPT_DUE if is_due else words.STATES[MessageState.SENT]
    return words.STATES[MessageState(message.status)]


def _accepted(sender: Sender, order: Order, batch: Batch, result: AcceptResult) -> dict[str, Any]:
    queued = [message for message in result.created if message.status != MessageState.CANCELLED]
    shown: dict[str, Any] = {
        "result": "OK",
        "order_id": batch.external_id,
        "total_sent": sum(m.parts for m in queued) if order.counts_credits else len(queued),
        "remaining_credits": credits_left(sender, result.used),
        "internal_order_id": str(batch.pk),
    }
    if result.skipped:
        shown["invalid_recipients"] = len(result.skipped)
    if order.delivery_notification_url is not None:
        shown["warning"] = words.NOT_CALLED
    return shown


def _states(sender: Sender, messages: Sequence[Message]) -> dict[str, Any]:
    now = clock.now()
    return {
        "result": "OK",
        "recipient_number": len(messages),
        "recipients": [
            {
                "status": state(message, now),
                "destination": message.phone,
                "delivery_date": shown(message.delivered_at, sender.zone),
            }
            for message in messages
        ],
    }


def _head(batch: Batch, zone: Any) -> dict[str, Any]:
    """Format an order of a list, without null: a client's types do not allow it."""
    return {
        "order_id": batch.external_id,
        "create_time": shown(batch.created_at, zone),
        "schedule_time": shown(batch.send_after, zone) or "",
        "message_type": batch.details["message_type"],
        "sender": batch.details["sender"],
    }
