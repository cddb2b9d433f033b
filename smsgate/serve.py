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
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from smsgate import config
from smsgate.parent import end_with_parent

# A program keeps its connection for a while; longer than the usual load balancer's 60 s.
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 20


class Protocol(HttpToolsProtocol):
    """What is no HTTP at all is refused in JSON, too: a space in a URL is soon written."""

    def send_400_response(self, msg: str) -> None:
        from http_api.errors import error_body
        from http_api.rendering import JsonRenderer

        body = JsonRenderer().render(error_body("malformed", f"{msg} Is the URL encoded?"))
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()


def uvicorn_config(application: Any, **options: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        proxy_headers=False,  # http_api.addresses knows which proxies to trust
        **options,
    )


class Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Long polls are answered first: else stopping would wait for them to run out."""
        from smsgate.asgi import application

        application.release_waiters()
        await super().shutdown(sockets)


def main() -> int:
    end_with_parent()
    settings = config.load()
    server = Server(
        uvicorn_config(
            "smsgate.asgi:application", host=settings.bind, port=settings.port, lifespan="on"
        )
    )
    listening = os.environ.pop("SMSGATE_LISTEN_FD", None)
    server.run(sockets=[socket.socket(fileno=int(listening))] if listening else None)
    return 0 if server.started else 3


if __name__ == "__main__":
    try:
        sys.exit(main())
    except config.ConfigError as error:
        sys.exit(f"smsgate: {error}")
