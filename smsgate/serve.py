"""The web process: uvicorn on the ASGI root. `python -m smsgate.serve`

Listens on BIND:PORT, or on the socket that the supervisor has bound and passes by
SMSGATE_LISTEN_FD, so that a restart refuses no connection. With a TLS_PORT it listens there as well,
with its own certificate (smsgate.own_tls).
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any

import uvicorn

from smsgate import config, own_tls
from smsgate.http_protocol import Protocol
from smsgate.parent import end_with_parent

# A program keeps its connection for a while; longer than the usual load balancer's 60 s.
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 20

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
                await loop.create_server(self._protocol, sock=listener, ssl=context, backlog=2048)
            )

    def _protocol(self) -> asyncio.Protocol:
        """As uvicorn makes it for the sockets that it knows."""
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Long polls are answered first: else stopping would wait for them to run out."""
        from smsgate.asgi import application

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
    return listener, own_tls.server_context(settings)


def server_config(app: Any = "smsgate.asgi:application", **options: Any) -> uvicorn.Config:
    """How the web process serves; tests serve in the same way."""
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


def main() -> int:
    end_with_parent()
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
