"""Between n8n and the service: an HTTP proxy that can lose an answer, as a network does."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class LosingProxy:
    port: int
    _to_lose: set[str] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lose_one_answer_of(self, *paths: str) -> set[str]:
        """Return the paths of which none was lost yet, as it changes."""
        self._to_lose |= set(paths)
        return self._to_lose

    def loses(self, path: str) -> bool:
        is_next = path in self._to_lose
        self._to_lose.discard(path)
        return is_next


@contextmanager
def losing_proxy(upstream: str) -> Iterator[LosingProxy]:
    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(urlsplit(upstream).netloc, timeout=60)
            connection.request(self.command, self.path, body, dict(self.headers))
            with connection.getresponse() as response:
                told = response.read()
            connection.close()
            if proxy.loses(self.path):
                return  # the connection ends without a word
            self.send_response(response.status)
            self.send_header("Content-Type", response.getheader("Content-Type", ""))
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_DELETE = _pass_on  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy = LosingProxy(server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
