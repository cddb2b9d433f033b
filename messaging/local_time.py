"""Times as clients write them. A naive one is local; both changes to and from summer time are met."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

ACCEPTED_FORM = "use ISO 8601 like 2026-04-10T09:00:00 or 2026-04-10T09:00:00+02:00"

_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?"
    r"(Z|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)


def parse_client_datetime(text: str, zone: ZoneInfo) -> dt.datetime:
    """ISO 8601 with or without offset, `Z`, seconds, fractions → aware, in UTC.

    Without an offset it is local time of `zone`. Raises ValueError naming the accepted form.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(ACCEPTED_FORM)
    *fields, fraction, offset = match.groups()
    year, month, day, hour, minute, second = (int(field or 0) for field in fields)
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    try:
        naive = dt.datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001
        aware = localize(naive, zone) if offset is None else naive.replace(tzinfo=_offset(offset))
        moment = aware.astimezone(dt.UTC)
        if moment.year in {dt.MINYEAR, dt.MAXYEAR}:  # other zones could not say it any more
            raise ValueError(ACCEPTED_FORM)
        return moment
    except (ValueError, OverflowError):
        raise ValueError(ACCEPTED_FORM) from None


def _offset(text: str) -> dt.timezone:
    if text == "Z":
        return dt.UTC
    digits = text[1:].replace(":", "")
    minutes = int(digits[2:] or 0)
    if minutes > 59:
        raise ValueError(ACCEPTED_FORM)
    size = dt.timedelta(hours=int(digits[:2]), minutes=minutes)
    return dt.timezone(-size if text[0] == "-" else size)


def localize(naive: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The moment that a wall clock in `zone` shows this; aware, in `zone`.

    In the spring gap it is the end of the gap, the next instant that exists; in the autumn overlap
    the first of the two.
    """
    aware = naive.replace(tzinfo=zone, fold=0)
    there_and_back = aware.astimezone(dt.UTC).astimezone(zone)
    if there_and_back.replace(tzinfo=None) == naive:
        return aware
    # Its two readings lie on both sides of the gap.
    before, after = (naive.replace(tzinfo=zone, fold=fold) for fold in (1, 0))
    return offset_change(before, after, zone).astimezone(zone)


def offset_change(before: dt.datetime, after: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The first instant, between two with different UTC offsets, that has the later one's; in UTC."""
    before, after = before.astimezone(dt.UTC), after.astimezone(dt.UTC)
    new_offset = after.astimezone(zone).utcoffset()
    while after - before > dt.timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == new_offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)  # clocks change on a whole second
