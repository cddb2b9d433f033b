"""A load generator that costs little: keep-alive sockets in one thread, requests as ready bytes.

It shares the machine with the service it measures, so each request that it makes cheaper leaves more
for the service; an HTTP library would cost more than the service does.
"""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


def request(
    path: str,
    body: Any = None,
    *,
    token: str | None = None,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return the bytes of one HTTP/1.1 request; `body` is sent as JSON."""
    content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(content)}"]
    if content:
        head.append("Content-Type: application/json")
    if token:
        head.append(f"Authorization: Bearer {token}")
    head += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


@dataclass
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def call(self, content: bytes) -> Answer:
        self.socket.sendall(content)
        while (answer := self.answer()) is None:
            self.read()
        return answer

    def read(self) -> None:
        chunk = self.socket.recv(1 << 16)
        if not chunk:
            raise ConnectionError("the service closed the connection")
        self.received += chunk

    def answer(self) -> Answer | None:
        """Return the next answer; None until all of it has been received."""
        head, separator, rest = self.received.partition(b"\r\n\r\n")
        if not separator:
            return None
        lines = head.lower().split(b"\r\n")
        length = next((int(n[15:]) for n in lines if n.startswith(b"content-length:")), 0)
        if len(rest) < length:
            return None
        self.received = rest[length:]
        return Answer(int(lines[0].split(b" ")[1]), rest[:length])

    def close(self) -> None:
        self.socket.close()


class Load(NamedTuple):
    """What was answered with 2xx: how many, how many a second, and in how many ms."""

    number: int
    rate: float
    p50: float
    p99: float


def hammer(port: int, requests: Iterator[bytes], *, clients: int, seconds: float) -> Load:
    """Let so many clients send for so long, each waiting for its answers.

    Raises RuntimeError for an answer that is not 2xx.
    """
    selector = selectors.DefaultSelector()
    connections = [Connection(port) for _ in range(clients)]
    sent_at: dict[Connection, float] = {}
    took: list[float] = []
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        sent_at[connection] = time.perf_counter()
        connection.socket.sendall(next(requests))
    began = time.perf_counter()
    while (elapsed := time.perf_counter() - began) < seconds:
        for key, _ in selector.select(1):
            connection = key.data
            connection.read()
            answer = connection.answer()
            if answer is None:
                continue
            if not 200 <= answer.status < 300:
                raise RuntimeError(f"{answer.status} {answer.body[:300]!r}")
            now = time.perf_counter()
            took.append((now - sent_at[connection]) * 1000)
            sent_at[connection] = now
            connection.socket.sendall(next(requests))
    for connection in connections:
        while connection.answer() is None:
            connection.read()
        connection.close()
    took.sort()
    return Load(len(took), len(took) / elapsed, took[len(took) // 2], took[len(took) * 99 // 100])
