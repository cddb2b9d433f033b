"""What the vendor's clients send: field types and pages that several routes share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet
from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic.alias_generators import to_camel
from rest_framework.request import Request

from dialects.fields import Fields
from dialects.smsend import words
from dialects.smsend.dates import When, Zone
from http_api.parsing import restore_plus
from http_api.shapes import Integer, Shape, validated
from licenses.auth import sender_of
from messaging.fields import Phone
from messaging.shapes import query

Row = TypeVar("Row", bound=Model)
Wanted = TypeVar("Wanted", bound=Shape)


def _number(value: object, info: ValidationInfo) -> object:
    """They write the + also as 00, wherever they are."""
    return f"+{value[2:]}" if isinstance(value, str) and value.startswith("00") else value


# The last of the validators that stand before a type runs first.
Number = Annotated[Phone, BeforeValidator(_number)]
Id = Annotated[Integer, Field(ge=1, le=2**63 - 1)]


class Body(Fields):
    """A JSON body with the vendor's names."""

    model_config = ConfigDict(alias_generator=to_camel)


class Page(Body):
    """A query string that asks for a page."""

    default_size: ClassVar[int] = words.PAGE

    page_number: Annotated[Integer, Field(ge=1, le=10**6)] = 1
    page_size: Annotated[Integer, Field(ge=1, le=words.MAX_PAGE)] | None = None

    def of(
        self, rows: QuerySet[Row], name: str, shown: Callable[[Row], dict[str, Any]]
    ) -> dict[str, Any]:
        """The answer: these rows, already in order, under this name."""
        size = self.page_size or self.default_size
        first = (self.page_number - 1) * size
        return {
            "result": "OK",
            "total": rows.count(),
            "pageNumber": self.page_number,
            "pageSize": size,
            name: [shown(row) for row in rows[first : first + size]],
        }


class Period(Page):
    """A page of what lies between two times."""

    zone: Annotated[Zone | None, Field(alias="timezone")] = None
    start: Annotated[When | None, Field(alias="from")] = None
    to: When | None = None

    def within(self, rows: QuerySet[Row], column: str) -> QuerySet[Row]:
        if self.start:
            rows = rows.filter(**{f"{column}__gte": self.start.at})
        if self.to:
            rows = rows.filter(**{f"{column}__lte": self.to.at})
        return rows


def asked(request: Request, shape: type[Wanted]) -> Wanted:
    """The query string as this shape."""
    given = query(request)
    for name in words.PHONE_FIELDS:
        if name in given:
            given[name] = restore_plus(given[name])
    return validated(shape, given, sender=sender_of(request))
