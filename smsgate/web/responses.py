"""Sending answers over ASGI: Django's, in pieces, and what is refused before Django sees it."""

from __future__ import annotations

import asyncio
from typing import Any

from django.core.handlers.wsgi import WSGIRequest

from dialects.registry import render_error
from http_api.body_limits import KIB
from http_api.errors import ApiError
from http_api.rendering import JsonRenderer
from smsgate.pages.error_pages import early_page, wants_page
from smsgate.web.asgi_types import Scope, Send
from smsgate.web.wsgi_bridge import Answer, File, wsgi_environ

# Larger answers are written in pieces, each when the client has taken the one before.
PIECE = 64 * KIB


async def send_answer(send: Send, answer: Answer) -> None:
    status, headers, content = answer
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if isinstance(content, bytes):
        for start in range(0, len(content) - PIECE, PIECE):
            piece = memoryview(content)[start : start + PIECE]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        start = max(0, len(content) - 1) // PIECE * PIECE
        await send({"type": "http.response.body", "body": content[start:]})
    else:
        await _send_file(send, content)


async def _send_file(send: Send, file: File) -> None:
    """Hold one piece of it, however slowly it is taken."""
    try:
        while piece := await asyncio.to_thread(file.read, PIECE):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        file.close()


async def send_json(send: Send, status: int, data: Any, *extra: tuple[bytes, bytes]) -> None:
    body = JsonRenderer().render(data)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *extra,
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_error(
    scope: Scope, send: Send, error: ApiError, *extra: tuple[bytes, bytes]
) -> None:
    """Answer an error as a client of this path reads it."""
    status, body = render_error(scope["path"], error)
    if error.retry_after is not None:
        extra += ((b"retry-after", str(error.retry_after).encode()),)
    await send_json(send, status, body, *extra)


async def refuse(scope: Scope, send: Send, error: ApiError) -> None:
    """Answer what is refused before Django sees it: a browser by a page."""
    request = WSGIRequest(wsgi_environ(scope, b""))
    if wants_page(request):
        await send_answer(send, await asyncio.to_thread(_page, request, error))
        return
    await send_error(scope, send, error)


def _page(request: WSGIRequest, error: ApiError) -> Answer:
    page = early_page(request, error)
    page["Content-Length"] = str(len(page.content))
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in page.items()]
    return page.status_code, headers, page.content
