"""Requests of portals: forms with PHP's brackets in the names of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from bitrix24.models import EVENT_TOKEN_LENGTH, REMOTE_ID_LENGTH
from http_api.shapes import MAX_ID, Integer, Shape
from messaging.fields import Phone, Text

CONTACT_EVENTS = ("ONCRMCONTACTADD", "ONCRMCONTACTUPDATE")

Token = Annotated[str, Field(min_length=1, max_length=500)]


class Installation(Shape):
    """`auth[…]` of ONAPPINSTALL."""

    access_token: Token
    refresh_token: Token
    application_token: Token
    member_id: Annotated[str, Field(min_length=1, max_length=64)]
    client_endpoint: Annotated[str, Field(max_length=500)]


class Authorization(Shape):
    """Query of the address that a portal leads an administrator's browser back to."""

    code: Token
    state: Token


class RemoteId(Shape):
    message_id: Annotated[str, Field(min_length=1, max_length=REMOTE_ID_LENGTH)]


class EventToken(Shape):
    event_token: Annotated[str, Field(min_length=1, max_length=EVENT_TOKEN_LENGTH)]


class PortalSms(Shape):
    """An SMS that a portal wants to be sent, from a card as from an automation rule."""

    message_to: Phone
    message_body: Text


class ChangedContact(Shape):
    """`data[FIELDS][…]` of a contact's event."""

    ID: Annotated[Integer, Field(ge=1, le=MAX_ID)]


def auth_of(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields `auth[…]` by what stands in the brackets."""
    return fields_of(form, "auth")


def fields_of(form: Mapping[str, Any], parent: str) -> dict[str, Any]:
    """Return the fields `parent[…]` by what stands in the brackets."""
    return {
        name.removeprefix(f"{parent}[").removesuffix("]"): value
        for name, value in form.items()
        if name.startswith(f"{parent}[") and name.endswith("]")
    }
