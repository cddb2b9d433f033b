"""`/mcp`: the Model Context Protocol for AI agents, where the package `mcp` is installed.

In front of it stands the key check, by the route that programs test their keys with: without a key
nobody sees which tools there are.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from http_api.body_limits import OTHER_BODY
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from smsgate.web.asgi_types import Receive, Scope, Send
from smsgate.web.responses import send_answer, send_json
from smsgate.web.wsgi_bridge import Answer

PATHS = frozenset({"/mcp", "/mcp/"})

Ask = Callable[[Scope, bytes], Awaitable[Answer]]


def is_installed() -> bool:
    return find_spec("mcp") is not None


class McpRoute:
    """The ASGI application behind `/mcp`. `ask` has Django answer one of our own requests."""

    def __init__(self, ask: Ask) -> None:
        from mcp.server.transport_security import TransportSecuritySettings

        from smsgate.web.mcp_tools import make_server

        self._ask = ask
        host = urlsplit(settings.PUBLIC_URL).netloc
        server = make_server(self._call)
        self._app = server.streamable_http_app(
            streamable_http_path="/mcp",
            stateless_http=True,
            json_response=True,
            max_request_body_size=OTHER_BODY,
            transport_security=TransportSecuritySettings(
                allowed_hosts=[host, "127.0.0.1:*", "localhost:*"]
            ),
        )
        self._manager = server.session_manager

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self._manager.run():
            yield

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer a request whose body was read."""
        if not any(name == b"authorization" for name, _ in scope["headers"]):
            words = "Send the licence key in the header `Authorization: Bearer <key>`."
            await send_json(send, 401, ApiError(ErrorCode.INVALID_KEY, words).body())
            return
        me = await self._ask(_own(scope, "GET", "/api/me/"), b"")
        if me[0] != 200:
            await send_answer(send, me)
            return
        await self._app({**scope, "path": "/mcp", "raw_path": b"/mcp"}, _replayed(body), send)

    async def _call(self, method: str, path: str, body: Any, authorization: str) -> tuple[int, Any]:
        from smsgate.web.mcp_tools import decoded

        content = b"" if body is None else json.dumps(body).encode()
        headers = [
            (b"authorization", authorization.encode("latin-1")),
            (b"content-type", b"application/json"),
        ]
        path, _, query = path.partition("?")
        scope = {**_INTERNAL, "method": method, "path": path, "query_string": query.encode()}
        status, _, answer = await self._ask(scope | {"headers": headers}, content)
        return status, decoded(answer if isinstance(answer, bytes) else b"")


# A request that this process makes of itself.
_INTERNAL: dict[str, Any] = {
    "type": "http", "http_version": "1.1", "scheme": "http", "client": ("127.0.0.1", 0),
    "server": ("127.0.0.1", 80),
}  # fmt: skip


def _own(scope: Scope, method: str, path: str) -> Scope:
    """Return a request of the same caller: its headers, but for those of its body."""
    headers = [(n, v) for n, v in scope["headers"] if not n.startswith(b"content-")]
    return {**scope, "method": method, "path": path, "query_string": b"", "headers": headers}


def _replayed(body: bytes) -> Receive:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if not messages:
            await asyncio.Event().wait()  # whether its client is still there is not asked
        return messages.pop()

    return receive
