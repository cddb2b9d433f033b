"""What strangers make the service hold: its memory under each flood, and a minute after the last."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import psutil

from bench.figures import Figure, figure
from bench.stack import Stack

MIB = 2**20
HELD_SECONDS = 8.0
REST_SECONDS = 60.0

_BUNDLE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"


def floods(stack: Stack) -> list[Figure]:
    peaks = {what: _peak(stack, flood) for what, flood in FLOODS.items()}
    worst = max(peaks, key=lambda what: peaks[what])
    time.sleep(REST_SECONDS)
    return [
        figure(
            "memory of the whole stack under the worst flood (PSS)",
            peaks[worst],
            unit="MiB",
            at_most=600,
            limit="; ".join(f"{what}: {peak:,.0f}" for what, peak in peaks.items()),
        ),
        figure("the same a minute later", _memory(stack), unit="MiB", at_most=380),
    ]


def _memory(stack: Stack) -> float:
    total = 0
    for process in stack.processes():
        with contextlib.suppress(psutil.NoSuchProcess):  # PostgreSQL's come and go
            total += process.memory_full_info().pss
    return total / MIB


def _peak(stack: Stack, flood: Callable[[int], None]) -> float:
    """Return the largest memory seen while the flood runs, in MiB."""
    seen, is_over = [_memory(stack)], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.2):
            seen.append(_memory(stack))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        flood(stack.port)
    finally:
        is_over.set()
        watcher.join()
    return max(seen)


@contextlib.contextmanager
def _connections(port: int, number: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=HELD_SECONDS))
            for _ in range(number)
        ]


def _say(peer: socket.socket, content: bytes) -> None:
    """Send as much of it as the server takes before it closes, or the time is over."""
    with contextlib.suppress(OSError):
        peer.sendall(content)


def _head(path: str, length: int) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()


def _dear_json(port: int) -> None:
    """Eight bulks of 8 MiB that are cheap to write and dear to read, at once."""
    items = b"[[[]]]," * (8 * MIB // 7 - 20)
    body = b'{"license__key":"ABCDEF","messages":[' + items + b"0]}"
    with _connections(port, 8) as peers:
        threads = [
            threading.Thread(
                target=_say, args=(peer, _head("/api/messages/bulk/", len(body)) + body)
            )
            for peer in peers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.recv(4096)


def _unread_answers(port: int) -> None:
    """300 connections that ask twice for the largest file and read nothing."""
    with _connections(port, 300) as peers:
        for peer in peers:
            _say(peer, f"GET {_BUNDLE} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 2)
        time.sleep(HELD_SECONDS)


def _unended_bodies(port: int) -> None:
    """60 bodies of 8 MiB that never end, to a bulk route and to none."""
    with _connections(port, 60) as peers:
        for number, peer in enumerate(peers):
            path = "/api/messages/bulk/" if number % 2 else "/api/nothing/here/bulk"
            peer.settimeout(0.5)
            _say(peer, _head(path, 8 * MIB) + b" " * (8 * MIB - 1000))
        time.sleep(HELD_SECONDS)


def _endless_trailer(port: int) -> None:
    with _connections(port, 1) as [peer]:
        _say(peer, b"POST /api/messages/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        _say(peer, b"1\r\n{\r\n0\r\nX: " + b"A" * (64 * MIB))


def _requests_ahead(port: int) -> None:
    """500 connections that send a hundred requests each and read nothing."""
    with _connections(port, 500) as peers:
        for peer in peers:
            peer.settimeout(0.2)
            _say(peer, b"GET /api/schema/ HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        time.sleep(HELD_SECONDS)


FLOODS: dict[str, Callable[[int], None]] = {
    "dear JSON": _dear_json,
    "unread answers": _unread_answers,
    "unended bodies": _unended_bodies,
    "endless trailer": _endless_trailer,
    "requests ahead": _requests_ahead,
}
