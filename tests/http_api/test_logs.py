"""What a log line looks like, and what is masked in the words of others."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from http_api.logs import JsonFormatter, LineFormatter, redacted, request_id
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
