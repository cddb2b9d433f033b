"""One line a log record, the same shape from every process; no value of a request in any of them.

    12:00:01 web      INFO    POST api/messages/ 201 4 ms a1b2c3000001

The last word of a line that was written during a request is the request's id, which its answer has
as `X-Request-Id`. `LOG_FORMAT=json` writes the same as one JSON object a line.

A traceback is printed at most once a minute for each place that fails, and without the exceptions' own
messages: PostgreSQL and validators quote the values they choke on, which are phone numbers, texts and
keys. What still looks like a number or a key is masked, whoever wrote it.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import re
import traceback
from contextvars import ContextVar
from typing import Any

from django.conf import settings

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


_OF_THE_BROKER = (
    "consumer: Connection to broker lost", "consumer: Cannot connect to", "beat: Connection error",
    "beat pidbox", "Redis BRPOP got no reply", "Redis pub/sub connection missed",
)  # fmt: skip


class WithoutTheBroker:
    """A filter for Celery's loggers: a broker that is away is their dozens of lines a minute, with
    tracebacks. smsgate.supervisor.watch says it in one when it is gone, and in one when it is back."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.getMessage().startswith(_OF_THE_BROKER):
            return False
        met = (
            record.exc_info[1] if record.exc_info else None
        )  # "Message Error": beat could not publish
        cause = (met.__cause__ or met.__context__) if met else None
        return type(cause).__module__.partition(".")[0] not in {"kombu", "redis"}


class Tracebacks:
    """Each place that fails is shown in full once a minute; meanwhile a line says how often it failed.

    One for each formatter, whose handler's lock it relies on.
    """

    SECONDS = 60
    PLACES = 1_000

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int, str], tuple[float, int]] = {}

    def of(self, record: logging.LogRecord) -> str:
        """Format a record's traceback without values; a repeated one is a line with its count."""
        exception = record.exc_info[1] if record.exc_info else None
        if exception is None or not (frames := traceback.extract_tb(exception.__traceback__)):
            return without_values(exception)
        last, kind = frames[-1], type(exception).__qualname__
        place = last.filename, last.lineno or 0, kind
        shown_at, count = self._seen.get(place, (0.0, 0))
        if not 0 <= record.created - shown_at < self.SECONDS:
            if len(self._seen) >= self.PLACES:
                self._seen.clear()
            self._seen[place] = record.created, 0
            return without_values(exception)
        self._seen[place] = shown_at, count + 1
        since = dt.datetime.fromtimestamp(shown_at).astimezone().strftime("%H:%M:%S")
        times = "once" if count == 0 else f"{count + 1} times"
        where = f"{os.path.basename(last.filename)}:{last.lineno}"
        return f"{kind} at {where}, shown in full at {since}; {times} more since"


class LineFormatter(logging.Formatter):
    """One line for people."""

    def __init__(self) -> None:
        super().__init__(
            fmt=f"%(asctime)s {settings.PROCESS:<8} %(levelname)-7s %(message)s", datefmt="%H:%M:%S"
        )
        self._tracebacks = Tracebacks()

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info:
            record.exc_text = self._tracebacks.of(record)
        first, *rest = redacted(super().format(record)).split("\n")
        if len(rest) == 1:
            first, rest = f"{first}: {rest[0]}", []
        return "\n".join([f"{first} {request_id.get()}".rstrip(), *rest])

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return " ".join(super().formatMessage(record).split("\n"))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for machines."""

    def __init__(self) -> None:
        super().__init__()
        self._tracebacks = Tracebacks()

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(
                "T", "milliseconds"
            ),
            "process": settings.PROCESS,
            "level": record.levelname,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        if request := request_id.get():
            line["request"] = request
        line |= {name: record.__dict__[name] for name in FIELDS if name in record.__dict__}
        if record.exc_info:
            line["traceback"] = self._tracebacks.of(record)
        return json.dumps(line, ensure_ascii=False)


def without_values(exception: BaseException | None) -> str:
    """Format an exception and its causes by traceback and type, without messages: they hold values."""
    blocks: list[str] = []
    while exception is not None:
        frames = "".join(traceback.format_tb(exception.__traceback__))
        blocks.append(f"{frames}{type(exception).__module__}.{type(exception).__qualname__}")
        exception = exception.__cause__ or exception.__context__
    return "\ncaused by\n".join(blocks)
