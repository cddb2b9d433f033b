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
FORM = f"^{_ISO.pattern}$"  # for JSON Schema


# Plausible years. Years 1 and 9999 are "unset" and "forever"; adding a validity to them overflows.
_FIRST, _LAST = 1970, 2199


def is_plausible(day: dt.date) -> bool:
    return _FIRST <= day.year <= _LAST


def parse_client_datetime(text: str, zone: ZoneInfo) -> dt.datetime:
    """ISO 8601 with or without offset, `Z`, seconds, fractions → aware, in UTC.

    Without an offset it is local time of `zone`. Raises ValueError naming the accepted form, or the
    years that are taken.
    """
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(ACCEPTED_FORM)
    *fields, fraction, offset = match.groups()
    year, month, day, hour, minute, second = (int(field or 0) for field in fields)
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    if not _FIRST <= year <= _LAST:
        raise ValueError(f"{ACCEPTED_FORM}, of the years {_FIRST} to {_LAST}")
    try:
        naive = dt.datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001
        aware = localize(naive, zone) if offset is None else naive.replace(tzinfo=_offset(offset))
    except ValueError:
        raise ValueError(ACCEPTED_FORM) from None
    return aware.astimezone(dt.UTC)


def parse_phone_time(text: str) -> dt.datetime | None:
    """Return what a phone's clock said, in UTC; None where that is no time with an offset."""
    match = _ISO.fullmatch(text)
    if match is None or match[8] is None or match[1] < "1970":  # no phone is older
        return None
    try:
        return parse_client_datetime(text, ZoneInfo("UTC"))
    except ValueError:
        return None


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
    """Convert the local time that a clock in `zone` shows to an aware one.

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
    """Return the first instant, in UTC, with the offset of `after`; `before` has another."""
    before, after = before.astimezone(dt.UTC), after.astimezone(dt.UTC)
    new_offset = after.astimezone(zone).utcoffset()
    while after - before > dt.timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == new_offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)  # clocks change on a whole second
