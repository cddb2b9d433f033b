"""What a log line looks like, and what is masked in the words of others."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from http_api.logs import JsonFormatter, LineFormatter, Tracebacks, redacted, request_id
from licenses import keys


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to +48123456789 now", "to [number] now"),
        ("to 48123456789", "to [number]"),
        ("phone=+48123456789&x=1", "phone=[number]&x=1"),
        ("key ABCDEFGH2345.", "key [key]."),
        (f"Bearer {'a-_9' * 10}abc", "Bearer [token]"),
        ("POST api/messages/ 201 4 ms", "POST api/messages/ 201 4 ms"),
        ("incident 453b56eba786", "incident 453b56eba786"),
        ("message 12345678 attempt 1", "message 12345678 attempt 1"),
        ("UNSUPPORTED_ INFORMATIONS", "UNSUPPORTED_ INFORMATIONS"),
    ],
)
def test_what_looks_like_a_number_or_a_key_is_masked(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_nearly_every_key_is_masked() -> None:
    """One of twelve letters and no digit could be a word."""
    masked = [redacted(key) for key in (keys.new_key(12) for _ in range(1_000))]
    assert masked.count("[key]") > 930
    assert {redacted(keys.new_token()) for _ in range(100)} == {"[token]"}


def record(**fields: object) -> logging.LogRecord:
    made = logging.LogRecord("a", logging.INFO, "a.py", 1, "hello %s", ("+48123456789",), None)
    made.__dict__.update(fields)
    return made


def test_a_line_ends_with_its_requests_id() -> None:
    token = request_id.set("abc1")
    try:
        line = LineFormatter().format(record())
    finally:
        request_id.reset(token)
    assert line.endswith("INFO    hello [number] abc1")
    assert LineFormatter().format(record()).endswith("INFO    hello [number]")


def test_as_json_it_is_one_object() -> None:
    token = request_id.set("abc1")
    try:
        line = json.loads(JsonFormatter().format(record(route="api/me/", status=200, other="x")))
    finally:
        request_id.reset(token)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "process": "manage", "level": "INFO", "logger": "a", "message": "hello [number]",
        "request": "abc1", "route": "api/me/", "status": 200,
    }  # fmt: skip


def test_a_traceback_has_no_values() -> None:
    secret = " ".join(["Geheim" + "nis", "+48" + "123456789"])
    try:
        raise ValueError(secret)
    except ValueError:
        made = record(exc_info=sys.exc_info())
    line = JsonFormatter().format(made)
    assert "ValueError" in json.loads(line)["traceback"]
    assert "test_logs.py" in line
    assert "Geheim" + "nis" not in line + LineFormatter().format(made)


def test_a_message_of_several_lines_becomes_one() -> None:
    words = "Cannot connect.\nTrying again in %s seconds...\n"
    record = logging.LogRecord("celery", logging.ERROR, "x", 1, words, ("2.00",), None)
    line = LineFormatter().format(record)
    assert line.endswith(" ERROR   Cannot connect. Trying again in 2.00 seconds...")


def failed(at: float, *, elsewhere: bool = False) -> logging.LogRecord:
    """A record of the same fault at this second."""
    try:
        if elsewhere:
            int("x")
        raise ValueError
    except ValueError:
        return record(exc_info=sys.exc_info(), created=at)


def test_the_same_fault_is_shown_in_full_once_a_minute() -> None:
    formatter = LineFormatter()
    lines = [formatter.format(failed(at)).split("\n") for at in (100, 101, 159, 160, 161)]
    assert [len(line) > 1 for line in lines] == [True, False, False, True, False]
    assert "ValueError at test_logs.py:" in lines[1][0]
    assert lines[1][0].endswith("once more since")
    assert lines[2][0].endswith("2 times more since")
    assert lines[4][0].endswith("once more since")


def test_another_fault_meanwhile_is_shown_too() -> None:
    formatter = JsonFormatter()
    for elsewhere in (False, True):
        line = json.loads(formatter.format(failed(100, elsewhere=elsewhere)))
        assert "File " in line["traceback"]
    again = json.loads(formatter.format(failed(101)))
    assert "once more since" in again["traceback"]


def test_the_memory_of_faults_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tracebacks, "PLACES", 1)
    formatter = LineFormatter()
    shown = [formatter.format(failed(100, elsewhere=here)) for here in (False, True, False)]
    assert all("File " in line for line in shown)
