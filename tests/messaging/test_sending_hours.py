from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.local_time import localize
from messaging.sending_hours import SendingHours

WARSAW = ZoneInfo("Europe/Warsaw")
ZONES = [WARSAW, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/New_York"), ZoneInfo("UTC")]


def at(text: str) -> dt.datetime:
    return localize(dt.datetime.fromisoformat(text), WARSAW)


@pytest.mark.parametrize(
    ("hours", "moment", "is_open"),
    [
        ("09:00-17:00", "2026-04-09T09:00", True),
        ("09:00-17:00", "2026-04-09T16:59:59", True),
        ("09:00-17:00", "2026-04-09T17:00", False),
        ("22:00-06:00", "2026-04-09T23:00", True),
        ("22:00-06:00", "2026-04-09T05:59", True),
        ("22:00-06:00", "2026-04-09T06:00", False),
        ("02:30-04:00", "2026-03-29T03:00", True),  # 02:30 does not exist: from 03:00
        ("01:00-02:30", "2026-03-29T03:00", False),
    ],
)
def test_it_is_open_by_the_wall_clock(hours: str, moment: str, is_open: bool) -> None:
    assert SendingHours.parse(hours, WARSAW).is_open(at(moment)) is is_open


@pytest.mark.parametrize("text", ["9-17", "09:00-09:00", "24:00-01:00", "09:00–17:00", ""])
def test_it_refuses_what_are_no_hours(text: str) -> None:
    with pytest.raises(ValueError, match=r"HH:MM|length"):
        SendingHours.parse(text, WARSAW)


times = st.times().map(lambda time: time.replace(second=0, microsecond=0))
moments = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 31)) | st.sampled_from(
    [
        dt.datetime(2026, 3, 29, 0, 59),
        dt.datetime(2026, 10, 25, 0, 30),
        dt.datetime(2026, 10, 25, 1, 30),
        dt.datetime(2026, 4, 4, 14, 45),
        dt.datetime(2026, 10, 3, 15, 15),
    ]
)


@given(times, times, st.sampled_from(ZONES), moments)
def test_the_next_opening_is_open_and_nothing_before_it_is(
    opens: dt.time, closes: dt.time, zone: ZoneInfo, naive: dt.datetime
) -> None:
    if opens == closes:
        return
    hours = SendingHours(opens, closes, zone)
    moment = naive.replace(tzinfo=dt.UTC)
    opening = hours.next_opening(moment)
    assert hours.is_open(opening)
    assert opening >= moment
    if hours.is_open(moment):
        assert opening == moment
        assert not hours.is_open(hours.closes_at(moment)) or opens == closes
        return
    wait = (opening - moment).total_seconds()
    for share in (0.0, 0.25, 0.5, 0.75, 0.999):
        assert not hours.is_open(moment + dt.timedelta(seconds=wait * share))
