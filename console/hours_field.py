"""A form's field for the sending hours of a week: seven days, with up to two windows each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from licenses.sending_hours import WINDOWS_A_DAY, Week

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(:00)?", re.ASCII)
_DAY = 24 * 60

Pair = tuple[str, str]  # from and to, as a time input gives them


class WeekGrid(forms.Widget):
    template_name = "console/week_grid.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        days = value if isinstance(value, list) else _as_pairs(value)
        return {"name": name, "days": list(zip(range(7), WEEKDAYS.values(), days, strict=True))}

    def value_from_datadict(
        self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str
    ) -> list[list[Pair]]:
        return [
            [
                (data.get(f"{name}-{day}-{n}-from", ""), data.get(f"{name}-{day}-{n}-to", ""))
                for n in range(WINDOWS_A_DAY)
            ]
            for day in range(7)
        ]

    def id_for_label(self, id_: str) -> str:
        return ""  # each input has a name of its own


class WeekField(forms.CharField):
    """Its value is the text that licenses.sending_hours reads; '' where nothing was filled in."""

    widget = WeekGrid
    default_error_messages = {
        "half": _("%(day)s: give both times of a window."),
        "length": _("%(day)s: let both ends of a window differ."),
        "order": _("%(day)s: one window after the other, with a break between them."),
        "always": _("Hours that never close are none: leave all of them empty."),
    }

    def clean(self, value: list[list[Pair]]) -> str:
        days = tuple(
            tuple(self._windows(str(name), windows))
            for name, windows in zip(WEEKDAYS.values(), value, strict=True)
        )
        if not any(days):
            return ""
        try:
            return str(Week(days))
        except ValueError:
            raise self._problem("always") from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(_as_pairs(initial) != data)

    def _windows(self, day: str, windows: list[Pair]) -> Iterator[tuple[int, int]]:
        last = -1
        for opens, closes in windows:
            if not (opens or closes):
                continue
            start, end = _minutes(opens), _minutes(closes)
            if start is None or end is None:
                raise self._problem("half", day)
            if start == end != 0:  # from midnight to midnight is the whole day
                raise self._problem("length", day)
            if start <= last:
                raise self._problem("order", day)
            last = end if end > start else end + _DAY
            yield start, last

    def _problem(self, code: str, day: str = "") -> forms.ValidationError:
        return forms.ValidationError(self.error_messages[code], code=code, params={"day": day})


def _as_pairs(text: str | None) -> list[list[Pair]]:
    """Return the inputs' values for an account's hours."""
    days = Week.parse(text).days if text else ((),) * 7
    empty = [("", "")] * WINDOWS_A_DAY
    return [
        [*((_time(opens), _time(closes)) for opens, closes in windows), *empty][:WINDOWS_A_DAY]
        for windows in days
    ]


def _minutes(text: str) -> int | None:
    match = _TIME.fullmatch(text)
    return int(match[1]) * 60 + int(match[2]) if match else None


def _time(minutes: int) -> str:
    return f"{minutes % _DAY // 60:02}:{minutes % 60:02}"
