"""The web processes: uvicorn on the ASGI root. `python -m smsgate.web.serve`

WEB_PROCESSES of them listen on BIND:PORT, or on the sockets that the supervisor has opened and passes by
SMSGATE_LISTEN_FDS, so that a restart refuses no connection. With a TLS_PORT they listen there as well,
with their own certificate (smsgate.web.self_signed_tls).
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import socket
import ssl
import sys
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import uvicorn

from smsgate import config
from smsgate.supervisor import listeners, parent
from smsgate.supervisor.parent import CANNOT_START, end_with_parent
from smsgate.web import draining, self_signed_tls
from smsgate.web.connection_limits import ConnectionLimits
from smsgate.web.http_protocol import HEAD_SECONDS, Protocol
from smsgate.web.processes import Processes

if TYPE_CHECKING:
    from smsgate.web.asgi import Root

logger = logging.getLogger(__name__)

# A program keeps its connection for a while; longer than the usual load balancer's 60 s.
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 20

_TICKS_A_SECOND = 10  # of uvicorn's main loop

# What the process may open besides connections of clients: the database, Redis, files that are sent.
OTHER_FILES = 200

Tls = tuple[socket.socket, ssl.SSLContext]


class Server(uvicorn.Server):
    def __init__(self, root: Root, tls: Tls | None, drain_seconds: int) -> None:
        super().__init__(server_config(root, lifespan="on"))
        self._root, self._tls, self._drain_seconds = root, tls, drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._tls is not None:
            listener, context = self._tls
            loop = asyncio.get_running_loop()
            self.servers.append(
                await loop.create_server(
                    self._protocol,
                    sock=listener,
                    ssl=context,
                    ssl_handshake_timeout=HEAD_SECONDS,
                    backlog=2048,
                )
            )
        parent.say_ready()

    def _protocol(self) -> asyncio.Protocol:
        """As uvicorn makes it for the sockets that it knows."""
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def main_loop(self) -> None:
        await super().main_loop()
        await self._drain()

    async def _drain(self) -> None:
        """Go on answering for DRAIN_SECONDS, in which no balancer and no client finds a closed door.
        Long polls are answered at once: else stopping would wait for them to run out."""
        draining.begin()
        self._root.release_waiters()
        for tick in range(self._drain_seconds * _TICKS_A_SECOND):
            if self.force_exit:
                break
            await self.on_tick(tick)  # the date that answers carry
            await asyncio.sleep(1 / _TICKS_A_SECOND)


def server_config(app: Any, **options: Any) -> uvicorn.Config:
    """Return a web process's uvicorn configuration; tests serve with it too."""
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        proxy_headers=False,  # http_api.addresses knows which proxies to trust
        **options,
    )


def connections_allowed() -> int:
    """Raise the soft limit of open files to the hard one; return how many connections that allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = ConnectionLimits.max_open + OTHER_FILES if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return min(ConnectionLimits.max_open, max(files // 2, files - OTHER_FILES))


def _listeners(settings: config.Config) -> tuple[list[socket.socket], list[Tls | None]]:
    """Return for each process its socket, and the one for TLS."""
    plain = listeners.passed("SMSGATE_LISTEN_FDS") or listeners.open_all(
        settings.bind, settings.port, settings.web_processes
    )
    if not settings.tls_port:
        return plain, [None] * len(plain)
    for_tls = listeners.passed("SMSGATE_TLS_FDS") or listeners.open_all(
        settings.bind, settings.tls_port, len(plain)
    )
    context = self_signed_tls.server_context(settings)
    return plain, [(listener, context) for listener in for_tls]


def main() -> int:
    ConnectionLimits.max_open = connections_allowed()
    settings = config.load()
    plain, for_tls = _listeners(settings)

    def serve(number: int) -> int:
        return _serve(plain[number], for_tls[number], settings.drain_seconds)

    if len(plain) == 1:
        end_with_parent()
        return _prepare() or serve(0)
    with tempfile.TemporaryDirectory(prefix="smsgate-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # before http_api.metrics is imported
        from smsgate.web.asgi import load_routes

        load_routes()  # once, before there are several
        return Processes(len(plain), _prepare, serve).run()


def _prepare() -> int:
    from smsgate.web.asgi import prepare_database

    try:
        prepare_database()
    except Exception as error:
        logger.error("%s", error)
        return CANNOT_START
    return 0


def _serve(plain: socket.socket, tls: Tls | None, drain_seconds: int) -> int:
    from smsgate.web.asgi import Root  # sets Django up

    server = Server(Root(), tls, drain_seconds)
    server.run(sockets=[plain])
    return 0 if server.started else CANNOT_START


if __name__ == "__main__":
    try:
        sys.exit(main())
    except config.ConfigError as error:
        sys.exit(f"smsgate: {error}")
