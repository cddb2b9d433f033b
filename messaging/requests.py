"""Requests of the message routes, and of those of what is received."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from http_api.pagination import MAX_PAGE, PAGE, Page
from http_api.parsing import Decoded
from http_api.shapes import (
    MAX_ID,
    Boolean,
    Id,
    Identifier,
    Integer,
    Shape,
    identifier,
    problem,
    problems_by_field,
)
from messaging.drafts import DEFAULT_PRIORITY, Draft, Invalid
from messaging.fields import (
    MAX_ID_LENGTH,
    CallbackUrl,
    ExternalId,
    OptedOutPhone,
    Phone,
    Priority,
    Text,
    Time,
    Uncertain,
    sender_of,
)
from messaging.models import OnUncertain
from messaging.phone import InvalidPhone, parse_phone
from messaging.selectors import InboxFilter, MessageFilter, split_ids
from messaging.states import MessageState
from messaging.threads import Below, Place
from messaging.transitions import Resolution

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
    on_uncertain: Uncertain = OnUncertain.HOLD

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
    callback_url: CallbackUrl = ""


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
    callback_url: CallbackUrl = ""

    def items(self) -> list[Draft | Invalid]:
        items: list[MessageItem | Invalid] = list(self.messages)
        return [item if isinstance(item, Invalid) else item.draft() for item in items]


class Resolve(Shape):
    """Body of `POST /api/messages/{id}/resolve/`."""

    resolution: Annotated[Resolution, Field(alias="as")]


class NewOptOut(Shape):
    """Body of `POST /api/opt-outs/`."""

    phone: Phone


class OldOptOut(Shape):
    """Path of `DELETE /api/opt-outs/{phone}/`."""

    phone: OptedOutPhone


MAX_IDS = 200


def _ids(value: object) -> object:
    """Of a list each has the bounds of one; the text stays whole, since an id may hold a comma."""
    ids = split_ids(str(value))
    if not 1 <= len(ids) <= MAX_IDS or max(map(len, ids)) > MAX_ID_LENGTH:
        raise problem(f"give 1 to {MAX_IDS} ids of at most {MAX_ID_LENGTH} characters each")
    return value


class MessageQuery(Page):
    """Query of `GET /api/messages/`."""

    external_id: Annotated[
        str,
        BeforeValidator(_ids),
        Field(description=f"One, or up to {MAX_IDS} separated by commas."),
    ] | None = None  # fmt: skip
    phone: Phone | None = None
    status: Annotated[
        MessageState | None, Field(description="`pending` finds what is scheduled, too.")
    ] = None
    since: Annotated[Time | None, Field(description="Accepted at or after.")] = None

    def filter(self) -> MessageFilter:
        return MessageFilter(
            external_id=self.external_id,
            phones=(self.phone,) if self.phone else None,
            status=self.status,
            since=self.since.at if self.since else None,
        )


def _sender(value: object, info: ValidationInfo) -> str:
    """Parse a sender: a number becomes E.164; a name or a short code stays as it is."""
    text = value.as_phone() if isinstance(value, Decoded) else str(value)
    try:
        return parse_phone(text, sender_of(info).country)
    except InvalidPhone:
        return text


class InboxQuery(Page):
    """Query of `GET /api/inbox/`."""

    sender: Annotated[
        str,
        BeforeValidator(_sender),
        Field(max_length=64, description="A phone number, or a sender's name as it is shown."),
    ] | None = None  # fmt: skip
    device: Annotated[Id | None, Field(description="The phone's id, as in `/api/me/`.")] = None
    since: Annotated[Time | None, Field(description="Received at or after.")] = None
    until: Annotated[Time | None, Field(description="Received before.")] = None
    after: Annotated[
        Integer,
        Field(ge=0, le=MAX_ID, description="Newer than this id: the highest you have seen."),
    ] = 0  # fmt: skip

    def filter(self) -> InboxFilter:
        return InboxFilter(
            sender=self.sender,
            device=self.device,
            since=self.since.at if self.since else None,
            until=self.until.at if self.until else None,
            after=self.after,
        )


def _place(value: object) -> Place:
    if isinstance(value, str) and (place := Place.of(value)):
        return place
    raise problem("take it from `next`")


class ThreadQuery(Shape):
    """Query of `GET /api/threads/`."""

    show: Annotated[
        Literal["read", "unread", "archived"],
        Field(description="Which: those that are read and not put away, unread ones, or put away."),
    ] = "unread"
    below: Annotated[
        Place | None,
        BeforeValidator(_place),
        WithJsonSchema({"type": "string", "description": "From `next`."}),
    ] = None
    limit: Annotated[Integer, Field(ge=1, le=MAX_PAGE, description="Entries of a page.")] = PAGE


class ChangedThread(Shape):
    """Body of `PATCH /api/threads/{id}/`: what is absent stays as it is."""

    unread: Boolean | None = None
    archived: Boolean | None = None
    assignee: Annotated[
        Identifier | None, Field(max_length=150, description="The log-in name of who sees to it.")
    ] = None
    unassign: Annotated[Boolean, Field(description="Nobody in particular sees to it.")] = False


def _below(value: object) -> Below:
    if isinstance(value, str) and (below := Below.of(value)) != Below():
        return below
    raise problem("take it from `next`")


class TalkQuery(Shape):
    """Query of `GET /api/threads/{id}/messages/`."""

    below: Annotated[
        Below,
        BeforeValidator(_below),
        WithJsonSchema({"type": "string", "description": "From `next`."}),
    ] = Below()
    limit: Annotated[Integer, Field(ge=1, le=100, description="Entries of a page.")] = 50
