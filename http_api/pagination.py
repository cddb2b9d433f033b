"""Cursor pages: `{"next": url or null, "results": […]}`, newest first, flat at any depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from http_api.errors import Refusal

Row = TypeVar("Row", bound=Model)

PAGE = 100
MAX_PAGE = 500
MAX_ID = 2**63 - 1


def cursor_page(
    request: Request, rows: QuerySet[Row], shown: Callable[[Row], Mapping[str, Any]]
) -> Response:
    """One page of `rows` by descending id. Query: `cursor` (from `next`) and `limit` (1–500)."""
    query = request.query_params
    limit = _number(query.get("limit"), "limit", PAGE, MAX_PAGE)
    before = _number(query.get("cursor"), "cursor", MAX_ID, MAX_ID)
    page = list(rows.filter(pk__lt=before).order_by("-pk")[: limit + 1])
    following = None
    if len(page) > limit:
        page.pop()
        parameters = {**query.dict(), "cursor": page[-1].pk}
        following = f"{settings.PUBLIC_URL}{request.path}?{urlencode(parameters)}"
    return Response({"next": following, "results": [shown(row) for row in page]})


def _number(text: str | None, name: str, default: int, highest: int) -> int:
    if not text:  # an empty value is absent, as everywhere in queries
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= highest):
        raise Refusal.of_field(name, f"must be a whole number from 1 to {highest}")
    return int(text)
