"""What the message routes take and answer."""

from __future__ import annotations

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
from messaging.models import OnUncertain
from messaging.selectors import MessageFilter
from messaging.services.accept import Invalid
from messaging.services.owner import Resolution
from messaging.states import MessageState

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
