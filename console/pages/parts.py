"""Parts of several pages: one page of a list, and how a refusal is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext

from console import words
from console.access import Visit
from contacts import selectors as contacts
from http_api.errors import ApiError
from http_api.local_time import is_plausible
from http_api.pagination import edge, first_rows
from http_api.shapes import MAX_ID
from messaging import segments

Row = TypeVar("Row", bound=Model)

PAGE = 50


@dataclass(frozen=True, slots=True)
class ListPage(Generic[Row]):
    """Rows by descending id, and the id below which the next page begins; None: these are the last."""

    rows: list[Row]
    below: int | None


def list_page(
    request: HttpRequest, rows: QuerySet[Row], walked: QuerySet[Row] | None = None
) -> ListPage[Row]:
    """Return the page that the request's `below` names. `walked` as http_api.pagination has it."""
    below = _below(request)
    found = rows.filter(pk__lt=below).order_by("-pk")
    end = None
    if walked is not None:
        end = edge(walked.filter(pk__lt=below).order_by("-pk"))
        found = found.filter(pk__gte=end or 0)
    shown, has_more = first_rows(found, PAGE)
    return ListPage(shown, shown[-1].pk if has_more else end)


def _below(request: HttpRequest) -> int:
    return number(request.POST.get("below") or request.GET.get("below") or "") or MAX_ID


def names_for(visit: Visit, phones: Iterable[str]) -> dict[str, str]:
    """Return the names of the contacts who have these numbers; for a viewer none."""
    return contacts.names_of(visit.account.pk, set(phones)) if visit.is_operator else {}


def tell_refusal(request: HttpRequest, error: ApiError) -> None:
    messages.error(request, str(words.refusal(error)))


def ids(values: list[Any]) -> list[int]:
    """Return those of these that are ids, in their order."""
    return [found for one in values if (found := number(str(one))) is not None]


def number(text: str) -> int | None:
    """Return what this writes, where it can be an id; else None."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID))
    return int(text) if is_number and int(text) <= MAX_ID else None


def plausible(day: dt.date) -> None:
    """Refuse a form's day of a year that nobody means, and that sums of time overflow at."""
    if not is_plausible(day):
        raise forms.ValidationError(forms.DateField.default_error_messages["invalid"])


def counter_context() -> dict[str, Any]:
    """Return what a page's counter of parts reads (`counter` in console.js)."""
    return {
        "segments": segments.ALPHABETS,
        "counter_words": {
            "letters": gettext("characters:"),
            "parts": gettext("parts:"),
            "left": gettext("left:"),
        },
    }


def line(request: HttpRequest, name: str, most: int) -> str:
    """Return what was typed into a field of one line, cut to its length."""
    return request.POST.get(name, "").replace("\0", "").strip()[:most]
