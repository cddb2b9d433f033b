"""Requests of the vendor's clients: field types and pages that several routes share."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from dialects.smsend import words
from dialects.smsend.dates import When, Zone
from http_api.shapes import Integer, Shape
from messaging.fields import Phone


class Body(Shape):
    """A JSON body with the vendor's names."""

    model_config = ConfigDict(alias_generator=to_camel)


class PhoneNumber(Body):
    phone_number: Phone


class Page(Body):
    """A query string that asks for a page."""

    default_size: ClassVar[int] = words.PAGE

    page_number: Annotated[Integer, Field(ge=1, le=10**6)] = 1
    page_size: Annotated[Integer, Field(ge=1, le=words.MAX_PAGE)] | None = None

    @property
    def size(self) -> int:
        return self.page_size or self.default_size

    @property
    def rows(self) -> slice:
        first = (self.page_number - 1) * self.size
        return slice(first, first + self.size)


class Period(Page):
    """A page of what lies between two times."""

    zone: Annotated[Zone | None, Field(alias="timezone")] = None
    start: Annotated[When | None, Field(alias="from")] = None
    to: When | None = None
