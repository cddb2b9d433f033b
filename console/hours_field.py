"""A form's field for the sending hours of a week: seven days, with up to two windows each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from licenses.sending_hours import (
    DAY,
    WINDOWS_A_DAY,
    HoursError,
    Week,
    Window,
    check_day,
    clock_time,
    window,
)

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(:00)?", re.ASCII)

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

    def value_omitted_from_data(
        self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str
    ) -> bool:
        return False  # empty is a choice, too: always open

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
            self._day(str(name), pairs)
            for name, pairs in zip(WEEKDAYS.values(), value, strict=True)
        )
        if not any(days):
            return ""
        try:
            return str(Week(days))
        except HoursError as error:
            raise self._problem(error.code) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(_as_pairs(initial) != data)
        except ValueError:  # the page's own note of what it showed, written over
            return True

    def _day(self, name: str, pairs: list[Pair]) -> tuple[Window, ...]:
        try:
            windows = tuple(self._window(name, *pair) for pair in pairs if any(pair))
            check_day(windows)
        except HoursError as error:
            raise self._problem(error.code, name) from None
        return windows

    def _window(self, name: str, opens: str, closes: str) -> Window:
        start, end = _minutes(opens), _minutes(closes)
        if start is None or end is None:
            raise self._problem("half", name)
        return window(start, end or DAY)  # which a time input can only write as 00:00

    def _problem(self, code: str, day: str = "") -> forms.ValidationError:
        return forms.ValidationError(self.error_messages[code], code=code, params={"day": day})


def _as_pairs(text: str | None) -> list[list[Pair]]:
    """Return the inputs' values for an account's hours."""
    days = Week.parse(text).days if text else ((),) * 7
    empty = [("", "")] * WINDOWS_A_DAY
    return [
        [*((clock_time(opens), clock_time(closes)) for opens, closes in windows), *empty][
            :WINDOWS_A_DAY
        ]
        for windows in days
    ]


def _minutes(text: str) -> int | None:
    match = _TIME.fullmatch(text)
    return int(match[1]) * 60 + int(match[2]) if match else None
