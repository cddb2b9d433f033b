"""HTTP/1.1: where requests begin and end.

uvicorn makes the request of a head and writes the answer. Here it gets a head only when that is whole
and the answer before it is written, and bytes of a body only as smsgate.web.http_body has read them:
they can never be a request (docs/adr/0010-uvicorn-with-httptools.md).
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from http_api.error_codes import ErrorCode
from smsgate.web.connection_limits import ConnectionLimits
from smsgate.web.http_body import Chunks, Length, TooMuchFraming, take
from smsgate.web.http_connection import LAST_SECONDS, HttpConnection

# Bytes of a request line with its headers: ten parts of emoji in a hook link, percent-encoded, are
# 6 KiB. They must be complete after so many seconds.
MAX_HEAD = 32 * 1024
HEAD_SECONDS = 20.0

# llhttp accepts HTTP/0.9 (no version): it would parse what follows as the next request.
_REQUEST_LINE = re.compile(rb"[A-Z-]{1,20} [^ \r\n]+ HTTP/1\.[01]\r\n")
# Detect early that the bytes are not HTTP: answer 400 at once, not after HEAD_SECONDS.
_REQUEST_BEGINS = re.compile(rb"(?:[A-Z-]{1,20}(?: [^\n]*)?)?\Z|[A-Z-]{1,20} [^\n]*\r\n")

_BROKEN = "This is no HTTP request that can be read."
_TOO_LARGE = f"The request line and headers are larger than {MAX_HEAD // 1024} KiB."
_TOO_MUCH_FRAMING = "The trailers, or the frames of the chunks, are too large for the body."

_limits = ConnectionLimits()  # of all connections of the process


class Protocol(HttpConnection):
    _body: Length | Chunks | None = None  # of the request that is coming; None: a head is
    _closes = False  # after the running request, as its client asked
    _is_behind = False  # what is received came before the last answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect(HEAD_SECONDS, self._head_is_late)
        self._is_admitted = _limits.admit(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        _limits.forget(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._is_deaf():
            self._unset_keepalive_if_required()
            self._received += data
            self._is_behind = False
            self._read()

    def _read(self) -> None:
        """Read on while that leads any further."""
        before = -1
        while len(self._received) != before and not (self._is_deaf() or self._must_wait()):
            before = len(self._received)
            if self._body is not None:
                self._read_body(self._body)
            elif self._received:
                self._read_head()
        ahead = len(self._received) if self._must_wait() else 0
        _limits.hold_ahead(self.transport, ahead)
        if ahead > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def _must_wait(self) -> bool:
        """Return whether the next head has to wait for the answer to the request before it."""
        return self._body is None and self.cycle is not None and not self.cycle.response_complete

    def _read_head(self) -> None:
        received = self._received
        if received[0] in b"\r\n":  # RFC 9112 2.2: empty lines before a request are skipped
            received[:] = received.lstrip(b"\r\n")
        end = received.find(b"\r\n\r\n")
        if (len(received) if end < 0 else end) > MAX_HEAD:
            self._refuse(431, ErrorCode.HEADERS_TOO_LARGE, _TOO_LARGE)
        elif not (_REQUEST_BEGINS if end < 0 else _REQUEST_LINE).match(received):
            # Behind a request it would be taken for the answer to the next.
            self._close() if self._is_behind else self._refuse(400, ErrorCode.MALFORMED, _BROKEN)
        elif end < 0:
            if self._deadline is None:
                self._expect(HEAD_SECONDS, self._head_is_late)
        elif not self._is_admitted:
            self._refuse(503, ErrorCode.UNAVAILABLE, "Too many connections are open: try again.")
        else:
            self._begin(take(received, end + 4))

    def _head_is_late(self) -> None:
        if self._received:
            self._refuse(408, ErrorCode.TIMEOUT, "The request's headers did not arrive in time.")
        else:
            self._close()

    def shutdown(self) -> None:
        super().shutdown()
        if not self._must_wait() and self._body is None:
            self._rest_no_longer()

    def _rest_no_longer(self) -> None:
        self._expect(LAST_SECONDS, self._head_is_late)

    def _begin(self, head: bytes) -> None:
        self.parser = httptools.HttpRequestParser(self)  # of this head only
        try:
            with suppress(httptools.HttpParserUpgrade):  # RFC 9110 7.8: an offer may be ignored
                self.parser.feed_data(head)
        except httptools.HttpParserError:
            self._refuse(400, ErrorCode.MALFORMED, _BROKEN)

    def on_headers_complete(self) -> None:
        """Called by the parser, which stops where this raises."""
        body = self._framing()
        super().on_headers_complete()
        self._body = body
        self._expect(None)
        self._unset_keepalive_if_required()
        _limits.work(self.transport)
        self.cycle.transport = self._answers
        # uvicorn would close as soon as it has answered, also in the middle of a body.
        self._closes = not self.cycle.keep_alive
        self.cycle.keep_alive = True

    def _framing(self) -> Length | Chunks:
        """Raise ValueError where llhttp would find another end of the body than others do: it reads
        chunks inside of another encoding as plain, and ignores them in HTTP/1.0."""
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        if self.parser.get_method() == b"CONNECT":
            raise ValueError("no proxy")
        if [name for name, _ in self.headers].count(b"host") > 1:  # RFC 9112, 3.2
            raise ValueError("several hosts")
        if not codings:
            return Length(int(dict(self.headers).get(b"content-length", 0)))
        if codings != [b"chunked"] or self.parser.get_http_version() != "1.1":
            raise ValueError("unknown transfer encoding")
        return Chunks()

    def on_message_complete(self) -> None:
        """Called by the parser where it expects no body: `_read_body` knows better."""

    def _read_body(self, body: Length | Chunks) -> None:
        try:
            if data := body.read(self._received):
                self.on_body(data)
        except httptools.HttpParserError:
            self._refuse_body(400, ErrorCode.MALFORMED, _BROKEN)
        except TooMuchFraming:
            self._refuse_body(431, ErrorCode.HEADERS_TOO_LARGE, _TOO_MUCH_FRAMING)
        else:
            if body.is_over:
                self._end()

    def _refuse_body(self, status: int, code: ErrorCode, message: str) -> None:
        """Refuse a request that has begun: it gets one answer."""
        if self.cycle.response_started:
            self._ignore_the_rest()
        else:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._refuse(status, code, message)

    def _end(self) -> None:
        super().on_message_complete()
        self._body = None
        self._expect(None)
        if not self._must_wait():  # the answer came before the end of the body
            self._rest()

    def on_response_complete(self) -> None:
        self._answers.end()
        super().on_response_complete()
        if self.transport.is_closing():
            self._close()
        elif self._body is None:
            self._rest()
            self._is_behind = True
            self._read()
        else:
            self._linger()

    def _rest(self) -> None:
        """Wait for the next request, or close as the client asked or was told. An answer that began
        before this process drains told nobody, and the next request may be on its way."""
        if self._closes or self._answers.is_last:
            self._close()
        else:
            _limits.rest(self.transport)
            if self._is_stopping:
                self._rest_no_longer()
