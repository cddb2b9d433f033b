from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from http_api.local_time import localize
from licenses.sending_hours import SendingHours, Week, Window

WARSAW = ZoneInfo("Europe/Warsaw")
ZONES = [WARSAW, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/New_York"), ZoneInfo("UTC")]
OFFICE = "Mo-Fr 09:00-12:00,13:00-18:00; Sa 10:00-14:00"


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
        (OFFICE, "2026-04-10T11:59", True),  # a Friday
        (OFFICE, "2026-04-10T12:00", False),
        (OFFICE, "2026-04-10T13:00", True),
        (OFFICE, "2026-04-11T17:00", False),
        (OFFICE, "2026-04-12T10:00", False),
        ("Su 22:00-06:00", "2026-04-13T05:59", True),  # a Monday
        ("Su 22:00-06:00", "2026-04-12T05:59", False),
        ("Sa 00:00-24:00", "2026-04-11T23:59", True),
        ("Sa 00:00-24:00", "2026-04-12T00:00", False),
    ],
)
def test_it_is_open_by_the_wall_clock(hours: str, moment: str, is_open: bool) -> None:
    assert SendingHours.parse(hours, WARSAW).is_open(at(moment)) is is_open


@pytest.mark.parametrize(
    "text",
    [
        "9-17", "09:00-09:00", "24:00-01:00", "09:00–17:00", "", "Mo", "Mo-Fr", "Xx 09:00-17:00",
        "Fr-Mo 09:00-17:00", "Mo 09:00-12:00; Mo 13:00-14:00", "Mo-We,Tu 09:00-12:00",
        "09:00-12:00,12:00-14:00", "09:00-12:00,11:00-14:00", "22:00-02:00,03:00-04:00",
        "01:00-02:00,03:00-04:00,05:00-06:00", "00:00-24:00", "Mo-Fr 09:00-17:00;", "Mo  09:00-17:00",
    ],
)  # fmt: skip
def test_it_refuses_what_are_no_hours(text: str) -> None:
    with pytest.raises(ValueError, match=r"sending hours"):
        Week.parse(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Mo-Su 09:00-17:00", "09:00-17:00"),
        ("22:00-24:00", "22:00-00:00"),
        ("Su 10:00-11:00; Mo,Tu 08:00-09:00", "Mo-Tu 08:00-09:00; Su 10:00-11:00"),
        (OFFICE, OFFICE),
    ],
)
def test_it_is_written_one_way(text: str, written: str) -> None:
    assert str(Week.parse(text)) == written


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


@st.composite
def days(draw: st.DrawFn) -> tuple[Window, ...]:
    """One day's windows; the last may run over midnight."""
    ends = sorted(draw(st.sets(st.integers(0, 1440), max_size=4)))
    windows = list(zip(ends[::2], ends[1::2], strict=False))
    if windows and windows[-1][0] > 1 and draw(st.booleans()):
        windows[-1] = windows[-1][0], 1440 + draw(st.integers(1, windows[-1][0] - 1))
    return tuple(windows)


@st.composite
def weeks(draw: st.DrawFn) -> Week:
    each_day = draw(st.booleans())
    try:
        return Week((draw(days()),) * 7 if each_day else tuple(draw(days()) for _ in range(7)))
    except ValueError:  # nothing, or everything
        assume(False)
        raise


@given(weeks())
def test_what_is_written_is_read_as_it_was(week: Week) -> None:
    assert Week.parse(str(week)) == week


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


def says(week: Week, local: dt.datetime) -> bool:
    """The rule itself: a window of that day, or one of the day before that runs over midnight."""
    minute = local.hour * 60 + local.minute
    today, yesterday = week.days[local.weekday()], week.days[local.weekday() - 1]
    return any(opens <= minute < closes for opens, closes in today) or any(
        minute + 1440 < closes for _, closes in yesterday
    )


@given(weeks(), st.sampled_from(ZONES), moments)
def test_it_turns_in_the_first_minute_that_the_wall_clock_says(
    week: Week, zone: ZoneInfo, naive: dt.datetime
) -> None:
    hours = SendingHours.parse(str(week), zone)
    moment = naive.replace(tzinfo=dt.UTC)
    is_open = says(week, moment.astimezone(zone))
    assert hours.is_open(moment) is is_open
    minutes = (moment + dt.timedelta(minutes=count) for count in range(9 * 24 * 60))
    turn = next(minute for minute in minutes if says(week, minute.astimezone(zone)) != is_open)
    assert (hours.closes_at(moment) if is_open else hours.next_opening(moment)) == turn
    if is_open:
        assert hours.next_opening(moment) == moment
