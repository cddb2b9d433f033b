"""The rows of the table: what was measured, beside what the machine can do, and the figure to reach."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line. `reach` says in words what it must reach; `is_met` whether it did."""

    what: str
    measured: str
    limit: str
    reach: str
    is_met: bool


def ratio(
    what: str,
    ours: Sequence[float],
    limits: Sequence[float],
    *,
    unit: str,
    limit: str,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    """Medians of rounds, each of ours beside the limit of the same round."""
    value = statistics.median(our / its for our, its in zip(ours, limits, strict=True))
    reach = f"≥ {at_least} ×" if at_least is not None else f"≤ {at_most} ×"
    return Figure(
        what,
        f"{value:.2f} ×  ({statistics.median(ours):,.0f} {unit})",
        f"{limit}: {statistics.median(limits):,.0f} {unit}",
        reach,
        value >= at_least if at_least is not None else value <= (at_most or 0),
    )


def figure(
    what: str,
    value: float,
    *,
    unit: str,
    at_least: float | None = None,
    at_most: float | None = None,
    limit: str = "",
) -> Figure:
    reach = f"≥ {at_least:,} {unit}" if at_least is not None else f"≤ {at_most:,} {unit}"
    met = value >= at_least if at_least is not None else value <= (at_most or 0)
    shown = f"{value:,.0f}" if value >= 10 else f"{value:.2f}"
    return Figure(what, f"{shown} {unit}", limit, reach, met)


def unjudged(what: str, measured: str) -> Figure:
    """A figure that has nothing to reach."""
    return Figure(what, measured, "", "", True)


def _mark(figure: Figure) -> str:
    if not figure.reach:
        return ""
    return "✓" if figure.is_met else "✗"


def table(figures: Sequence[Figure]) -> str:
    """Markdown, so that it can go into docs/performance.md as it is."""
    head = ("what", "measured", "the limit, same run", "reach", "")
    rows = [(f.what, f.measured, f.limit, f.reach, _mark(f)) for f in figures]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in [head, tuple("-" * width for width in widths), *rows]
    ]
    return "\n".join(lines)
