"""Requests of the vendor's clients."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from dialects.fields import Moment
from dialects.massej_li import words
from http_api.local_time import localize
from http_api.shapes import Identifier, Integer, Shape, problem
from messaging.drafts import Draft
from messaging.fields import International, Text, sender_of
from messaging.models import Batch

SenderId = Annotated[Identifier, Field(max_length=11)]


def _message_type(value: object) -> object:
    """1 English, 2 Unicode, 4 Arabic: the phone finds the alphabet by the text itself."""
    if str(value) not in {"1", "2", "4"}:
        raise problem("must be 1, 2 or 4")
    return int(str(value))


def _recipients(value: object) -> object:
    """In a form, also separated by commas."""
    return [one.strip() for one in value.split(",")] if isinstance(value, str) else value


def _midnight(value: object, info: ValidationInfo, days: int = 0) -> dt.datetime:
    """Parse a date and return midnight `days` after it, in the account's time zone, as UTC."""
    try:
        day = dt.datetime.strptime(str(value), "%Y-%m-%d") + dt.timedelta(days)  # noqa: DTZ007
        return localize(day, sender_of(info).zone).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise problem("write a date like 2026-04-10") from None


def _next_midnight(value: object, info: ValidationInfo) -> dt.datetime:
    return _midnight(value, info, days=1)


MessageType = Annotated[int, BeforeValidator(_message_type)]
Recipients = Annotated[
    list[International],
    Field(min_length=1, max_length=words.MAX_RECIPIENTS),
    BeforeValidator(_recipients),
]
StartOfDay = Annotated[dt.datetime, BeforeValidator(lambda value, info: _midnight(value, info))]
EndOfDay = Annotated[dt.datetime, BeforeValidator(_next_midnight)]


class NewSms(Shape):
    to: International
    message: Text
    sender_id: SenderId = words.SENDER
    message_type: MessageType = 1
    schedule_time: Moment | None = None

    def draft(self) -> Draft:
        return Draft(phone=self.to, text=self.message, send_after=self.schedule_time)


class NewBulk(Shape):
    recipients: Recipients
    message: Text
    sender_id: SenderId = words.SENDER

    def drafts(self) -> list[Draft]:
        return [Draft(phone=phone, text=self.message) for phone in self.recipients]


def batch(sender_id: str) -> Batch:
    return Batch(dialect=words.NAME, details={"sender_id": sender_id})


class Calculation(Shape):
    to: International | None = None
    recipients: Recipients | None = None
    message: Text

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if (self.to is None) == (self.recipients is None):
            raise problem("give to or recipients, not both")
        return self

    @property
    def recipients_count(self) -> int:
        return len(self.recipients) if self.recipients else 1


class LogQuery(Shape):
    page: Annotated[Integer, Field(ge=1, le=10**6)] = 1
    per_page: Annotated[Integer, Field(ge=1, le=words.MAX_PAGE)] = words.PAGE
    status: Literal["delivered", "sent", "pending", "failed"] | None = None
    date_from: StartOfDay | None = None
    date_to: EndOfDay | None = None

    @property
    def rows(self) -> slice:
        first = (self.page - 1) * self.per_page
        return slice(first, first + self.per_page)
