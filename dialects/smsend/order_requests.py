"""The requests of orders: one text to many, a text with values for each, or to groups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable
from typing import Annotated, Any, TypeVar
from uuid import uuid4

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)

from dialects.smsend import words
from dialects.smsend.dates import When, Zone
from dialects.smsend.requests import Body
from http_api import clock
from http_api.errors import ApiError
from http_api.shapes import (
    Boolean,
    Id,
    Identifier,
    Integer,
    Shape,
    invalid,
    problem,
    problems_by_field,
)
from messaging.drafts import ClientTime, Draft, Invalid
from messaging.fields import Phone, Text
from messaging.models import Batch
from messaging.personalization import TooLong, render
from messaging.segments import MAX_PARTS, beginning, segment

T = TypeVar("T")


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _by_key(value: object) -> object:
    """Documented is a map {"0": …}; one client sends a list."""
    return {str(n): item for n, item in enumerate(value)} if isinstance(value, list) else value


def _invalid_in_its_place(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Keep a bad recipient in its place: `allowInvalidRecipients` says whether it spoils the order."""
    try:
        return handler(value)
    except ValidationError as error:
        return Invalid(problems_by_field(error))


OrInvalid = WrapValidator(_invalid_in_its_place)


class Order(Body):
    """The fields of all three sends. `encoding` and `allow_duplicate` change nothing here."""

    model_config = ConfigDict(alias_generator=None)

    message: Annotated[Text, Field(max_length=words.MAX_CHARACTERS)]
    message_type: Annotated[Identifier, Field(max_length=16)] = words.QUALITY
    sender: Annotated[Identifier, Field(max_length=32)] = ""
    zone: Annotated[Zone | None, Field(alias="scheduled_delivery_timezone")] = None
    scheduled_delivery_time: When | None = None
    validity_period: Annotated[Integer, Field(ge=1, le=366 * 24 * 60)] | None = None  # minutes
    order_id: Identifier | None = None
    campaign_name: Annotated[Identifier, Field(max_length=255)] = ""
    max_fragments: Annotated[Integer, Field(ge=1)] | None = None
    truncate: Boolean = False
    counts_credits: Annotated[Boolean, Field(alias="returnCredits")] = False
    allows_invalid: Annotated[Boolean, Field(alias="allowInvalidRecipients")] = False
    delivery_notification_url: Any = None

    @field_validator("message")
    @classmethod
    def _no_links(cls, text: str) -> str:
        if words.LINKS.search(text):
            raise problem(words.NO_LINKS)
        return text

    @field_validator("order_id")
    @classmethod
    def _well_formed(cls, order_id: str) -> str:
        if not words.ORDER_ID.fullmatch(order_id) or order_id in words.RESERVED_ORDER_IDS:
            raise problem("use 1 to 32 letters, digits, dots, dashes and underscores")
        return order_id

    def batch(self) -> Batch:
        start = self.scheduled_delivery_time
        return Batch(
            dialect=words.NAME,
            external_id=self.order_id or str(uuid4()),
            name=self.campaign_name,
            send_after=start.at if start else None,
            details={"message_type": self.message_type, "sender": self.sender},
        )

    def _draft(self, phone: str, text: str) -> Draft:
        return Draft(
            phone=phone,
            text=text,
            send_after=self.scheduled_delivery_time,
            send_before=self._deadline(),
        )

    def _deadline(self) -> ClientTime | None:
        """It counts from when the message may start."""
        if self.validity_period is None:
            return None
        now, planned = clock.now(), self.scheduled_delivery_time
        start = max(planned.at, now) if planned else now
        return ClientTime(start + dt.timedelta(minutes=self.validity_period), "")

    def _fitted(self, text: str) -> str:
        """Truncate a text longer than `max_fragments` if asked to, else raise ApiError `invalid`."""
        if self.max_fragments is None and not self.truncate:
            return text
        fragments = min(self.max_fragments or words.FRAGMENTS, MAX_PARTS)
        if (parts := segment(text).parts) <= fragments:
            return text
        if not self.truncate:
            raise ApiError.of_field("message", f"has {parts} parts, more than max_fragments allows")
        return beginning(text, fragments)


class Sms(Order):
    """Body of `POST sms`."""

    recipient: Annotated[
        list[Annotated[Phone, OrInvalid]],
        BeforeValidator(_as_list),
        Field(min_length=1, max_length=words.MAX_RECIPIENTS),
    ]

    def items(self) -> Iterable[Draft | Invalid]:
        text = self._fitted(self.message)
        for index, phone in enumerate(self.recipient):
            if isinstance(phone, Invalid):
                yield Invalid({"recipient": {str(index): phone.errors["body"]}})
            else:
                yield self._draft(phone, text)


class Recipient(Shape):
    """One of `recipients`: a number, and values by the names of their placeholders."""

    model_config = ConfigDict(extra="allow")

    recipient: Phone

    def text(self, template: str) -> str:
        """Every placeholder replaced, once. Raises KeyError where one has no text or number for it."""
        given = {**(self.model_extra or {}), "recipient": self.recipient}
        values = {
            name: str(value) for name, value in given.items() if type(value) in (str, int, float)
        }
        return render(template, words.PLACEHOLDER, values, longest=words.MAX_CHARACTERS)


class ParamSms(Order):
    """Body of `POST paramsms`: `${name}` in the message stands for each recipient's own."""

    recipients: Annotated[
        dict[str, Annotated[Recipient, OrInvalid]],
        BeforeValidator(_by_key),
        Field(min_length=1, max_length=words.MAX_RECIPIENTS),
    ]

    def items(self) -> Iterable[Draft | Invalid]:
        for key, recipient in self.recipients.items():
            if isinstance(recipient, Invalid):
                yield Invalid({"recipients": {key: recipient.errors}})
            else:
                yield self._personal(key, recipient)

    def _personal(self, key: str, recipient: Recipient) -> Draft | Invalid:
        try:
            text = recipient.text(self.message)
        except KeyError as missing:
            return Invalid({"recipients": {key: {missing.args[0]: ["needs a text or a number"]}}})
        except TooLong:
            long = f"may have at most {words.MAX_CHARACTERS} characters with these values"
            return Invalid({"recipients": {key: {"message": [long]}}})
        if words.LINKS.search(text):
            return Invalid({"recipients": {key: {"message": [words.NO_LINKS]}}})
        return self._draft(recipient.recipient, self._fitted(text))


class GroupSms(Order):
    """Body of `POST smstogroups`: names of groups, or, as one client sends them, ids."""

    names: Annotated[
        list[Identifier], BeforeValidator(_as_list), Field(alias="recipient", max_length=200)
    ] = []
    ids: Annotated[list[Id], Field(alias="recipientsGroupdIds", max_length=200)] = []

    def items(self, phones: Iterable[str]) -> Iterable[Draft]:
        text = self._fitted(self.message)
        return [self._draft(phone, text) for phone in phones]


def each_once(items: Iterable[Draft | Invalid]) -> list[Draft | Invalid]:
    """Deduplicate drafts by number and text: one message each, however often the number is listed.

    Raise ApiError `invalid` where none of them can be sent.
    """
    once: dict[Hashable, Draft | Invalid] = {}
    for index, item in enumerate(items):
        once.setdefault(index if isinstance(item, Invalid) else (item.phone, item.text), item)
    if all(isinstance(item, Invalid) for item in once.values()):
        raise invalid(next(iter(once.values())).errors)  # type: ignore[union-attr]
    return list(once.values())
