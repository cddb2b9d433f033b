"""Requests of the vendor's clients."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dialects.fields import Moment
from dialects.params import Numbered
from dialects.sms_by import words
from http_api.shapes import FALSE, TRUE, Id, Identifier, Integer, Shape, identifier, problem
from messaging.drafts import Draft
from messaging.fields import International, Text, WebhookUrl

Name = Annotated[Identifier, Field(max_length=255)]


def _alphaname(value: object) -> int:
    """Parse a sender's id, 0 if it is none: it is only echoed, so any is accepted."""
    return int(value) if re.fullmatch("[0-9]{1,18}", str(value), re.ASCII) else 0  # type: ignore[call-overload]


def _flag(value: object) -> object:
    word = str(value).lower()
    return int(word in TRUE) if word in TRUE + FALSE else value


Alphaname = Annotated[int, BeforeValidator(_alphaname)]
Flag = Annotated[Integer, Field(ge=0, le=1), BeforeValidator(_flag)]


class QuickSms(Shape):
    message: Text
    phone: International
    alphaname_id: Alphaname = 0
    show_cost: Flag = 0
    forwarding_message: Flag = 0
    forwarding_time: Annotated[Integer, Field(ge=5, le=60)] = 60


class Otp(Shape):
    message: Annotated[Text, BeforeValidator(identifier)]  # in JSON perhaps a number
    phone: International

    @field_validator("message")
    @classmethod
    def _digits(cls, text: str) -> str:
        if not (text.isascii() and text.isdigit() and len(text) <= words.MAX_OTP):
            raise problem(f"must be a code of at most {words.MAX_OTP} digits")
        return text


class NewSmsMessage(Shape):
    message: Text
    name: Name = ""
    alphaname_id: Alphaname = 0
    time: Moment | None = None


class NewSms(Shape):
    message_id: Id
    phone: International


class NewListMailing(Shape):
    name: Annotated[Name, Field(min_length=1)]
    message: Text
    d_schedule: Moment
    list_id: Id
    alphaname_id: Alphaname = 0


class Confirmation(Shape):
    message_id: Id
    confirm: Flag


class SmsOf(Shape):
    sms_id: Id


class MessageOf(Shape):
    message_id: Id


class RequestOf(Shape):
    uuid: Annotated[Identifier, Field(min_length=1, max_length=64)]


class Page(Shape):
    limit_offset: Annotated[Integer, Field(ge=0, le=10**9)] | None = None
    limit_rows: Annotated[Integer, Field(ge=1, le=words.MAX_ROWS)] | None = None

    @model_validator(mode="after")
    def _rows_with_offset(self) -> Self:
        if self.limit_offset is not None and self.limit_rows is None:
            raise problem("limit_offset needs limit_rows")
        return self

    @property
    def rows(self) -> slice:
        first = self.limit_offset or 0
        return slice(first, first + (self.limit_rows or words.ROWS))


class DeliveryPage(Page):
    message_id: Id


class MailingQuery(Shape):
    type: Literal["WEB", "API"] | None = None

    @field_validator("type", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


class Personal(Shape):
    phone: International
    text: Text


class Mailing(Shape):
    """One of `messages` of sendBulkSms."""

    name: Name = ""
    alphaname_id: Alphaname = 0
    schedule_time: Moment | None = None

    def drafts(self) -> list[Draft]:
        raise NotImplementedError


class PersonalMailing(Mailing):
    message_type: Literal["personal"]
    delivery_list: Annotated[list[Personal], Field(min_length=1, max_length=words.MAX_RECIPIENTS)]

    def drafts(self) -> list[Draft]:
        start = self.schedule_time
        return [Draft(phone=o.phone, text=o.text, send_after=start) for o in self.delivery_list]


class BulkMailing(Mailing):
    message_type: Literal["bulk"]
    text: Text
    delivery_list: Annotated[
        list[International], Field(min_length=1, max_length=words.MAX_RECIPIENTS)
    ]

    def drafts(self) -> list[Draft]:
        start = self.schedule_time
        return [
            Draft(phone=phone, text=self.text, send_after=start) for phone in self.delivery_list
        ]


class BulkSms(Shape):
    callback_url: WebhookUrl = ""
    messages: Annotated[
        list[Annotated[PersonalMailing | BulkMailing, Field(discriminator="message_type")]],
        Field(min_length=1, max_length=words.MAX_RECIPIENTS),
    ]

    @model_validator(mode="after")
    def _not_too_many(self) -> Self:
        if sum(len(mailing.delivery_list) for mailing in self.messages) > words.MAX_RECIPIENTS:
            raise problem(f"one request may have at most {words.MAX_RECIPIENTS} recipients")
        return self


class NewList(Shape):
    name: Annotated[Name, Field(min_length=1)]


_MAX_COLUMNS = 30


def _in_columns(values: object) -> object:
    """Put a form's cells back into their columns: a form omits empty cells, which shifts the rest."""
    if not isinstance(values, Numbered):
        return values
    if values.numbers[-1] >= _MAX_COLUMNS:
        raise problem(f"may have at most {_MAX_COLUMNS} columns")
    return values.in_columns()


Row = Annotated[list[Any], BeforeValidator(_in_columns)]


class Import(Shape):
    """`data[i][j]` is the i-th contact's value of the field `field_names[j]`."""

    list_id: Id
    field_names: Annotated[
        list[str], Field(min_length=1, max_length=_MAX_COLUMNS), BeforeValidator(_in_columns)
    ]
    data: Annotated[list[Row], Field(min_length=1, max_length=words.MAX_IMPORT)]

    @field_validator("field_names")
    @classmethod
    def _with_phone(cls, names: list[str]) -> list[str]:
        names = [name.strip().lower() for name in names]
        if "phone" not in names:
            raise problem("must have phone: messages are sent to nothing else")
        if names.count("phone") > 1 or names.count("name") > 1:
            raise problem("names a column twice: nobody can say which is meant")
        return names

    def contacts(self) -> list[dict[str, Any]]:
        return [dict(zip(self.field_names, values, strict=False)) for values in self.data]


class ImportedContact(Shape):
    phone: International
    name: Name | None = None
