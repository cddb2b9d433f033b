"""What it costs to be listened to, and how fast events leave."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.creates import CLIENTS, new_message
from bench.figures import Figure, figure, ratio
from bench.http import Connection, hammer, request
from bench.phones import allow_many_files, is_quiet
from bench.stack import Stack

_ANSWER = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
EVENTS = 10_000


class Receiver:
    """A healthy endpoint that costs next to nothing, on an event loop of its own."""

    def __init__(self) -> None:
        self.count = 0
        self.port = 0

    async def serve(self, is_up: threading.Event, stop: threading.Event) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        is_up.set()
        async with server:
            await asyncio.to_thread(stop.wait)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length:")[2].split(b"\r\n")[0]
                await reader.readexactly(int(length))
                self.count += 1
                writer.write(_ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@contextmanager
def receiver() -> Iterator[Receiver]:
    found, is_up, stop = Receiver(), threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(found.serve(is_up, stop)))
    thread.start()
    is_up.wait()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def _subscribe(stack: Stack, account: dict[str, Any], url: str, *events: str) -> None:
    body = {"url": url, "events": list(events)}
    call = request("/api/webhooks/", body, token=account["license_key"])
    answer = Connection(stack.port).call(call)
    assert answer.status == 201, answer.body


def accept(stack: Stack, *, rounds: int, seconds: float) -> Figure:
    """Single creates of an account whose events are kept, beside one that nobody listens to."""
    silent, heard = stack.account(), stack.account()
    _subscribe(stack, heard, "http://127.0.0.1:9/", "device.silent")
    rates: dict[str, list[float]] = {"silent": [], "heard": []}
    for name, account in itertools.cycle((("silent", silent), ("heard", heard))):
        load = hammer(stack.port, _singles(account), clients=CLIENTS, seconds=seconds)
        rates[name].append(load.rate)
        if len(rates["heard"]) > rounds:  # the first ones warm up
            break
    return ratio(
        "single create with webhooks on", rates["heard"][1:], rates["silent"][1:], unit="/s",
        limit="with webhooks off", at_least=0.9,
    )  # fmt: skip


def _singles(account: dict[str, Any]) -> Iterator[bytes]:
    while True:
        yield request("/api/messages/", {"license__key": account["license_key"], **new_message()})


def heard(stack: Stack, *, rounds: int) -> list[Figure]:
    """From accepted to in a listener's hands, alone and among 2,000 of other accounts."""
    account = stack.account()
    alone = _heard(stack, account, rounds)
    memory = stack.web_memory()
    waiting = _listeners(stack)
    among = _heard(stack, account, rounds)
    each = (stack.web_memory() - memory) / len(waiting) / 1024
    still = sum(1 for other in waiting if is_quiet(other))
    for other in waiting:
        other.close()
    return [
        figure("event: accepted → in a listener's hands, median", alone, unit="ms", at_most=1000),
        figure(
            f"the same among {still:,} listeners", among, unit="ms", at_most=1000,
            limit=f"{each:.0f} KiB of memory a listener",
        ),
    ]  # fmt: skip


def _heard(stack: Stack, account: dict[str, Any], rounds: int) -> float:
    times = []
    sender, listener = Connection(stack.port), Connection(stack.port)
    for _ in range(rounds * 3):
        listener.socket.sendall(_listen(account))
        time.sleep(0.3)  # it waits
        content = request(
            "/api/messages/", {"license__key": account["license_key"], **new_message()}
        )
        assert sender.call(content).status == 201
        accepted = time.perf_counter()
        while (answer := listener.answer()) is None:
            listener.read()
        assert answer.json()["results"], answer.body
        times.append((time.perf_counter() - accepted) * 1000)
    return statistics.median(times)


def _listeners(stack: Stack) -> list[Connection]:
    allow_many_files()
    waiting = []
    for account in [stack.account() for _ in range(4)]:
        for _ in range(500):
            listener = Connection(stack.port)
            listener.socket.sendall(_listen(account))
            waiting.append(listener)
    time.sleep(15)  # all of them have looked
    return waiting


def _listen(account: dict[str, Any]) -> bytes:
    path = "/api/events/?after=latest&wait=55"
    return request(path, token=account["license_key"], method="GET")


def leave(stack: Stack) -> Figure:
    """Events of 10,000 messages, until the last has reached a healthy endpoint."""
    account, connection = stack.account(), Connection(stack.port)
    with receiver() as program:
        _subscribe(stack, account, f"http://127.0.0.1:{program.port}/")
        began = time.monotonic()
        for _ in range(EVENTS // 1_000):
            messages = [new_message() for _ in range(1_000)]
            body = {"license__key": account["license_key"], "messages": messages}
            answer = connection.call(request("/api/messages/bulk/", body))
            assert answer.json()["created_count"] == 1_000, answer.body
        while program.count < EVENTS:
            time.sleep(0.01)
            assert time.monotonic() - began < 300, f"{program.count} have come"
        seconds = time.monotonic() - began
    return figure(
        "events to a healthy endpoint, with their bulks", EVENTS / seconds, unit="events/s",
        at_least=300,
    )  # fmt: skip
