"""What uvicorn leaves open between a socket and the ASGI root, for clients that mean no good.

A request that cannot be read is answered in JSON like every other; its head is bounded in size and
time; trailers are dropped; and after an early answer the rest of a body is not read for ever.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from http_api.errors import error_body

# Ten parts of emoji in a hook link, percent-encoded, are 6 KiB.
MAX_HEAD = 32 * 1024

# A request's head must be complete after so many seconds.
HEAD_SECONDS = 20.0

# Closing at once would throw away an answer that the client has not read yet: the rest of a body
# that was refused is thrown away for so long instead.
LINGER_SECONDS = 10.0

_BROKEN = "This is no HTTP request that can be read."
_TOO_LARGE = f"The request line and headers are larger than {MAX_HEAD // 1024} KiB."
_TOO_SLOW = "The request's headers did not arrive in time."


class Protocol(HttpToolsProtocol):
    """One connection."""

    # False between a request's headers and its end: what comes then is body, or trailers
    _in_head = True
    _head_size = 0
    _is_refused = False
    _closes = False  # after the running request, as its client asked
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect(HEAD_SECONDS, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused or self.transport.is_closing():
            return
        if self._in_head:
            if self._deadline is None:
                self._expect(HEAD_SECONDS, self._head_is_late)
            self._head_size += len(data)
        super().data_received(data)
        # The parser tells of a header when it has all of it: an endless one must be seen from here.
        if self._in_head and self._head_size > MAX_HEAD:
            self._refuse(431, "headers_too_large", _TOO_LARGE)

    # --- what the parser calls -------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        # A trailer would count as a header: after the proxy's `X-Forwarded-For`, for one.
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._expect(None)
        if self._closes:  # what follows a request that closes the connection is none
            self._is_refused = True
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD and not self._is_refused:
            self._refuse(431, "headers_too_large", _TOO_LARGE)
        if self._is_refused or self.transport.is_closing():
            raise ValueError  # stops the parser
        super().on_headers_complete()
        # uvicorn would close as soon as it has answered, also in the middle of a body.
        self._closes = not self.cycle.keep_alive
        self.cycle.keep_alive = True

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._head_size = True, 0
        self._expect(None)
        if self._closes and self.cycle.response_complete:
            self.transport.close()

    def on_response_complete(self) -> None:
        if self._closes and self._in_head and not self.pipeline:
            self.transport.close()
        super().on_response_complete()
        if not self._in_head and not self.transport.is_closing():
            self._expect(LINGER_SECONDS, self.transport.close)

    # --- refusals --------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """The parser gave up on what came."""
        if not (self._is_refused or self.transport.is_closing()):
            self._refuse(400, "malformed", _BROKEN)

    def _head_is_late(self) -> None:
        if self._head_size:
            self._refuse(408, "timeout", _TOO_SLOW)
        else:
            self.transport.close()

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer and close. Where an earlier request still waits for its answer, this one, which
        came unasked, gets none: it would be taken for the other's."""
        self._is_refused = True
        self._expect(None)
        if self.pipeline:
            self.transport.close()
        elif self.cycle is not None and not (self.cycle.response_complete or self.cycle.more_body):
            self._closes = True
        else:
            body = json.dumps(error_body(code, message)).encode()
            lines = [
                STATUS_LINE[status],
                b"content-type: application/json\r\n",
                b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body),
                body,
            ]
            self.transport.write(b"".join(lines))
            self.transport.close()

    def _unsupported_upgrade_warning(self) -> None:
        """An upgrade that is not there is not taken: the request is answered as it stands."""

    def _expect(self, seconds: float | None, otherwise: Any = None) -> None:
        """Call `otherwise` unless something else is expected before; None: nothing is."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, otherwise)
