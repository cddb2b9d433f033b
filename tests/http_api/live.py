"""A live server on a real socket, and clients that speak to it byte by byte."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from smsgate.web.asgi import Root
from smsgate.web.serve import server_config


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json", self
        return json.loads(self.body)


class Wire:
    """One connection to the server, byte by byte."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, *, has_body: bool = True) -> Answer:
        line = self.file.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        headers: dict[str, str] = {}
        while (header := self.file.readline().rstrip()) != b"":
            name, _, value = header.decode("latin-1").partition(": ")
            headers[name.lower()] = value
        length = int(headers.get("content-length", 0)) if has_body else 0
        return Answer(int(line.split()[1]), headers, self.file.read(length))

    def request(
        self, method: str, path: str, body: bytes = b"", *headers: str, length: bool = True
    ) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", "Host: sms.example.org", *headers]
        if length and (body or method == "POST"):
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode() + body)
        return self.answer(has_body=method != "HEAD")

    def post(self, path: str, data: Any, *headers: str) -> Answer:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return self.request("POST", path, body, *headers)


class Server:
    def __init__(self, port: int, root: Root) -> None:
        self.port = port
        self.root = root

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        wire = Wire(self.port)
        try:
            yield wire
        finally:
            wire.file.close()
            wire.socket.close()

    def post(self, path: str, data: Any, *headers: str) -> Answer:
        with self.wire() as wire:
            return wire.post(path, data, *headers)

    def request(self, method: str, path: str, body: bytes = b"", *headers: str) -> Answer:
        with self.wire() as wire:
            return wire.request(method, path, body, *headers)


@pytest.fixture(scope="session")
def server(django_db_setup: None) -> Iterator[Server]:
    with running_server() as found:
        yield found


class _Running(uvicorn.Server):
    """As smsgate.web.serve stops: who waits is let go first."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.release_waiters()  # type: ignore[union-attr] # a Root
        await super().shutdown(sockets)


@contextmanager
def running_server() -> Iterator[Server]:
    """uvicorn as smsgate.web.serve runs it, in a thread, on the database of the tests."""
    root = Root()
    listening = socket.create_server(("127.0.0.1", 0))
    # The database is ready, and nobody waits here: no lifespan.
    running = _Running(server_config(root, lifespan="off"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    yield Server(listening.getsockname()[1], root)
    running.should_exit = True
    thread.join(20)
    for pool in (root._pool, root._lookers):
        pool.shutdown()  # their connections end, too: the database is about to be dropped
    assert not thread.is_alive(), "it does not stop"
