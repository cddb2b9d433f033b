from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from dialects.smsend.dates import parse, shown
from messaging.models import Message
from tests.conftest import ManualClock
from tests.dialects.smsend.conftest import Program

ROME = ZoneInfo("Europe/Rome")
NINE = dt.datetime(2025, 12, 1, 8, 0, tzinfo=dt.UTC)
MIDNIGHT = dt.datetime(2025, 11, 30, 23, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("011225", MIDNIGHT),
        ("20251201", MIDNIGHT),
        ("0112250900", NINE),
        ("20251201090000", NINE),
        ("2025-12-01 09:00", NINE),
        ("2025-12-01 09:00.0", NINE),
        ("2025-12-01 09:00:00", NINE),
        ("2025-12-01 09:00:00.0", NINE),
        ("2025-12-01T09:00:00", NINE),
        ("2025-12-01T09:00:00.123456", NINE.replace(microsecond=123456)),
        ("2025-12-01T09:00:00.1234567+01:00", NINE.replace(microsecond=123456)),
        ("2025-12-01T08:00:00Z", NINE),
        ("Dec 1, 2025, 9:00:00 AM", NINE),
        ("Dec 1, 2025 9:00:00 AM", NINE),
        ("Dec 1, 2025, 9:00:00\u202fAM", NINE),
        ("Dec 1, 2025, 9:00:00 PM", NINE.replace(hour=20)),
        ("Dec 1, 2025, 12:00:00 AM", MIDNIGHT),
    ],
)
def test_every_form_of_a_time_is_read(text: str, moment: dt.datetime) -> None:
    assert parse(text, ROME) == moment


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "1", "12345", "1234567", "201223101010", "321225", "20251301", "20250230",
        "20251201250000", "2025-12-01", "2025-12-01 9:00", "2025-12-01  09:00",
        "Dec 32, 2025 9:00:00 AM",
        "Dec 1, 2025", "Dez 1, 2025 9:00:00 AM", "٢٠٢٥١٢٠١", "00010101000000", "-20251201",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="use yyyyMMddHHmmss"):
        parse(text, ROME)


def test_a_time_that_a_change_of_clocks_skips_moves_on() -> None:
    moment = parse("20260329023000", ROME)
    assert moment == dt.datetime(2026, 3, 29, 1, 0, tzinfo=dt.UTC)


def test_times_are_shown_on_a_zones_own_clock() -> None:
    assert shown(NINE, ROME) == "20251201090000"
    assert shown(None, ROME) is None


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({}, dt.datetime(2026, 4, 10, 7, tzinfo=dt.UTC)),  # the account's zone: Warsaw
        (
            {"scheduled_delivery_timezone": "America/New_York"},
            dt.datetime(2026, 4, 10, 13, tzinfo=dt.UTC),
        ),
        ({"scheduled_delivery_timezone": "UTC"}, dt.datetime(2026, 4, 10, 9, tzinfo=dt.UTC)),
    ],
)
def test_a_time_is_local_to_the_zone_that_the_client_names(
    program: Program, manual_clock: ManualClock, fields: dict[str, str], due: dt.datetime
) -> None:
    program.send(scheduled_delivery_time="20260410090000", **fields)
    message = Message.objects.get()
    assert (message.status, message.due_at) == ("scheduled", due)
    # the native API reads it in its own notation
    assert dt.datetime.fromisoformat(message.send_after_given) == due


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../etc/passwd", 7, "europe"])
def test_an_unknown_zone_is_refused(program: Program, zone: object) -> None:
    body = {"message": "Hello", "recipient": ["+48600100200"], "scheduled_delivery_timezone": zone}
    program.refused(program.call("POST", "sms", body), 400, "scheduled_delivery_timezone")
