"""Cursor pages: `{"next": url or null, "results": […]}`, newest first, flat at any depth."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Func, IntegerField, Model, QuerySet
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from http_api.shapes import MAX_ID, Integer, Shape

Row = TypeVar("Row", bound=Model)

PAGE = 100
MAX_PAGE = 500
MAX_PAGE_BYTES = 1_000_000  # of texts without a bound of their own; the first row is always shown


class Page(Shape):
    """Query of a list: `cursor` (from `next`; 0 is the beginning) and `limit`."""

    cursor: Annotated[Integer, Field(ge=0, le=MAX_ID)] = 0
    limit: Annotated[Integer, Field(ge=1, le=MAX_PAGE)] = PAGE

    def of(
        self,
        rows: QuerySet[Row],
        request: Request,
        shown: Callable[[Row], Mapping[str, Any]],
        *,
        long_text: str = "",
    ) -> Response:
        """One page of `rows` by descending id; `long_text` names a column for which it may end early."""
        found = rows.filter(pk__lt=self.cursor or MAX_ID).order_by("-pk")
        page, has_more = first_rows(found, self.limit, long_text)
        following = None
        if has_more:
            parameters = {**request.query_params.dict(), "cursor": page[-1].pk}
            following = f"{settings.PUBLIC_URL}{request.path}?{urlencode(parameters)}"
        return Response({"next": following, "results": [shown(row) for row in page]})


def first_rows(rows: QuerySet[Row], limit: int, long_text: str = "") -> tuple[list[Row], bool]:
    """Return at most `limit` of these rows in their order, and whether there are more.

    With `long_text` they end before that column holds more than MAX_PAGE_BYTES.
    """
    if long_text:
        size = Func(long_text, function="octet_length", output_field=IntegerField())
        totals = itertools.accumulate(rows.values_list(size, flat=True)[:limit])
        limit = max(1, sum(total <= MAX_PAGE_BYTES for total in totals))
    found = list(rows[: limit + 1])
    return found[:limit], len(found) > limit
