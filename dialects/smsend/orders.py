"""Orders: send, read what became of them, take them back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

from django.db.models import Count
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from dialects.base import DialectViewSet
from dialects.smsend import words
from dialects.smsend.authentication import LoggedIn
from dialects.smsend.dates import When, shown
from dialects.smsend.order_shapes import GroupSms, Order, ParamSms, Sms
from dialects.smsend.shapes import Number, Period, asked
from http_api import clock
from http_api.shapes import validated
from licenses import limits
from licenses.auth import Sender, sender_of
from messaging import selectors
from messaging.models import Batch, Message
from messaging.services import batches, owner
from messaging.services.batches import Sent
from messaging.states import MessageState


class VendorViewSet(DialectViewSet):
    dialect = words.DIALECT
    authentication_classes = [LoggedIn]


class OrderViewSet(VendorViewSet):
    def send(self, request: Request) -> Response:
        return self._accept(request, Sms, 201)

    def send_with_values(self, request: Request) -> Response:
        return self._accept(request, ParamSms, 201)

    def send_to_groups(self, request: Request) -> Response:
        return self._accept(request, GroupSms, 200)

    def _accept(self, request: Request, shape: type[Order], status: int) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            order = validated(shape, request.data, sender=sender)
            items = order.items(sender)
            sent = batches.send(
                sender, order.batch(), items, leave_out_invalid=order.allows_invalid
            )
            return Response(_accepted(sender, order, sent), status=status)

        return self.write(request, sender.scope, work)

    def retrieve(self, request: Request, order_id: str) -> Response:
        sender = sender_of(request)
        batch = selectors.batch(sender.license_id, words.DIALECT.name, order_id)
        return Response(_states(sender, list(batch.messages.all())))

    def destroy(self, request: Request, order_id: str) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            owner.cancel_batch(selectors.batch(sender.license_id, words.DIALECT.name, order_id))
            return Response({"result": "OK", "order_id": order_id})

        return self.write(request, sender.scope, work)

    def destroy_scheduled(self, request: Request) -> Response:
        sender = sender_of(request)

        def work() -> Response:
            mine = selectors.batches(sender.license_id, words.DIALECT.name)
            return Response({"result": "OK", "total": owner.cancel_scheduled(mine)})

        return self.write(request, sender.scope, work)


class History(Period):
    start: Annotated[When, Field(alias="from")]


class RecipientHistory(History):
    recipient: Number


class HistoryViewSet(VendorViewSet):
    def orders(self, request: Request) -> Response:
        sender, wanted = sender_of(request), asked(request, History)
        zone = wanted.zone or sender.zone
        mine = selectors.batches(sender.license_id, words.DIALECT.name).prefetch_related(None)
        rows = wanted.within(mine.annotate(size=Count("messages")), "created_at").order_by("-pk")

        def order(batch: Any) -> dict[str, Any]:
            return _head(batch, zone) | {"num_recipients": batch.size}

        return Response(wanted.of(rows, "smshistory", order))

    def of_recipient(self, request: Request) -> Response:
        sender, wanted = sender_of(request), asked(request, RecipientHistory)
        zone, now = wanted.zone or sender.zone, clock.now()
        rows = selectors.messages_of_batches(
            sender.license_id, words.DIALECT.name, wanted.recipient
        )

        def message(row: Message) -> dict[str, Any]:
            assert row.batch is not None
            number = words.STATE_NUMBERS[state(row, now)]
            return _head(row.batch, zone) | {"recipient": row.phone, "status": number}

        rows = wanted.within(rows, "created_at").order_by("-pk")
        return Response(wanted.of(rows, "rcpthistory", message))


# --- answers ---------------------------------------------------------------------------------------


def state(message: Message, now: dt.datetime) -> str:
    """What became of one recipient's message."""
    if message.status == MessageState.CANCELLED and message.failure_reason == "opted_out":
        return words.OPTED_OUT
    if message.status == MessageState.SENT and message.sent_at is not None:
        is_due = now - message.sent_at < words.RECEIPT_DUE_FOR
        return words.RECEIPT_DUE if is_due else words.STATES[MessageState.SENT]
    return words.STATES[MessageState(message.status)]


def credits_left(sender: Sender, known: tuple[dt.date, int] | None = None) -> int:
    left = limits.remaining(sender, known)
    return words.UNLIMITED if left is None else left


def _accepted(sender: Sender, order: Order, sent: Sent) -> dict[str, Any]:
    queued = [message for message in sent.messages if message.status != MessageState.CANCELLED]
    shown: dict[str, Any] = {
        "result": "OK",
        "order_id": sent.batch.external_id,
        "total_sent": sum(m.parts for m in queued) if order.counts_credits else len(queued),
        "remaining_credits": credits_left(sender, sent.used),
        "internal_order_id": str(sent.batch.pk),
    }
    if sent.left_out:
        shown["invalid_recipients"] = len(sent.left_out)
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
    """An order in a list. A client's types know no null here."""
    return {
        "order_id": batch.external_id,
        "create_time": shown(batch.created_at, zone),
        "schedule_time": shown(batch.send_after, zone) or "",
        "message_type": batch.details["message_type"],
        "sender": batch.details["sender"],
    }
