"""The hours of the week in which an account sends, on its own wall clock.

Written as in OpenStreetMap's opening_hours, of which this is a part: `09:00-17:00` is every day,
`Mo-Fr 09:00-12:00,13:00-18:00; Sa 10:00-14:00` is closed on Sunday.
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

from http_api.local_time import offset_change

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
WINDOWS_A_DAY = 2
FORM = (
    "write sending hours as HH:MM-HH:MM, or by days: Mo-Fr 09:00-12:00,13:00-18:00; Sa 10:00-14:00"
)
MAX_LENGTH = 255  # seven days of their own, with two windows each, are 194

DAY = 24 * 60  # minutes, as all numbers here
_WEEK = 7 * DAY
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
_RULE = re.compile(
    rf"(?:(?P<days>[A-Z][a-z](?:[,-][A-Z][a-z])*) )?"
    rf"(?P<windows>{_TIME}-(?:{_TIME}|24:00)(?:,{_TIME}-(?:{_TIME}|24:00))*)",
    re.ASCII,
)

# From `opens` (inclusive) to `closes` (exclusive), in minutes of the day on which it opens; one that
# runs over midnight closes after 24:00.
Window = tuple[int, int]


class HoursError(ValueError):
    """Windows that cannot be. `code` is for who says why in other words: `length`, `order`, `always`."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


@dataclass(frozen=True, slots=True)
class Week:
    """The windows of each day, from Monday on; at least one in all, and not all of the week."""

    days: tuple[tuple[Window, ...], ...]

    def __post_init__(self) -> None:
        for windows in self.days:
            check_day(windows)
        if not any(self.days):
            raise ValueError("sending hours open on one day at least")
        if self.spans() == [(0, _WEEK)]:
            raise HoursError("always", "sending hours that never close are none: leave them empty")

    @classmethod
    def parse(cls, text: str) -> Week:
        """Raise ValueError, which says what is wrong."""
        days: list[tuple[Window, ...] | None] = [None] * 7
        for rule in text.split(";"):
            match = _RULE.fullmatch(rule.strip())
            if match is None:
                raise ValueError(FORM)
            windows = tuple(map(_window, match["windows"].split(",")))
            for day in range(7) if match["days"] is None else _days(match["days"]):
                if days[day] is not None:
                    raise ValueError(f"sending hours name {DAYS[day]} twice")
                days[day] = windows
        return cls(tuple(windows or () for windows in days))

    def __str__(self) -> str:
        """Write it as `parse` reads it: days of the same windows together."""
        groups = [
            (windows, [day for _, day in days])
            for windows, days in groupby(
                zip(self.days, DAYS, strict=True), key=lambda pair: pair[0]
            )
        ]
        if len(groups) == 1:
            return _written(groups[0][0])
        return "; ".join(
            f"{days[0]}{f'-{days[-1]}' if len(days) > 1 else ''} {_written(windows)}"
            for windows, days in groups
            if windows
        )

    def spans(self) -> list[Window]:
        """Return when it is open, in minutes of a week that begins with Monday: apart, and in order."""
        spans: list[Window] = []
        for opens, closes in sorted(self._within_week()):
            if spans and opens <= spans[-1][1]:
                spans[-1] = spans[-1][0], max(closes, spans[-1][1])
            else:
                spans.append((opens, closes))
        return spans

    def _within_week(self) -> Iterable[Window]:
        for day, windows in enumerate(self.days):
            for opens, closes in windows:
                start, end = day * DAY + opens, day * DAY + closes
                yield start, min(end, _WEEK)
                if end > _WEEK:  # the night from Sunday to Monday
                    yield 0, end - _WEEK


@dataclass(frozen=True, slots=True)
class SendingHours:
    """A week's hours on the wall clock of a time zone."""

    turns: tuple[int, ...]  # minutes of the week at which it opens and closes, in turn; opens first
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> SendingHours:
        """Raise ValueError, which says what is wrong."""
        return cls(tuple(turn for span in Week.parse(text).spans() for turn in span), zone)

    def is_open(self, at: dt.datetime) -> bool:
        return bisect_right(self.turns, _minute(at.astimezone(self.zone))) % 2 == 1

    def next_opening(self, after: dt.datetime) -> dt.datetime:
        """Return the first open moment from `after` on: `after` itself if it is open."""
        return after if self.is_open(after) else self.next_turn(after)

    def closes_at(self, at: dt.datetime) -> dt.datetime:
        """Return when the hours that are open at `at` end; raise ValueError if it is closed then."""
        if not self.is_open(at):
            raise ValueError("closed at this moment")
        return self.next_turn(at)

    def next_turn(self, at: dt.datetime) -> dt.datetime:
        """Return the next moment (UTC) after `at` when it opens, if closed, or closes, if open.

        The wall clock runs evenly up to the next change to or from summer time, which can itself
        open or close: in autumn, hours from 02:15 close at the first 03:00, which shows 02:00.
        """
        at = at.astimezone(dt.UTC)
        local = at.astimezone(self.zone)
        is_open = self.is_open(local)
        turn = at + self._until_turn(local)
        if turn.astimezone(self.zone).utcoffset() == local.utcoffset():
            return turn
        change = offset_change(at, turn, self.zone)
        return change if self.is_open(change) != is_open else self.next_turn(change)

    def _until_turn(self, local: dt.datetime) -> dt.timedelta:
        """Return how long the wall clock runs until it opens or closes."""
        now = _minute(local)
        # Past Sunday's midnight it may just go on: that is no turn.
        turns = [turn for turn in self.turns if turn % _WEEK or not self._runs_over_the_week()]
        then = next((turn for turn in turns if turn > now), turns[0] + _WEEK)
        begun = dt.timedelta(seconds=local.second, microseconds=local.microsecond)
        return dt.timedelta(minutes=then - now) - begun

    def _runs_over_the_week(self) -> bool:
        return self.turns[0] == 0 and self.turns[-1] == _WEEK


@lru_cache(maxsize=256)
def sending_hours(text: str, zone: ZoneInfo) -> SendingHours | None:
    """Return the hours that an account's setting says; None: always open."""
    return SendingHours.parse(text, zone) if text else None


def _minute(local: dt.datetime) -> int:
    return local.weekday() * DAY + local.hour * 60 + local.minute


def check_day(windows: Sequence[Window]) -> None:
    """Raise ValueError where these cannot be the windows of one day."""
    if len(windows) > WINDOWS_A_DAY:
        raise ValueError(f"sending hours have at most {WINDOWS_A_DAY} windows a day")
    for (_, closes), (opens, _) in pairwise(windows):
        if opens <= closes:
            raise HoursError(
                "order", "sending hours of a day stand one after the other, with a break between"
            )


def window(opens: int, closes: int) -> Window:
    """Return the window from one minute of a day to another; to an earlier one it runs over midnight."""
    if opens == closes:
        raise HoursError("length", "sending hours must have a length: let both ends differ")
    return opens, closes if closes > opens else closes + DAY


def _window(text: str) -> Window:
    opens, closes = (int(time[:2]) * 60 + int(time[3:]) for time in text.split("-"))
    return window(opens, closes)


def _days(text: str) -> Iterable[int]:
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not {first, last or first} <= set(DAYS):
            raise ValueError(f"days of sending hours are {', '.join(DAYS)}")
        start, end = DAYS.index(first), DAYS.index(last or first)
        if end < start:
            raise ValueError("days of sending hours run from Monday to Sunday")
        yield from range(start, end + 1)


def _written(windows: Iterable[Window]) -> str:
    return ",".join(f"{clock_time(opens)}-{_closing(opens, closes)}" for opens, closes in windows)


def _closing(opens: int, closes: int) -> str:
    """Return midnight as 00:00, which every program reads, but where that would have no length."""
    return "24:00" if closes - opens == DAY else clock_time(closes)


def clock_time(minutes: int) -> str:
    """Return what the clock shows then, as HH:MM."""
    return f"{minutes % DAY // 60:02}:{minutes % 60:02}"
