"""When the next message may start: both limits of the radio. Pure; times are milliseconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from protocol import constant

WINDOW_MS = constant("pace_window_seconds") * 1000
PACE_MS = constant("pace_seconds") * 1000
SEGMENTS_PER_MINUTE = constant("segments_per_minute")


class Start(NamedTuple):
    at_ms: int
    sim: int
    segments: int


class Pace:
    """At least 10 s between two starts per SIM, and at most 24 segments in any 60 s for
    the whole phone: Android counts what an app sends, not what a SIM does."""

    def __init__(self, history: Iterable[Start]) -> None:
        self.pace_ms = PACE_MS
        self.segments_per_minute = SEGMENTS_PER_MINUTE
        self._history = sorted(history)

    def limit(self, pace_ms: int, segments_per_minute: int) -> None:
        """Take what the server asks for, where it slows the phone down: beyond Android's own limit
        a text waits behind a question on a screen that nobody looks at."""
        self.pace_ms = max(PACE_MS, pace_ms)
        self.segments_per_minute = min(SEGMENTS_PER_MINUTE, segments_per_minute)

    def note(self, start: Start) -> None:
        """Remember a start; the history keeps only what can still matter."""
        horizon = start.at_ms - max(WINDOW_MS, self.pace_ms)
        self._history = sorted([kept for kept in self._history if kept.at_ms > horizon] + [start])

    def sim_ready_at(self, sim: int, now_ms: int) -> int:
        """Return the first moment, not before now, at which this SIM may start anything."""
        starts = [start.at_ms for start in self._history if start.sim == sim]
        return max([now_ms, *(at + self.pace_ms for at in starts[-1:])])

    def segments_ready_at(self, segments: int, now_ms: int) -> int:
        """Return the first moment, not before now, at which so many segments fit into the window.

        A text that is longer than the limit itself goes when the minute is empty: it could
        otherwise never go.
        """
        used = [start for start in self._history if start.at_ms > now_ms - WINDOW_MS]
        total, ready = sum(start.segments for start in used), now_ms
        for start in used:
            if total + segments <= self.segments_per_minute:
                break
            total -= start.segments
            ready = start.at_ms + WINDOW_MS
        return ready
