"""Where the body of a request ends: HTTP/1.1's two ways to say so.

Each reads, of the bytes received, those that are surely its own, and leaves the rest: they may be the
next request.
"""

from __future__ import annotations

import httptools

# Limit of chunked framing and trailers: this, plus eight bytes per byte of the body. Framing a chunk of
# one byte takes five.
MAX_FRAMING = 32 * 1024
FRAME_BYTES_PER_BODY_BYTE = 8


class TooMuchFraming(Exception):
    """The trailers, or the frames of the chunks, are too large for the body."""


def take(received: bytearray, size: int) -> bytes:
    """Cut off the first bytes, as many as have come."""
    with memoryview(received) as whole:  # a slice of a bytearray is a copy
        part = bytes(whole[:size])
    del received[:size]
    return part


class Length:
    """A body whose length was said."""

    def __init__(self, size: int) -> None:
        self._left = size

    @property
    def is_over(self) -> bool:
        return not self._left

    def read(self, received: bytearray) -> bytes:
        part = take(received, self._left)
        self._left -= len(part)
        return part


class Chunks:
    """A body in chunks.

    httptools reads it behind a head of ours: behind a client's that offers an upgrade it would read no
    body, and trailers would count as headers.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._body = bytearray()
        self._framing_left = MAX_FRAMING
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")

    def read(self, received: bytearray) -> bytes:
        """Raise httptools.HttpParserError, TooMuchFraming."""
        # It can end only at an empty line, of which half may still be to come.
        end = received.find(b"\r\n\r\n")
        part = take(received, max(0, len(received) - 3) if end < 0 else end + 4)
        self._parser.feed_data(part)
        body = bytes(self._body)
        self._body.clear()
        spent = len(part) - len(body) - FRAME_BYTES_PER_BODY_BYTE * len(body)
        self._framing_left = min(MAX_FRAMING, self._framing_left - spent)
        if self._framing_left < 0:
            raise TooMuchFraming
        return body

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        self.is_over = True
        del self._parser  # they refer to each other
