"""Requests of the vendor's clients."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, Self
from uuid import uuid4

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from dialects.android_sms_gateway import words
from http_api import clock
from http_api.shapes import Boolean, Identifier, Integer, Shape, problem
from messaging.drafts import ClientTime, Draft
from messaging.fields import Phone, PhoneOfAnyLength, Text, Time
from messaging.models import Batch

Id = Annotated[Identifier, Field(min_length=1, max_length=36)]


class Camel(Shape):
    model_config = ConfigDict(alias_generator=to_camel)


class TextMessage(Camel):
    text: Text


class NewMessage(Camel):
    """Body of `POST messages`."""

    id: Id | None = None
    device_id: Identifier | None = None
    phone_numbers: Annotated[list[Phone], Field(min_length=1, max_length=100)]
    message: Text | None = None  # deprecated by the vendor, still sent by its npm client
    text_message: TextMessage | None = None
    data_message: Any = None
    mms_message: Any = None
    is_encrypted: Boolean = False
    sim_number: Annotated[Integer, Field(ge=1, le=3)] | None = None
    with_delivery_report: Boolean = True
    priority: Annotated[Integer, Field(ge=-128, le=127)] = 0
    ttl: Annotated[Integer, Field(ge=5, le=366 * 86400)] | None = None
    valid_until: Time | None = None
    schedule_at: Time | None = None

    @field_validator("id")
    @classmethod
    def _stands_in_a_path(cls, value: str) -> str:
        if "/" in value or value in {".", ".."}:
            raise problem("may hold no slash: its state is asked for at messages/ID")
        return value

    @field_validator("phone_numbers")
    @classmethod
    def _each_once(cls, phones: list[str]) -> list[str]:
        if len(set(phones)) < len(phones):
            raise problem("a number stands in it twice")
        return phones

    @field_validator("data_message", "mms_message")
    @classmethod
    def _only_text(cls, value: Any) -> Any:
        raise problem("only text messages can be sent")

    @field_validator("is_encrypted")
    @classmethod
    def _not_encrypted(cls, value: bool) -> bool:
        if value:
            raise problem("a phone of this service sends a text as it is: send it unencrypted")
        return value

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.message is None) == (self.text_message is None):
            raise problem("give the text as textMessage: {text}")
        if self.ttl is not None and self.valid_until is not None:
            raise problem("give ttl or validUntil, not both")
        return self

    def batch(self) -> Batch:
        return Batch(dialect=words.NAME, external_id=self.id or str(uuid4()))

    def drafts(self) -> list[Draft]:
        text = self.text_message.text if self.text_message else self.message or ""
        deadline = self._deadline()
        return [
            Draft(
                phone=phone,
                text=text,
                send_after=self.schedule_at,
                send_before=deadline,
                priority=words.PRIORITY_ZERO + self.priority,
                sim=None if self.sim_number is None else self.sim_number - 1,
            )
            for phone in self.phone_numbers
        ]

    def _deadline(self) -> ClientTime | None:
        """`ttl` counts from when the message may start."""
        if self.ttl is None:
            return self.valid_until
        start = max(self.schedule_at.at, clock.now()) if self.schedule_at else clock.now()
        return ClientTime(start + dt.timedelta(seconds=self.ttl), "")


class NewMessageToAnyNumber(NewMessage):
    """The same with `?skipPhoneValidation=true`."""

    phone_numbers: Annotated[list[PhoneOfAnyLength], Field(min_length=1, max_length=100)]


class SendQuery(Camel):
    """Query of `POST messages`."""

    skip_phone_validation: Boolean = False

    @property
    def body(self) -> type[NewMessage]:
        return NewMessageToAnyNumber if self.skip_phone_validation else NewMessage


class MessageQuery(Camel):
    """Query of `GET messages`. Some clients say `skip` where the vendor says `offset`."""

    start: Annotated[Time | None, Field(alias="from")] = None
    to: Time | None = None
    state: Literal[
        "Pending", "Cancelling", "Cancelled", "Processed", "Sent", "Delivered", "Failed"
    ] | None = None  # fmt: skip
    device_id: Identifier | None = None
    limit: Annotated[Integer, Field(ge=1, le=words.MAX_PAGE)] | None = None
    offset: Annotated[Integer, Field(ge=0, le=10**9)] | None = None
    skip: Annotated[Integer, Field(ge=0, le=10**9)] = 0
    include_content: Boolean = False
    sort: Literal["created_at", "-created_at"] = "-created_at"

    @field_validator("sort", mode="before")
    @classmethod
    def _without_plus(cls, value: object) -> object:
        """`+created_at`, whose `+` the URL's decoder may have made a space."""
        return value.lstrip(" +") if isinstance(value, str) else value

    def rows(self, size: int) -> slice:
        first = self.skip if self.offset is None else self.offset
        return slice(first, first + (self.limit or size))


def device_id(text: str) -> int:
    """Their ids are strings; one that cannot be ours is nobody's."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


class NewToken(Camel):
    """Body of `POST auth/token`."""

    scopes: Annotated[list[str], Field(min_length=1, max_length=len(words.SCOPES))]
    ttl: Annotated[Integer, Field(ge=1, le=int(words.MAX_LIFETIME.total_seconds()))] | None = None

    @field_validator("scopes")
    @classmethod
    def _known(cls, scopes: list[str]) -> list[str]:
        if unknown := set(scopes) - words.SCOPES:
            known = ", ".join(sorted(words.SCOPES))
            raise problem(f"{len(unknown)} of them are not known; there are: {known}")
        return scopes

    def lifetime(self) -> dt.timedelta:
        return words.ACCESS_LIFETIME if self.ttl is None else dt.timedelta(seconds=self.ttl)
