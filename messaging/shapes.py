"""What the message routes take and answer."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from rest_framework.request import Request

from http_api.parsing import check_strings, restore_plus
from http_api.shapes import Boolean, Identifier, Shape, identifier, problems_by_field
from messaging.drafts import DEFAULT_PRIORITY, Draft
from messaging.fields import ExternalId, Phone, Priority, Text, Time, Uncertain
from messaging.models import InboundMessage, Message, OnUncertain, OptOut, StateChange
from messaging.selectors import MessageFilter
from messaging.services.accept import Batch, Invalid, Skip
from messaging.services.owner import Resolution
from messaging.states import WAITING, MessageState

LicenseKey = Annotated[
    Identifier | None,
    Field(
        description="6 or 12 characters; may come in the `Authorization: Bearer` header instead."
    ),
]


class MessageItem(Shape):
    """One SMS of a bulk."""

    external_id: ExternalId
    message: Text
    phone: Phone
    send_after: Time | None = None
    send_before: Time | None = None
    priority: Priority = DEFAULT_PRIORITY
    on_uncertain: Uncertain = OnUncertain.HOLD.value

    def draft(self) -> Draft:
        return Draft(
            phone=self.phone,
            text=self.message,
            external_id=self.external_id,
            send_after=self.send_after,
            send_before=self.send_before,
            priority=self.priority,
            on_uncertain=self.on_uncertain,
        )


class SingleMessage(MessageItem):
    """Body of `POST /api/messages/`."""

    license__key: LicenseKey = None


def invalid_item(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    """One bad item does not spoil the batch: it becomes an Invalid in its place."""
    try:
        return handler(value)
    except ValidationError as error:
        given = identifier(value.get("external_id")) if isinstance(value, dict) else None
        return Invalid(problems_by_field(error), given if isinstance(given, str) else None)


class BulkMessages(Shape):
    """Body of `POST /api/messages/bulk/`."""

    license__key: LicenseKey = None
    messages: Annotated[
        list[Annotated[MessageItem, WrapValidator(invalid_item)]],
        Field(min_length=1, max_length=1000),
    ]
    all_or_nothing: Boolean = False

    def items(self) -> list[Draft | Invalid]:
        items: list[MessageItem | Invalid] = list(self.messages)
        return [item if isinstance(item, Invalid) else item.draft() for item in items]


class Resolve(Shape):
    """Body of `POST /api/messages/{id}/resolve/`."""

    resolution: Annotated[Resolution, Field(alias="as")]


class NewOptOut(Shape):
    """Body of `POST /api/opt-outs/`."""

    phone: Phone


class MessageQuery(Shape):
    """Query of `GET /api/messages/`."""

    external_id: ExternalId | None = None
    phone: Phone | None = None
    status: MessageState | None = None
    since: Time | None = None

    def filter(self) -> MessageFilter:
        return MessageFilter(
            external_id=self.external_id,
            phone=self.phone,
            status=self.status,
            since=self.since.at if self.since else None,
        )


def query(request: Request) -> dict[str, str]:
    """The query string as a dict; an empty value is absent."""
    given = {name: value for name, value in request.query_params.dict().items() if value}
    check_strings(given)
    if "phone" in given:
        given["phone"] = restore_plus(given["phone"])
    return given


# --- answers -----------------------------------------------------------------------------------


def utc(moment: dt.datetime | None) -> str | None:
    """`2026-04-09T14:32:00Z`."""
    if moment is None:
        return None
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown_status(status: str) -> str:
    """`scheduled` and `pending` both show as `pending`."""
    return MessageState.PENDING.value if status in WAITING else str(status)


def accepted(message: Message) -> dict[str, Any]:
    """The answer to a single message: the documented keys and no others."""
    return {
        "id": message.pk,
        "external_id": message.external_id,
        "phone": message.phone,
        "message": message.text,
        "status": shown_status(message.status),
        "send_after": message.send_after_given or None,
        "created_at": utc(message.created_at),
    }


def batch_answer(batch: Batch) -> dict[str, Any]:
    return {
        "created_count": len(batch.created),
        "skipped_count": len(batch.skipped),
        "skipped": [_skipped(skip) for skip in batch.skipped],
    }


def _skipped(skip: Skip) -> dict[str, Any]:
    shown = {"index": skip.index, "reason": skip.reason, "external_id": skip.external_id}
    return shown | {"errors": skip.errors} if skip.errors else shown


def message_read(message: Message) -> dict[str, Any]:
    """A message on our own read routes: the documented keys and what became of it."""
    return accepted(message) | {
        "status": shown_status(message.status),
        "send_before": utc(message.send_before),
        "priority": message.priority,
        "parts": message.parts,
        "encoding": message.encoding,
        "sent_at": utc(message.sent_at),
        "delivered_at": utc(message.delivered_at),
        "failure_reason": message.failure_reason or None,
        "cancel_requested": message.cancel_requested,
    }


def message_with_timeline(message: Message, changes: list[StateChange]) -> dict[str, Any]:
    return message_read(message) | {
        "timeline": [
            {
                "from": change.from_state,
                "to": change.to_state,
                "at": utc(change.at),
                "cause": change.cause,
            }
            for change in changes
        ]
    }


def inbound_read(message: InboundMessage) -> dict[str, Any]:
    return {
        "id": message.pk,
        "sender": message.sender,
        "text": message.text,
        "device_id": message.device_id,
        "sim": message.sim,
        "received_at": utc(message.received_at),
    }


def opt_out_read(opt_out: OptOut) -> dict[str, Any]:
    return {
        "phone": opt_out.phone,
        "source": opt_out.source,
        "created_at": utc(opt_out.created_at),
    }
