"""Reading a request's body whole, of a sender who may be slow, endless or gone."""

from __future__ import annotations

import asyncio

from http_api.body_limits import KIB, too_large
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from smsgate.web.asgi_types import Receive, Scope
from smsgate.web.in_flight import Share, no_room

# Slow senders: a body must be complete after so many seconds, and each STALL_BYTES of it must come
# within STALL_SECONDS.
BODY_SECONDS = 60.0
STALL_SECONDS = 20.0
STALL_BYTES = 16 * KIB


def announced_length(scope: Scope) -> int | None:
    """Return the length of the body, checked by smsgate.web.http_protocol; None where it is chunked."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value)
        if name == b"transfer-encoding":
            return None
    return 0


async def read_body(receive: Receive, limit: int, share: Share) -> bytes:
    """Read the whole body.

    Raises ApiError where it is too large, too slow or one too many, and ConnectionError.
    """
    loop = asyncio.get_running_loop()
    latest = loop.time() + BODY_SECONDS
    chunks: list[bytes] = []
    try:
        async with asyncio.timeout(min(BODY_SECONDS, STALL_SECONDS)) as timeout:
            share.evict = lambda: timeout.reschedule(loop.time())
            while True:
                event = await receive()
                if event["type"] == "http.disconnect":
                    raise ConnectionError
                chunk = event.get("body", b"")
                blocks = share.size // STALL_BYTES
                share.grow(len(chunk))
                if share.size > limit:
                    raise too_large(limit)
                chunks.append(chunk)
                if not event.get("more_body"):
                    return b"".join(chunks)
                if share.size // STALL_BYTES > blocks:
                    timeout.reschedule(min(latest, loop.time() + STALL_SECONDS))
    except TimeoutError:
        if share.is_evicted:
            raise no_room() from None
        raise ApiError(ErrorCode.TIMEOUT, "The body did not arrive in time.") from None
    finally:
        share.evict = None
