"""The hours in which an account sends, on its own wall clock."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from licenses.sender import Sender
from messaging.local_time import offset_change

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
    def of(cls, sender: Sender) -> SendingHours | None:
        """Return the account's sending hours; None: always open."""
        if sender.opens_at is None or sender.closes_at is None:
            return None
        return cls(sender.opens_at, sender.closes_at, sender.zone)

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> SendingHours:
        """From `HH:MM-HH:MM`. Raises ValueError."""
        match = _RANGE.fullmatch(text)
        if match is None:
            raise ValueError("write sending hours as HH:MM-HH:MM")
        from_hour, from_minute, to_hour, to_minute = map(int, match.groups())
        return cls(dt.time(from_hour, from_minute), dt.time(to_hour, to_minute), zone)

    def is_open(self, at: dt.datetime) -> bool:
        now = at.astimezone(self.zone).time()
        if self.opens < self.closes:
            return self.opens <= now < self.closes
        return now >= self.opens or now < self.closes

    def next_opening(self, after: dt.datetime) -> dt.datetime:
        """Return the first open moment from `after` on: `after` itself if it is open."""
        return after if self.is_open(after) else self._next_turn(after)

    def closes_at(self, at: dt.datetime) -> dt.datetime:
        """Return when the hours that are open at `at` end; raise ValueError if it is closed then."""
        if not self.is_open(at):
            raise ValueError("closed at this moment")
        return self._next_turn(at)

    def _next_turn(self, at: dt.datetime) -> dt.datetime:
        """Return the next moment (UTC) after `at` when it opens, if closed, or closes, if open.

        The wall clock runs evenly up to the next change to or from summer time, which can itself
        open or close: in autumn, hours from 02:15 close at the first 03:00, which shows 02:00.
        """
        at = at.astimezone(dt.UTC)
        local = at.astimezone(self.zone)
        is_open = self.is_open(local)
        turn = at + _until(self.closes if is_open else self.opens, local.time())
        if turn.astimezone(self.zone).utcoffset() == local.utcoffset():
            return turn
        change = offset_change(at, turn, self.zone)
        return change if self.is_open(change) != is_open else self._next_turn(change)


def _until(then: dt.time, now: dt.time) -> dt.timedelta:
    day = dt.date.min
    return (dt.datetime.combine(day, then) - dt.datetime.combine(day, now)) % dt.timedelta(days=1)
