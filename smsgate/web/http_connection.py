"""How one connection ends: refused in JSON, given up where it is too slow, or closed at last.

Closing at once, with bytes unread, resets the connection, and the client may never see its answer. So
what still comes is thrown away for a while.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from smsgate.web import draining

# For so long the rest of a request that was refused is thrown away.
LINGER_SECONDS = 10.0

# A client must take some of its answer in so many seconds.
UNREAD_SECONDS = 60.0
# The same while the process stops: it would wait for one that never reads.
UNREAD_SECONDS_AT_END = 3.0

# When the process stops, the next request of a connection may be on its way.
LAST_SECONDS = 1.0

# When to come again after 503.
RETRY_SECONDS = 5


class AnswerWriter(asyncio.Transport):
    """Where uvicorn writes its answers to. It holds a head until the body begins: both are one packet
    then, for which the client is woken once.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._head: bytes | None = None  # None: the next to be written, unless it asks for the body
        self.is_last = False  # the answer said so

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._head is not None:
            self._transport.write(b"".join((self._head, data)) if self._head else data)
            self._head = b""
        elif bytes(data[:13]) == b"HTTP/1.1 100 ":
            self._transport.write(data)
        elif draining.has_begun():
            self._head = bytes(data).replace(b"\r\n", b"\r\nconnection: close\r\n", 1)
            self.is_last = True
        else:
            self._head = bytes(data)

    def end(self) -> None:
        """Write a head that no body has followed. What comes next is another answer."""
        if self._head:
            self._transport.write(self._head)
        self._head = None

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self.end()  # uvicorn closes before it says that an answer without a body is over
        self._transport.close()


class HttpConnection(HttpToolsProtocol):
    _is_refused = False
    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _is_stopping = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._received = bytearray()
        self._answers = AnswerWriter(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        self.resume_writing()
        super().connection_lost(exc)

    def _is_deaf(self) -> bool:
        return self._is_refused or self.transport.is_closing()

    def _ignore_the_rest(self) -> None:
        self._is_refused = True
        self._received.clear()

    def _refuse(self, status: int, code: ErrorCode, message: str) -> None:
        """Answer in place of the application, and close."""
        self._ignore_the_rest()
        body = json.dumps(ApiError(code, message).body()).encode()
        lines = [
            STATUS_LINE[status],
            b"content-type: application/json\r\n",
            b"retry-after: %d\r\n" % RETRY_SECONDS if status == 503 else b"",
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body),
            body,
        ]
        self.transport.write(b"".join(lines))
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._expect(LINGER_SECONDS, self.transport.abort)
        else:
            self._close()

    def _linger(self) -> None:
        """Let the rest of a request come that is answered."""
        self._expect(LINGER_SECONDS, self._close)

    def _close(self) -> None:
        """Close when what was written has been taken, or the time for that is over."""
        self.transport.close()
        self._expect(UNREAD_SECONDS, self.transport.abort)

    def _expect(self, seconds: float | None, otherwise: Callable[[], None] = lambda: None) -> None:
        """Call `otherwise` unless something else is expected before; None: nothing is."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, otherwise)

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def shutdown(self) -> None:
        self._is_stopping = True
        if self._unread is not None:
            self._unread.cancel()
            self._await_reader()
        self._unset_keepalive_if_required()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def _await_reader(self) -> None:
        seconds = UNREAD_SECONDS_AT_END if self._is_stopping else UNREAD_SECONDS
        self._unread = self.loop.call_later(seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
