"""The ASGI root: long polls are native async, everything else is Django's WSGI handler in a pool.

Why not Django's own ASGI handler: it opens a connection per request and is several times slower
(docs/adr/0001-asgi-root.md). Here a request is buffered whole, bounded by its route's limit, and
handed to one of a fixed number of threads whose database connections are kept.
"""

from __future__ import annotations

import asyncio
import gc
import io
import os
import re
import select
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsgate.settings")

from django.conf import settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import (
    DatabaseError,
    InterfaceError,
    close_old_connections,
    connection,
    reset_queries,
)

django_application = get_wsgi_application()

from companion_api.wait import Waiters
from dialects.middleware import in_their_words
from http_api.errors import STATUS_BY_CODE, WRONG_METHOD, Refusal, error_body, incident
from http_api.limits import body_limit
from http_api.middleware import too_large_body
from http_api.rendering import JsonRenderer
from smsgate.startup import prepare

# Django looks after connections at the start and the end of each request; here it is done once, before
# a thread uses its connection for anything, in `_on_a_live_connection`.
request_started.disconnect(reset_queries)
request_started.disconnect(close_old_connections)
request_finished.disconnect(close_old_connections)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Slow senders: a body must be complete after so many seconds.
BODY_SECONDS = 60.0

# Under WSGI `X_Forwarded_For` merges with `X-Forwarded-For`, so headers with underscores are
# dropped but for the three that smSend's clients are required to send.
_UNDERSCORED = frozenset({b"user_key", b"session_key", b"access_token"})

_BOUNDARY = re.compile(r';\s*boundary=("[^"]*"|[^";\s]+)', re.IGNORECASE)

WAIT_PATHS = frozenset({"/companion/wait/", "/companion/wait"})


class Root:
    """The application that uvicorn serves."""

    def __init__(self) -> None:
        threads: int = settings.CONFIG.web_threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")
        # Long polls look at the queue in threads of their own: they must not wait behind requests.
        self._lookers = ThreadPoolExecutor(2, thread_name_prefix="wait")
        self._waiters = Waiters(self._look)

    def release_waiters(self) -> None:
        self._waiters.release()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_long_poll = scope["path"] in WAIT_PATHS
        try:
            await (self._wait if is_long_poll else self._request)(scope, receive, send)
        except Exception:  # a bug outside Django, which answers for its own
            await _send_json(send, 500, incident())

    async def _look(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(
            self._lookers, _on_a_live_connection, function, *arguments
        )

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, prepare)
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        _spare_the_collector()
        self._waiters.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._waiters.stop()
        self._pool.shutdown()
        self._lookers.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    # --- everything but long polls ---------------------------------------------------------------

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = body_limit(scope["path"])
        try:
            body = None
            if _announced_length(scope) <= limit:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _read_body(receive, limit)
        except TimeoutError:
            await self._refuse(
                scope, send, 408, error_body("timeout", "The body did not arrive in time.")
            )
            return
        except ConnectionError:  # the client went away in the middle: nothing was accepted
            return
        if body is None:
            await self._refuse(scope, send, 413, too_large_body(limit))
            return
        status, headers, chunks = await asyncio.get_running_loop().run_in_executor(
            self._pool, _on_a_live_connection, _call_django, scope, body
        )
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": chunks})

    async def _refuse(self, scope: Scope, send: Send, status: int, body: dict[str, Any]) -> None:
        """What is refused before Django sees it, in the words of the client's dialect."""
        status, body = in_their_words(scope["path"], status, body)
        await _send_json(send, status, body)

    # --- long polls ------------------------------------------------------------------------------

    async def _wait(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await _send_error(send, 405, "method_not_allowed", WRONG_METHOD, (b"allow", b"GET"))
            return
        waiting = asyncio.create_task(self._waiters.wait(_bearer_token(scope)))
        gone = asyncio.create_task(_disconnected(receive))
        await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not waiting.done():
            waiting.cancel()
            return
        try:
            is_ready = waiting.result()
        except Refusal as refusal:
            status = STATUS_BY_CODE[refusal.code]
            await _send_error(send, status, refusal.code, refusal.message)
            return
        except (DatabaseError, InterfaceError):
            words = "The database does not answer."
            await _send_error(send, 503, "unavailable", words, (b"retry-after", b"2"))
            return
        if is_ready:
            await _send_json(send, 200, {"ready": True})
        else:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})


def _spare_the_collector() -> None:
    """Python's cycle collector walks all that lives each time a bulk has made many objects: a third of
    its time. What is there at the start stays for good and need not be walked."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


def _on_a_live_connection(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in this thread, on its kept database connection if that still lives.

    A connection at rest has nothing to read but the end that a restarted PostgreSQL has sent.
    """
    connection.close_if_unusable_or_obsolete()  # after an error
    kept = connection.connection
    if kept is not None and (kept.closed or select.select([kept], [], [], 0)[0]):
        connection.close()
    return function(*arguments)


def _announced_length(scope: Scope) -> int:
    """What `Content-Length` says (uvicorn has checked that it is a number); 0 where it is absent."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value)
    return 0


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None where it is larger than `limit` bytes."""
    chunks: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ConnectionError
        chunk = event.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        if not event.get("more_body"):
            return b"".join(chunks)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _bearer_token(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if scheme.lower() == "bearer" else ""
    return ""


async def _send_json(send: Send, status: int, data: Any, *extra: tuple[bytes, bytes]) -> None:
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


async def _send_error(
    send: Send, status: int, code: str, message: str, *extra: tuple[bytes, bytes]
) -> None:
    await _send_json(send, status, error_body(code, message), *extra)


# --- ASGI to WSGI ----------------------------------------------------------------------------------


def _call_django(scope: Scope, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """One request through Django, in a thread. Answers are small enough to be built whole."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started[:] = [int(status.split(" ", 1)[0]), headers]

    response: Iterable[bytes] = django_application(_environ(scope, body), start_response)
    try:
        content = b"".join(response)
    finally:
        close = getattr(response, "close", None)
        if close is not None:
            close()
    status, headers = started
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if status not in {204, 304} and b"content-length" not in dict(encoded):
        # else uvicorn would send it in chunks, which small clients cannot read
        encoded.append((b"content-length", str(len(content)).encode()))
    return status, encoded, b"" if scope["method"] == "HEAD" else content


def _environ(scope: Scope, body: bytes) -> dict[str, Any]:
    server = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 80),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        if b"_" in raw_name and raw_name.lower() not in _UNDERSCORED:
            continue
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        key = name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if "CONTENT_TYPE" in environ:
        environ["CONTENT_TYPE"] = _content_type(environ["CONTENT_TYPE"])
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _content_type(given: str) -> str:
    """The media type, and a multipart's boundary. Of other parameters nothing is wanted: bodies are
    UTF-8 whatever a charset says, and Django fails on some before it can answer."""
    kind = given.partition(";")[0].strip()
    boundary = _BOUNDARY.search(given)
    return f"{kind}; boundary={boundary[1]}" if boundary else kind


application = Root()
