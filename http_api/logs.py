"""One line a log record, the same shape from every process; no value of a request in any of them.

    12:00:01 web      INFO    POST api/messages/ 201 4 ms a1b2c3000001

The last word of a line that was written during a request is the request's id, which its answer has
as `X-Request-Id`. `LOG_FORMAT=json` writes the same as one JSON object a line.

A traceback is printed without the exceptions' own messages: PostgreSQL and validators quote the
values they choke on, which are phone numbers, texts and keys. What still looks like a number or a
key is masked, whoever wrote it.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import re
import traceback
from contextvars import ContextVar
from types import TracebackType
from typing import Any

_PROCESS = os.environ.get("SMSGATE_PROCESS", "manage")

request_id: ContextVar[str] = ContextVar("request_id", default="")

# What a record may carry beside its words, for LOG_FORMAT=json.
FIELDS = ("method", "route", "status", "ms")

_SECRETS = re.compile(
    r"(?P<number>\+\d{7,15}\b|\b\d{9,15}\b)"
    r"|(?P<token>(?<![\w-])[\w-]{43}(?![\w-]))"
    r"|(?P<key>\b(?=[A-Z]*[2-9])[A-HJ-NP-Z2-9]{12}\b)"
)


def redacted(text: str) -> str:
    """Without what looks like a phone number, a key or a token. Code writes none of them: this is
    for the words of libraries."""
    return _SECRETS.sub(lambda match: f"[{match.lastgroup}]", text)


class LineFormatter(logging.Formatter):
    """One line for people."""

    def __init__(self) -> None:
        super().__init__(
            fmt=f"%(asctime)s {_PROCESS:<8} %(levelname)-7s %(message)s", datefmt="%H:%M:%S"
        )

    def format(self, record: logging.LogRecord) -> str:
        first, *rest = redacted(super().format(record)).split("\n")
        return "\n".join([f"{first} {request_id.get()}".rstrip(), *rest])

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return " ".join(super().formatMessage(record).split("\n"))

    def formatException(  # noqa: N802 (logging's own name)
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        return without_values(ei[1])


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(
                "T", "milliseconds"
            ),
            "process": _PROCESS,
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if request := request_id.get():
            line["request"] = request
        line |= {name: record.__dict__[name] for name in FIELDS if name in record.__dict__}
        if record.exc_info:
            line["traceback"] = without_values(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def without_values(exception: BaseException | None) -> str:
    """Where it came from and what kind it is; never its message."""
    blocks: list[str] = []
    while exception is not None:
        frames = "".join(traceback.format_tb(exception.__traceback__))
        blocks.append(f"{frames}{type(exception).__module__}.{type(exception).__qualname__}")
        exception = exception.__cause__ or exception.__context__
    return "\ncaused by\n".join(blocks)
