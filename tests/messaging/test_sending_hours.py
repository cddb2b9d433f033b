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


@pytest.mark.parametrize(
    ("moment", "turns"),
    [
        ("2026-10-25T00:00Z", "2026-10-25T00:15Z"),  # the first 02:15
        ("2026-10-25T00:15Z", "2026-10-25T01:00Z"),  # the clock goes back to 02:00
        ("2026-10-25T01:00Z", "2026-10-25T01:15Z"),  # the second 02:15
        ("2026-10-25T01:15Z", "2026-10-25T02:30Z"),  # the only 03:30
    ],
)
def test_when_the_clock_goes_back_it_closes_and_opens_again(moment: str, turns: str) -> None:
    hours = SendingHours.parse("02:15-03:30", WARSAW)
    now, turn = (dt.datetime.fromisoformat(text) for text in (moment, turns))
    assert (hours.closes_at(now) if hours.is_open(now) else hours.next_opening(now)) == turn


times = st.times().map(lambda time: time.replace(second=0, microsecond=0))
moments = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 31)).map(
    lambda moment: moment.replace(second=0, microsecond=0)
) | st.sampled_from(
    [
        dt.datetime(2026, 3, 29, 0, 59),
        dt.datetime(2026, 10, 25, 0, 30),
        dt.datetime(2026, 10, 25, 1, 30),
        dt.datetime(2026, 4, 4, 14, 45),
        dt.datetime(2026, 10, 3, 15, 15),
    ]
)


@given(times, times, st.sampled_from(ZONES), moments)
def test_it_turns_in_the_first_minute_that_the_wall_clock_says(
    opens: dt.time, closes: dt.time, zone: ZoneInfo, naive: dt.datetime
) -> None:
    if opens == closes:
        return
    hours = SendingHours(opens, closes, zone)
    moment = naive.replace(tzinfo=dt.UTC)
    is_open = hours.is_open(moment)
    minutes = (moment + dt.timedelta(minutes=count) for count in range(3 * 24 * 60))
    turn = next(minute for minute in minutes if hours.is_open(minute) != is_open)
    assert (hours.closes_at(moment) if is_open else hours.next_opening(moment)) == turn
    if is_open:
        assert hours.next_opening(moment) == moment
