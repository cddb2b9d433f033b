"""Cursor pages: `{"next": url or null, "results": […]}`, newest first, flat at any depth.

Other services' clients ask for pages by their number, and for a total: both end at MOST rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Func, IntegerField, Model, QuerySet
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.shapes import MAX_ID, Integer, Shape

Row = TypeVar("Row", bound=Model)
Rows = TypeVar("Rows", bound="QuerySet[Any, Any]")

PAGE = 100
MAX_PAGE = 500
MOST = (
    10_000  # rows that are counted, and that numbered pages reach; a total of one more: "or more"
)
MAX_PAGE_BYTES = 1_000_000  # of texts without a bound of their own; the first row is always shown


class Page(Shape):
    """Query of a list: `cursor` (from `next`; 0 is the beginning) and `limit`."""

    cursor: Annotated[
        Integer, Field(ge=0, le=MAX_ID, description="From `next`; 0: the beginning.")
    ] = 0
    limit: Annotated[Integer, Field(ge=1, le=MAX_PAGE, description="Entries of a page.")] = PAGE

    def of(
        self,
        rows: QuerySet[Row],
        request: Request,
        shown: Callable[[Row], Mapping[str, Any]],
        *,
        long_text: str = "",
        walked: QuerySet[Row] | None = None,
    ) -> Response:
        """One page of `rows` by descending id; `long_text` names a column for which it may end early.

        `walked` has the rows without a filter that no index serves: a page looks at MOST of them.
        """
        found = rows.filter(pk__lt=self.cursor or MAX_ID).order_by("-pk")
        end = None
        if walked is not None:
            end = edge(walked.filter(pk__lt=self.cursor or MAX_ID).order_by("-pk"))
            found = found.filter(pk__gte=end or 0)
        page, has_more = first_rows(found, self.limit, long_text)
        end = page[-1].pk if has_more else end
        following = None if end is None else next_page(request, "cursor", end)
        return Response({"next": following, "results": [shown(row) for row in page]})


def next_page(request: Request, name: str, value: int | str) -> str:
    """Return the request's own address, with this parameter."""
    parameters = {**request.query_params.dict(), name: value}
    return f"{settings.PUBLIC_URL}{request.path}?{urlencode(parameters)}"


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


def edge(rows: QuerySet[Row]) -> int | None:
    """Return the id of the last of the first MOST rows in their order; None: there are fewer."""
    return next(iter(rows.values_list("pk", flat=True)[MOST - 1 : MOST]), None)


def first(rows: QuerySet[Row]) -> QuerySet[Row]:
    """Return the first MOST of these rows, which are in the order of their ids, for a filter that no
    index serves: it would look for ever for what is rare."""
    last = edge(rows)
    if last is None:
        return rows
    is_ascending = rows.query.order_by[0] == "pk"
    return rows.filter(pk__lte=last) if is_ascending else rows.filter(pk__gte=last)


def walked(rows: Rows) -> Rows:
    """Return the first MOST + 1 of these rows, the most that a list walks: one more than MOST says that
    there are more."""
    return rows[: MOST + 1]


def count(rows: QuerySet[Row]) -> int:
    """Return how many rows these are, counted up to MOST + 1, along the index that has their order."""
    return walked(rows.values("pk")).count()


def numbered(rows: QuerySet[Row], wanted: slice) -> tuple[list[Row], int]:
    """Return the rows of a numbered page, and `count` of all; raise ApiError `invalid` beyond MOST."""
    return page(rows, wanted), count(rows)


def page(rows: QuerySet[Row], wanted: slice) -> list[Row]:
    """Return the rows of a numbered page; raise ApiError `invalid` beyond MOST."""
    if wanted.start >= MOST:
        _refuse_beyond(count(rows))
    return at(rows, wanted)


def at(rows: QuerySet[Row], places: slice) -> list[Row]:
    """Return the rows at these places of their order. What stands before them is walked in the index
    that has this order; only their own rows are read."""
    return _with_ids(rows, list(rows.values_list("pk", flat=True)[places]))


def numbered_of(rows: QuerySet[Row], ids: Sequence[int], wanted: slice) -> tuple[list[Row], int]:
    """As `numbered`, for those of these rows that have these ids, in the order of the ids."""
    if wanted.start >= MOST:
        _refuse_beyond(len(ids))
    return _with_ids(rows, ids[wanted]), len(ids)


def _with_ids(rows: QuerySet[Row], ids: Sequence[int]) -> list[Row]:
    found = rows.in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def _refuse_beyond(total: int) -> None:
    if total > MOST:
        raise ApiError(
            ErrorCode.INVALID, f"Pages end after {MOST:,} entries: ask for a shorter period."
        )
