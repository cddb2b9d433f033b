"""The web process: uvicorn on the ASGI root. `python -m smsgate.serve`

Listens on BIND:PORT, or on the socket that the supervisor has bound and passes by
SMSGATE_LISTEN_FD, so that a restart refuses no connection.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

import uvicorn

from smsgate import config
from smsgate.http_protocol import Protocol
from smsgate.parent import end_with_parent

# A program keeps its connection for a while; longer than the usual load balancer's 60 s.
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 20


class Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Long polls are answered first: else stopping would wait for them to run out."""
        from smsgate.asgi import application

        application.release_waiters()
        await super().shutdown(sockets)


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
    server = Server(server_config(host=settings.bind, port=settings.port, lifespan="on"))
    listening = os.environ.pop("SMSGATE_LISTEN_FD", None)
    server.run(sockets=[socket.socket(fileno=int(listening))] if listening else None)
    return 0 if server.started else 3


if __name__ == "__main__":
    try:
        sys.exit(main())
    except config.ConfigError as error:
        sys.exit(f"smsgate: {error}")
