"""One line a log record, the same shape from every process; no value of a request in any of them.

    12:00:01 web     INFO    POST api/messages/ 201 4 ms a1b2c3

A traceback is printed without the exceptions' own messages: PostgreSQL and validators quote the
values they choke on, which are phone numbers, texts and keys.
"""

from __future__ import annotations

import logging
import os
import re
import traceback
from types import TracebackType

_PROCESS = os.environ.get("SMSGATE_PROCESS", "manage")


class LineFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__(
            fmt=f"%(asctime)s {_PROCESS:<8} %(levelname)-7s %(message)s", datefmt="%H:%M:%S"
        )

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's own name)
        return re.sub(r"\s*\n\s*", " ", super().formatMessage(record).rstrip())

    def formatException(  # noqa: N802 (logging's own name)
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        exception = ei[1]
        if exception is None:
            return ""
        blocks: list[str] = []
        while exception is not None:
            frames = "".join(traceback.format_tb(exception.__traceback__))
            blocks.append(f"{frames}{type(exception).__module__}.{type(exception).__qualname__}")
            exception = exception.__cause__ or exception.__context__
        return "\ncaused by\n".join(blocks)
