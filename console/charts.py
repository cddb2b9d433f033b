"""Charts as SVG, drawn by the server: colours by class, so that they follow the theme. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

SERIES = ("delivered", "sent", "uncertain", "failed")  # from the bottom to the top

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 200, 40, 24
_STEPS = 4
_LABELS = 7  # below the bars


def stacked(days: Mapping[dt.date, Mapping[str, int]]) -> SafeString:
    """Return one bar a day, of these series; a person who cannot see it has the same as a table."""
    most = _round_up(max((sum(counts.values()) for counts in days.values()), default=0))
    width = (_WIDTH - _LEFT) / max(1, len(days))
    high = _HEIGHT - _BOTTOM - 8
    bars = []
    for place, counts in enumerate(days.values()):
        top = float(8 + high)
        for series in SERIES:
            height = high * counts[series] / most
            if not height:
                continue
            top -= height
            bars.append(
                (series, f"{_LEFT + place * width + width * 0.14:.1f}", f"{top:.1f}",
                 f"{width * 0.72:.1f}", f"{height:.1f}")
            )  # fmt: skip
    labels = [
        (f"{_LEFT + (place + 0.5) * width:.1f}", _HEIGHT - 6, date_format(day, "j.m"))
        for place, day in enumerate(days)
        if place % max(1, round(len(days) / _LABELS)) == 0
    ]
    lines = [
        (f"{8 + high - high * step / _STEPS:.1f}", _LEFT, _WIDTH, _LEFT - 6, most * step // _STEPS)
        for step in range(_STEPS + 1)
    ]
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" aria-hidden="true">{}{}{}</svg>',
        _WIDTH,
        _HEIGHT,
        format_html_join("", '<line x1="{1}" x2="{2}" y1="{0}" y2="{0}"/>'
                             '<text class="y" x="{3}" y="{0}">{4}</text>', lines),
        format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1.5"/>', bars),
        format_html_join("", '<text class="x" x="{}" y="{}">{}</text>', labels),
    )  # fmt: skip


def _round_up(number: int) -> int:
    """Return the next number that four lines divide well."""
    step = 1
    while True:
        for factor in (4, 8, 20):
            if number <= factor * step:
                return factor * step
        step *= 10
