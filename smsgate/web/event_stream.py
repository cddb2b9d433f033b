"""Waiting for events: `GET /api/events/?wait=`, `GET /api/events/stream/`, and the console's stream.

Who waits costs no thread. Each look is an ordinary request, of the feed or of a person's page, which
Django answers: key or session, scopes, filters and errors are its own. Between two looks a listener is
an object on the event loop (webhooks.listening).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from companion_api.wait import REST_SECONDS
from http_api.error_codes import ErrorCode
from http_api.errors import WRONG_METHOD, ApiError
from smsgate.web.asgi_types import Receive, Scope, Send
from smsgate.web.responses import send_answer, send_error
from smsgate.web.wsgi_bridge import Answer
from webhooks.listening import Listeners

_FEED = "/api/events/"
# Each stream, and what is asked at each look of it.
STREAMS = {
    "/api/events/stream/": _FEED,
    "/api/events/stream": _FEED,
    "/console/live/stream/": "/console/live/",
}
_PIECE = 100  # events of one look of a stream

# A comment is sent after so long a silence: proxies end connections on which nothing moves.
_KEEP_ALIVE_SECONDS = 15.0

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold it back
]


class Look(NamedTuple):
    """An answer of the feed, and for how many seconds its caller would rather wait."""

    answer: Answer
    account_id: int  # 0: the key was not right
    wait_seconds: int


Ask = Callable[[Scope, bool], Awaitable[Look]]  # True: the request was counted at an earlier look


class EventStream:
    """Holds the requests that wait, and looks again when there may be something."""

    def __init__(self, listeners: Listeners, ask: Ask) -> None:
        self._listeners, self._ask = listeners, ask

    async def wait(self, scope: Scope, receive: Receive, look: Look) -> Answer:
        """Return the answer as soon as a look finds something, or time is up, after one that did not.

        Raise ApiError `too_many_requests` where the account has too many listeners, and ConnectionError
        where the client went away.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + look.wait_seconds
        if self._listeners.is_closing:
            await asyncio.sleep(REST_SECONDS)
        scope = _asking(_FEED, scope, _query(scope) | {"after": str(_page(look)["after"])})
        async with self._listener(look.account_id, receive) as rest:
            while True:
                look = await self._ask(scope, True)
                left = deadline - loop.time()
                if not look.wait_seconds or left <= 0 or self._listeners.is_closing:
                    return look.answer
                await rest(left)

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events as they come, until the client goes away or this process stops."""
        if scope["method"] != "GET":
            error = ApiError(ErrorCode.METHOD_NOT_ALLOWED, WRONG_METHOD)
            await send_error(scope, send, error, (b"allow", b"GET"))
            return
        feed, query = STREAMS[scope["path"]], _start(scope)
        look = await self._ask(_asking(feed, scope, query), False)
        if look.answer[0] != 200:
            await send_answer(send, look.answer)
            return
        async with self._listener(look.account_id, receive) as rest:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            with suppress(ConnectionError):
                while not self._listeners.is_closing:
                    page = _page(look)
                    query["after"] = str(page["after"])
                    await send(_piece(_events(page)))
                    if not page["results"]:
                        await rest(_KEEP_ALIVE_SECONDS)
                    look = await self._ask(_asking(feed, scope, query), True)
            await send({"type": "http.response.body", "body": b""})

    @asynccontextmanager
    async def _listener(
        self, account_id: int, receive: Receive
    ) -> AsyncIterator[Callable[[float], Awaitable[None]]]:
        """Be woken by what is new of an account; raise ConnectionError where the client goes away."""
        woken = self._listeners.join(account_id)
        gone = asyncio.create_task(_disconnected(receive))

        async def rest(seconds: float) -> None:
            resting = asyncio.create_task(self._listeners.rest(woken, seconds))
            await asyncio.wait({resting, gone}, return_when=asyncio.FIRST_COMPLETED)
            resting.cancel()
            if gone.done():
                raise ConnectionError

        try:
            yield rest
        finally:
            gone.cancel()
            self._listeners.leave(account_id, woken)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1")))


def _start(scope: Scope) -> dict[str, str]:
    """Return the query that a stream begins with: after the event that its client had last,
    `Last-Event-ID`, or its `after`; without either with what comes from now on."""
    query = {"after": "latest"} | _query(scope)
    for name, value in scope["headers"]:
        if name == b"last-event-id" and value:
            query["after"] = value.decode("latin-1")
    return query | {"limit": str(_PIECE)}


def _asking(path: str, scope: Scope, query: dict[str, str]) -> Scope:
    return {**scope, "path": path, "query_string": urlencode(query).encode()}


def _page(look: Look) -> dict[str, Any]:
    """Return what a look found; where it failed by now, end: the client comes again and hears why."""
    status, _, content = look.answer
    if status != 200 or not isinstance(content, bytes):
        raise ConnectionError
    page: dict[str, Any] = json.loads(content)
    return page


def _events(page: dict[str, Any]) -> bytes:
    """Return them as server-sent events. The number goes with each, and alone where there are none: so
    what a filter leaves out is not looked through again."""
    if not page["results"]:
        return f"id: {page['after']}\n: nothing new\n\n".encode()
    return "".join(
        f"id: {event['id']}\nevent: {event['type']}\n"
        f"data: {json.dumps(event, ensure_ascii=False, separators=(',', ':'))}\n\n"
        for event in page["results"]
    ).encode()


def _piece(body: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": True}
