"""messaging.queue_end: when a queue is done."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licenses.sending_hours import SendingHours
from messaging.queue_end import queue_end

WARSAW = ZoneInfo("Europe/Warsaw")
NINE_TO_SIX = SendingHours.parse("09:00-18:00", WARSAW)
WEDNESDAY = dt.datetime(2026, 11, 25, 16, 0, tzinfo=WARSAW)


@pytest.mark.parametrize(
    ("messages", "parts", "phones", "hours", "expected"),
    [
        (5_000, 5_000, 1, NINE_TO_SIX, "2026-11-27T11:53"),
        (5_000, 5_000, 1, None, "2026-11-26T05:53"),
        (5_000, 5_000, 3, None, "2026-11-25T20:37"),
        (10, 100, 1, None, "2026-11-25T16:04"),  # parts are the limit
        (0, 0, 1, None, "2026-11-25T16:00"),
    ],
)
def test_phones_send_at_their_pace_while_it_is_open(
    messages: int, parts: int, phones: int, hours: SendingHours | None, expected: str
) -> None:
    end = queue_end(WEDNESDAY, messages, parts, phones, hours)
    assert end is not None
    assert end.astimezone(WARSAW).isoformat()[:16] == expected


def test_without_a_phone_or_within_a_year_there_is_no_end() -> None:
    assert queue_end(WEDNESDAY, 1, 1, 0, None) is None
    assert queue_end(WEDNESDAY, 10**8, 10**8, 1, None) is None
    assert queue_end(WEDNESDAY, 10**8, 10**8, 1, NINE_TO_SIX) is None


@given(st.integers(1, 20_000), st.integers(1, 5))
def test_it_ends_while_it_is_open_and_more_phones_end_sooner(messages: int, phones: int) -> None:
    ends = [queue_end(WEDNESDAY, messages, messages, n, NINE_TO_SIX) for n in (phones, phones + 1)]
    for end in ends:
        assert end is not None
        assert NINE_TO_SIX.is_open(end - dt.timedelta(microseconds=1))
    assert ends[1] <= ends[0]  # type: ignore[operator]
