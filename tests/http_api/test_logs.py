"""One event is one line, whatever a library puts into its message."""

from __future__ import annotations

import logging

from http_api.logs import LineFormatter


def test_a_message_of_several_lines_becomes_one() -> None:
    words = "Cannot connect.\nTrying again in %s seconds...\n"
    record = logging.LogRecord("celery", logging.ERROR, "x", 1, words, ("2.00",), None)
    line = LineFormatter().format(record)
    assert line.endswith(" ERROR   Cannot connect. Trying again in 2.00 seconds...")
