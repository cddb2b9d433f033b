"""The web process: uvicorn on the ASGI root. `python -m smsgate.web.serve`

Listens on BIND:PORT, or on the socket that the supervisor has bound and passes by
SMSGATE_LISTEN_FD, so that a restart refuses no connection. With a TLS_PORT it listens there as well,
with its own certificate (smsgate.web.self_signed_tls).
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any

import uvicorn

from smsgate import config
from smsgate.supervisor.parent import end_with_parent
from smsgate.web import self_signed_tls
from smsgate.web.connection_limits import ConnectionLimits
from smsgate.web.http_protocol import HEAD_SECONDS, Protocol

# A program keeps its connection for a while; longer than the usual load balancer's 60 s.
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 20

# What the process may open besides connections of clients: the database, Redis, files that are sent.
OTHER_FILES = 200

Tls = tuple[socket.socket, ssl.SSLContext]


class Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, tls: Tls | None) -> None:
        super().__init__(config)
        self._tls = tls

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

    def _protocol(self) -> asyncio.Protocol:
        """As uvicorn makes it for the sockets that it knows."""
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Long polls are answered first: else stopping would wait for them to run out."""
        from smsgate.web.asgi import application

        application.release_waiters()
        await super().shutdown(sockets)


def _tls(settings: config.Config) -> Tls | None:
    if not settings.tls_port:
        return None
    passed = os.environ.pop("SMSGATE_TLS_FD", None)
    if passed is not None:
        listener = socket.socket(fileno=int(passed))
    else:
        family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
        listener = socket.create_server((settings.bind, settings.tls_port), family=family)
    return listener, self_signed_tls.server_context(settings)


def server_config(app: Any = "smsgate.web.asgi:application", **options: Any) -> uvicorn.Config:
    """Return the web process's uvicorn configuration; tests serve with it too."""
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


def main() -> int:
    end_with_parent()
    ConnectionLimits.max_open = connections_allowed()
    settings = config.load()
    server = Server(
        server_config(host=settings.bind, port=settings.port, lifespan="on"), _tls(settings)
    )
    listening = os.environ.pop("SMSGATE_LISTEN_FD", None)
    server.run(sockets=[socket.socket(fileno=int(listening))] if listening else None)
    return 0 if server.started else 3


if __name__ == "__main__":
    try:
        sys.exit(main())
    except config.ConfigError as error:
        sys.exit(f"smsgate: {error}")
