"""Times as answers show them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo


def utc(moment: dt.datetime) -> str:
    """Return `2026-04-09T14:32:00Z`."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_or_none(moment: dt.datetime | None) -> str | None:
    return None if moment is None else utc(moment)


def local_or_none(moment: dt.datetime | None, zone: ZoneInfo) -> str | None:
    """Return `2026-04-09 16:32:00`, as several vendors write times."""
    return None if moment is None else moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
