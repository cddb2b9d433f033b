"""The base of the vendor's views: how a client is logged in, and what it may still send."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.response import Response

from dialects.base import DialectViewSet
from dialects.smsend import words
from dialects.smsend.authentication import LoggedIn
from dialects.smsend.requests import Page
from http_api.pagination import numbered
from licenses import daily_limit
from licenses.sender import Sender

Row = TypeVar("Row", bound=Model)


class VendorViewSet(DialectViewSet):
    authentication_classes = [LoggedIn]

    def empty(self, location: str = "", *, status: int = 200) -> Response:
        """Answer the vendor's empty body, as JSON: one client parses every body."""
        headers = {"Location": f"{self.dialect.mount_of(self.request.path)}{location}"}
        return Response("", status=status, headers=headers if location else None)


def credits_left(sender: Sender, known: tuple[dt.date, int] | None = None) -> int:
    left = daily_limit.remaining(sender, known)
    return words.UNLIMITED if left is None else left


def page_of(
    page: Page, rows: QuerySet[Row], name: str, shown: Callable[[Row], dict[str, Any]]
) -> Response:
    """Answer this page of these rows, already in order, under this name."""
    found, total = numbered(rows, page.rows)
    return Response(
        {
            "result": "OK",
            "total": total,
            "pageNumber": page.page_number,
            "pageSize": page.size,
            name: [shown(row) for row in found],
        }
    )
