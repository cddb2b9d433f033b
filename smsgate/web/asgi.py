"""The ASGI root: long polls are native async, everything else is Django's WSGI handler in a pool.

Why not Django's own ASGI handler: it opens a connection per request and is several times slower
(docs/adr/0001-asgi-root.md). Here a request is buffered whole, bounded by its route's limit, and
handed to one of a fixed number of threads whose database connections are kept. Callers are served in
turns (docs/adr/0011-callers-are-served-in-turns.md).
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from django.urls import get_resolver

from http_api.error_codes import ErrorCode
from smsgate.web.wsgi_bridge import Answer, call_django, wsgi_environ  # first: it sets Django up

# isort: split
from companion_api.wait import Waiters
from http_api.body_limits import LARGE_BODIES, OTHER_BODY, SMALL_BODIES, too_large
from http_api.errors import WRONG_METHOD, ApiError, incident
from http_api.patience import without_waiting
from licenses.authentication import ACCOUNT, COUNTED
from messaging.services import timelines
from smsgate.paths import body_limit
from smsgate.web import draining, mcp_route
from smsgate.web.asgi_types import Receive, Scope, Send
from smsgate.web.callers import Callers
from smsgate.web.event_stream import STREAMS, EventStream, Look
from smsgate.web.fair_pool import FairPool, TooLate
from smsgate.web.in_flight import InFlight
from smsgate.web.lanes import LOOKERS, NEW_PHONES, PHONES, Lanes
from smsgate.web.mcp_route import McpRoute
from smsgate.web.request_body import announced_length, read_body
from smsgate.web.responses import refuse, send_answer, send_error, send_json
from smsgate.web.startup import prepare, warn_of_settings
from smsgate.web.web_database import bound_waiting, on_a_live_connection
from webhooks.listening import Listeners
from webhooks.views import WAIT_SECONDS

WAIT_PATHS = frozenset({"/companion/wait/", "/companion/wait"})
READY_PATHS = frozenset({"/readyz/", "/readyz"})

# GIL switch interval. A request takes the GIL a dozen times and waits this long for each busy thread
# before it: Python's default of 5 ms would let others' load dominate its latency.
_SWITCH_SECONDS = 0.001


# Connections to PostgreSQL beside those of web processes: of the worker, beat and a backup.
OTHER_CONNECTIONS = 11


def load_routes() -> None:
    """Load what Django loads at the first request: all views, forms and the admin."""
    get_resolver().url_patterns  # noqa: B018


def prepare_database() -> None:
    """Check and do what must be so before the first request. Raises what stops the start."""
    prepare()
    each = settings.WEB_THREADS + LOOKERS
    warn_of_settings(settings.WEB_PROCESSES * each + OTHER_CONNECTIONS)
    connections.close_all()


class Root:
    """The application that uvicorn serves, on a database that is prepared."""

    def __init__(self) -> None:
        threads: int = settings.WEB_THREADS
        self._lanes, self._callers = Lanes(threads), Callers()
        self._pool = FairPool(threads, "web", at_end=connections.close_all)
        self._lookers = FairPool(LOOKERS, "wait", at_end=connections.close_all)
        self._waiters = Waiters(self._look)
        self._listeners = Listeners()
        self._events = EventStream(self._listeners, self._look_at_feed)
        self._mcp = McpRoute(self._answer_of) if mcp_route.is_installed() else None
        self._small, self._large = InFlight(SMALL_BODIES), InFlight(LARGE_BODIES)

    def release_waiters(self) -> None:
        self._waiters.release()
        self._listeners.release()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._request
        if draining.has_begun() and scope["path"] in READY_PATHS:
            answer = _is_draining
        elif scope["path"] in WAIT_PATHS:
            answer = self._wait
        elif scope["path"] in STREAMS:
            answer = self._events.stream
        elif self._mcp is not None and scope["path"] in mcp_route.PATHS:
            answer = partial(self._agent, self._mcp)
        try:
            await answer(scope, receive, send)
        except ApiError as error:
            await refuse(scope, send, error)
        except TooLate:
            words = "The server has too much to do; try again in 5 s. Nothing was accepted."
            await refuse(scope, send, ApiError(ErrorCode.UNAVAILABLE, words, retry_after=5))
        except Exception:  # a bug outside Django, which answers for its own
            await send_error(scope, send, incident())
        except asyncio.CancelledError:  # it takes longer than the server waits at its end
            words = "The server is stopping: try again."
            await send_error(scope, send, ApiError(ErrorCode.UNAVAILABLE, words, retry_after=2))

    async def _look(self, turn: Hashable, is_known: bool, look: Callable[[], Any]) -> Any:
        lane = PHONES if is_known else NEW_PHONES
        return await self._lookers.submit(lane, turn, partial(on_a_live_connection, look))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        bound_waiting()
        timelines.watch()
        _spare_the_collector()
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._waiters.start()
        self._listeners.start()
        async with self._mcp.running() if self._mcp else nullcontext():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await self._waiters.stop()
        await self._listeners.stop()
        self._pool.shutdown()
        self._lookers.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    # --- everything but long polls ---------------------------------------------------------------

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            look = await self._handle(scope, receive)
            wants_to_wait = look.wait_seconds and look.account_id
            answer = await self._events.wait(scope, receive, look) if wants_to_wait else look.answer
        except ConnectionError:  # the client went away in the middle: nothing was accepted
            return
        await send_answer(send, answer)

    async def _handle(self, scope: Scope, receive: Receive) -> Look:
        """Read the body and let Django answer, in a thread.

        Raises ApiError where the body is too large, too slow or one too many, and ConnectionError.
        """
        length = announced_length(scope)
        is_small = length is not None and length <= OTHER_BODY
        limit = OTHER_BODY if is_small else body_limit(scope["path"])
        if length is not None and length > limit:
            raise too_large(limit)
        with (self._small if limit <= OTHER_BODY else self._large).share() as share:
            body = await read_body(receive, limit, share)
            return await self._answered(scope, body)

    async def _agent(self, mcp: McpRoute, scope: Scope, receive: Receive, send: Send) -> None:
        with self._small.share() as share:
            await mcp.answer(scope, await read_body(receive, OTHER_BODY, share), send)

    async def _answer_of(self, scope: Scope, body: bytes) -> Answer:
        return (await self._answered(scope, body)).answer

    async def _look_at_feed(self, scope: Scope, is_counted: bool) -> Look:
        return await self._answered(scope, b"", is_counted=is_counted)

    async def _answered(self, scope: Scope, body: bytes, *, is_counted: bool = False) -> Look:
        """Return Django's answer. A request that others would have to wait for is undone and run again
        in the next of its lanes; in the last one, of bulks, it waits for its own account only."""
        caller = self._callers.identify(scope, body)
        environ = wsgi_environ(scope, body) | ({COUNTED: True} if is_counted else {})
        work = partial(on_a_live_connection, call_django, environ)
        *lanes, last = self._lanes.of(scope, caller, body)
        for lane in lanes:
            answer: Answer | None = await self._pool.submit(
                lane, caller.turn, partial(without_waiting, work)
            )
            if answer is not None:
                break
        else:
            answer = await self._pool.submit(last, environ.get(ACCOUNT, caller.turn), work)
        if (account_id := environ.get(ACCOUNT)) is not None:
            self._callers.remember(caller, account_id)
        return Look(answer, account_id or 0, environ.get(WAIT_SECONDS, 0))

    # --- long polls ------------------------------------------------------------------------------

    async def _wait(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            error = ApiError(ErrorCode.METHOD_NOT_ALLOWED, WRONG_METHOD)
            await send_error(scope, send, error, (b"allow", b"GET"))
            return
        token, caller = _bearer_token(scope), self._callers.identify(scope)
        waiting = asyncio.create_task(self._waiters.wait(token, caller.turn))
        gone = asyncio.create_task(_disconnected(receive))
        await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not waiting.done():
            waiting.cancel()
            return
        try:
            is_ready = waiting.result()
        except ApiError as error:
            await send_error(scope, send, error)
            return
        except (DatabaseError, InterfaceError):
            words = "The database does not answer."
            await send_error(scope, send, ApiError(ErrorCode.UNAVAILABLE, words, retry_after=2))
            return
        if is_ready:
            await send_json(send, 200, {"ready": True})
        else:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})


def _spare_the_collector() -> None:
    """Python's cycle collector walks all that lives each time a bulk has made many objects: a third of
    its time. What is there at the start stays for good and need not be walked."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


async def _is_draining(scope: Scope, receive: Receive, send: Send) -> None:
    words = "This process is stopping: ask another."
    await send_error(scope, send, ApiError(ErrorCode.UNAVAILABLE, words, retry_after=2))


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _bearer_token(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if scheme.lower() == "bearer" else ""
    return ""
