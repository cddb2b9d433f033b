"""The hours in which an account sends, on its own wall clock."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from messaging.local_time import localize

_RANGE = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class SendingHours:
    """From `opens` (inclusive) to `closes` (exclusive) each day; may run over midnight."""

    opens: dt.time
    closes: dt.time
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.opens == self.closes:
            raise ValueError("sending hours must have a length: let both ends differ")

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> SendingHours:
        """From `HH:MM-HH:MM`. Raises ValueError."""
        match = _RANGE.fullmatch(text)
        if match is None:
            raise ValueError("write sending hours as HH:MM-HH:MM")
        from_hour, from_minute, to_hour, to_minute = map(int, match.groups())
        return cls(dt.time(from_hour, from_minute), dt.time(to_hour, to_minute), zone)

    def is_open(self, at: dt.datetime) -> bool:
        return _window(self, at.astimezone(dt.UTC)) is not None

    def next_opening(self, after: dt.datetime) -> dt.datetime:
        """The first moment from `after` on that is open (`after` itself where it is)."""
        if self.is_open(after):
            return after
        today = after.astimezone(self.zone).date()
        openings = (self.at(today + dt.timedelta(days=days), self.opens) for days in range(4))
        return next(opening for opening in openings if opening > after and self.is_open(opening))

    def closes_at(self, at: dt.datetime) -> dt.datetime:
        """When the hours that are open at `at` end."""
        window = _window(self, at.astimezone(dt.UTC))
        if window is None:
            raise ValueError("closed at this moment")
        return window[1]

    def at(self, day: dt.date, time: dt.time) -> dt.datetime:
        return localize(dt.datetime.combine(day, time), self.zone)


@lru_cache(
    maxsize=1024
)  # a bulk asks a thousand times about one moment; in UTC, where none is twice
def _window(hours: SendingHours, at: dt.datetime) -> tuple[dt.datetime, dt.datetime] | None:
    """The opening and closing around this moment. Compared as instants, so that both changes to and
    from summer time fall where the wall clock says."""
    today = at.astimezone(hours.zone).date()
    for day in (today, today - dt.timedelta(days=1)):
        closing_day = day + dt.timedelta(days=hours.closes < hours.opens)
        opening, closing = hours.at(day, hours.opens), hours.at(closing_day, hours.closes)
        if opening.astimezone(dt.UTC) <= at < closing.astimezone(dt.UTC):
            return opening, closing
    return None
