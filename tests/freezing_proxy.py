"""A TCP proxy in front of a real server (PostgreSQL, Redis, anything), for tests of what networks do.

    with freezing_proxy(("127.0.0.1", 5432)) as proxy:   # or the path of a Unix socket
        connect(proxy.port)
        proxy.freeze()    # nothing moves, nothing closes: a stopped server, a full disk, a paused VM
        proxy.thaw()      # what was on its way arrives now
        proxy.lose()      # the connections of now are dead and nobody is told; new ones work
        proxy.reset()     # the connections of now end with RST; new ones work
        proxy.refuse()    # RST for all, and nobody listens, until `thaw`

It runs on an event loop in a thread of its own, so that tests and servers may block.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Address = str | tuple[str, int]  # a Unix socket's path, or host and port

_CHUNK = 1 << 16


class _Link:
    """One client's connection, and ours to the server for it."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.client = client
        self.server: asyncio.StreamWriter | None = None
        self.is_lost = False

    def reset(self) -> None:
        """End the client's side with RST: close(2) sends it where nothing may linger (socket(7))."""
        sock = self.client.get_extra_info("socket")
        if sock is not None:  # None under TLS once the client itself has closed
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.transport.abort()
        if self.server is not None:
            self.server.transport.abort()


class FreezingProxy:
    """Made by `freezing_proxy`. Its methods return when they are in force."""

    def __init__(self, upstream: Address, tls: ssl.SSLContext | None) -> None:
        self._upstream, self._tls = upstream, tls
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self.port = 0
        self.accepted = 0  # connections since the start

    # --- what a test says ------------------------------------------------------------------------

    def freeze(self) -> None:
        self._do(self._flows.clear)

    def thaw(self) -> None:
        self._do(self._flows.set)
        self._run(self._listen())

    def lose(self) -> None:
        def all_of_now() -> None:
            for link in self._links:
                link.is_lost = True

        self._do(all_of_now)

    def reset(self) -> None:
        def all_of_now() -> None:
            for link in list(self._links):
                link.reset()

        self._do(all_of_now)

    def refuse(self) -> None:
        def nobody_listens() -> None:
            if self._listener is not None:
                self._listener.close()
                self._listener = None

        self._do(nobody_listens)
        self.reset()

    @property
    def open_connections(self) -> int:
        return len(self._links)

    def url(self, given: str) -> str:
        """A URL of PostgreSQL or Redis, led through here."""
        parts = urlsplit(given)
        query = {key: value for key, value in parse_qsl(parts.query) if key == "db"}
        path = parts.path
        scheme = parts.scheme
        if scheme == "unix":  # redis-py: the path is the socket's
            scheme, path = "redis", f"/{query.get('db', 0)}"
        credentials = parts.netloc.rpartition("@")[0]
        return f"{scheme}://{credentials}@127.0.0.1:{self.port}{path}"

    # --- its thread --------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._listen())

    def stop(self) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _do(self, change: Callable[[], Any]) -> None:
        async def in_the_loop() -> None:
            change()

        self._run(in_the_loop())

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(
                self._serve, "127.0.0.1", self.port, ssl=self._tls
            )
            self.port = self._listener.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for link in list(self._links):
            link.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- a connection ------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        link = _Link(writer)
        self._links.add(link)
        self.accepted += 1
        try:
            await self._pass_on(link, reader)
        except (OSError, asyncio.CancelledError):
            pass  # an end of it went away: so does the other
        finally:
            self._links.discard(link)
            link.client.transport.abort()
            if link.server is not None:
                link.server.transport.abort()

    async def _pass_on(self, link: _Link, reader: asyncio.StreamReader) -> None:
        await self._flows.wait()
        if isinstance(self._upstream, str):
            answers, link.server = await asyncio.open_unix_connection(self._upstream)
        else:
            answers, link.server = await asyncio.open_connection(*self._upstream)
        ways = [
            asyncio.create_task(self._pump(link, reader, link.server)),
            asyncio.create_task(self._pump(link, answers, link.client)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        with contextlib.suppress(OSError):
            await link.client.drain()

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One direction, until its sender closes. Of a lost connection only the client's end is seen."""
        while True:
            data = await reader.read(_CHUNK)
            await self._flows.wait()
            is_from_server = writer is link.client
            if link.is_lost and data:
                continue
            if link.is_lost and is_from_server:
                await asyncio.Event().wait()  # its end is not told
            if not data:
                return
            writer.write(data)
            await writer.drain()


@contextmanager
def freezing_proxy(upstream: Address, tls: ssl.SSLContext | None = None) -> Iterator[FreezingProxy]:
    """In front of that server; with `tls` it speaks TLS to clients, and plain text behind."""
    proxy = FreezingProxy(upstream, tls)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


def address_of(url: str) -> Address:
    """Where the server of this URL of PostgreSQL or Redis listens."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return unquote(parts.path)
    host = dict(parse_qsl(parts.query)).get("host", parts.hostname or "127.0.0.1")
    if host.startswith("/"):
        return f"{host}/.s.PGSQL.{parts.port or 5432}"
    return host, parts.port or (5432 if parts.scheme.startswith("postgres") else 6379)
