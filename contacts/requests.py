"""Requests of the contact and group routes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)

from contacts.selectors import ContactFilter
from contacts.services import ContactDraft, ContactSms
from http_api.pagination import Page
from http_api.shapes import MAX_ID, Boolean, Id, Identifier, Shape, problem, problems_by_field
from messaging.drafts import DEFAULT_PRIORITY, ClientTime, Invalid
from messaging.fields import CallbackUrl, Phone, Priority, Text, Time

Name = Annotated[Identifier, Field(min_length=1, max_length=255)]
Key = Annotated[Identifier | None, Field(description="Licence key, 6–12 characters.")]
ApiKey = Annotated[Identifier | None, Field(description="API key, exactly 12 characters.")]


class _Keys(Shape):
    key: Key = None
    api_key: ApiKey = None


class ContactItem(Shape):
    """One contact of a bulk."""

    name: Name
    phone: Phone
    group_name: Name | None = None
    message: Text | None = None
    send_after: Annotated[Time | None, Field(validate_default=True)] = None
    send_before: Time | None = None
    priority: Priority = DEFAULT_PRIORITY

    @field_validator("send_after")
    @classmethod
    def _message_needs_a_start(
        cls, value: ClientTime | None, info: ValidationInfo
    ) -> ClientTime | None:
        if value is None and info.data.get("message") is not None:
            raise problem("is required when message is given")
        return value

    def draft(self) -> ContactDraft:
        sms = None
        if self.message is not None and self.send_after is not None:
            sms = ContactSms(self.message, self.send_after, self.send_before, self.priority)
        return ContactDraft(self.name, self.phone, self.group_name, sms)


class SingleContact(_Keys, ContactItem):
    """Body of `POST /api/contacts/contacts/`."""

    ignore_foreign_numbers: Boolean = False
    callback_url: CallbackUrl = ""


def _invalid_item(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError as error:
        return Invalid(problems_by_field(error))


class BulkContacts(_Keys):
    """Body of `POST /api/contacts/contacts/bulk/`. `all_or_nothing` has no effect, as documented."""

    contacts: Annotated[
        list[Annotated[ContactItem, WrapValidator(_invalid_item)]],
        Field(min_length=1, max_length=500),
    ]
    ignore_foreign_numbers: Boolean = False
    callback_url: CallbackUrl = ""
    all_or_nothing: Boolean = False

    def items(self) -> list[ContactDraft | Invalid]:
        items: list[ContactItem | Invalid] = list(self.contacts)
        return [item if isinstance(item, Invalid) else item.draft() for item in items]


MAX_GROUPS = 200


class ChangedContact(_Keys):
    """Body of `PATCH /api/contacts/contacts/{id}/`: what is absent stays as it is."""

    name: Name | None = None
    phone: Phone | None = None
    group_ids: Annotated[
        list[Id] | None,
        Field(max_length=MAX_GROUPS, description="All groups that it is in afterwards."),
    ] = None


class ContactQuery(Page):
    """Query of `GET /api/contacts/contacts/`."""

    search: Annotated[
        str | None,
        Field(max_length=255, description="A part of the name, in any case, or of the number."),
    ] = None
    phone: Phone | None = None
    group: Annotated[Id | None, Field(description="The group's id.")] = None

    def filter(self) -> ContactFilter:
        return ContactFilter(self.search, self.phone, self.group, below=self.cursor or MAX_ID)


class GroupItem(Shape):
    """A group's name; names match exactly and need not be unique."""

    name: Name


class SingleGroup(_Keys, GroupItem):
    """Body of `POST /api/contacts/groups/`."""


class BulkGroups(_Keys):
    """Body of `POST /api/contacts/groups/bulk/`."""

    groups: Annotated[list[GroupItem], Field(min_length=1, max_length=200)]


class ChangedGroup(_Keys, GroupItem):
    """Body of `PATCH /api/contacts/groups/{id}/`."""


class GroupQuery(Page):
    """Query of `GET /api/contacts/groups/`."""

    search: Annotated[
        str | None, Field(max_length=255, description="A part of the name, in any case.")
    ] = None
