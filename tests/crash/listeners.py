"""Programs that are told of events while everything dies: a moody receiver, and a reader of the feed."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.crash.clients import TIMEOUT
from tests.crash.stack import Stack

_OK = b"HTTP/1.1 204 No Content\r\n\r\n"
# What it does with a request, and how often: it takes it; refuses it; answers half; says nothing and
# goes; answers too late.
_MOODS = {
    "take": 60, "refuse": 10, "half": 5, "go": 5, "late": 1,
}  # fmt: skip
_LATE_SECONDS = 3.0

# Requests that may be under way to an endpoint when it first answers 410, and once more after a crash.
_UNDER_WAY = 64

_OF_STATE = {"sent", "delivered", "undelivered", "failed", "expired", "cancelled", "uncertain"}


@dataclass
class Receiver:
    """A program on a socket. `taken` are bodies whose 2xx went out whole, in their order."""

    chance: random.Random
    answer: bytes = b""  # in place of its moods
    taken: list[dict[str, Any]] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.is_calm = False  # it takes everything
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            with suppress(OSError):
                connection, _ = self._listening.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as file, suppress(OSError, ValueError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                if not (line := file.readline()):
                    return
                head += line
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            body: dict[str, Any] = json.loads(file.read(length))
            with self._lock:
                self.heard.append(body)
            self._answer(connection, body)

    def _answer(self, connection: socket.socket, body: dict[str, Any]) -> None:
        [mood] = self.chance.choices(list(_MOODS), weights=list(_MOODS.values()))
        if self.answer:
            connection.sendall(self.answer)
        elif mood == "take" or self.is_calm:
            with self._lock:
                self.taken.append(body)
            connection.sendall(_OK)
        elif mood == "refuse":
            connection.sendall(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
        elif mood == "half":
            connection.sendall(_OK[:9])
        elif mood == "late":
            time.sleep(_LATE_SECONDS)
            connection.sendall(_OK)


class FeedReader(threading.Thread):
    """Asks the feed again and again, and never goes back."""

    def __init__(self, port: int, key: str) -> None:
        super().__init__(daemon=True)
        self._port, self._key = port, key
        self._stopping = threading.Event()
        self.seen: list[int] = []
        self._after = 0

    def run(self) -> None:
        while not self._stopping.is_set():
            with suppress(OSError, ValueError, KeyError, http.client.HTTPException):
                self.read(wait=2)
                continue
            self._stopping.wait(0.2)

    def read(self, wait: int = 0) -> None:
        path = f"/api/events/?after={self._after}&wait={wait}&limit=500"
        page = _call(self._port, self._key, "GET", path)
        self.seen += [event["id"] for event in page["results"]]
        self._after = page["after"]

    def stop(self) -> None:
        self._stopping.set()


def _call(port: int, key: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request(method, path, body and json.dumps(body), headers)
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


class Listeners:
    """All who listen to the account that the clients send with."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self._stack = stack
        self.moody = Receiver(random.Random(f"moody {seed}"))
        self.gone = Receiver(random.Random(0), answer=b"HTTP/1.1 410 Gone\r\n\r\n")
        self.feed = FeedReader(stack.port, stack.license_key)

    def start(self) -> None:
        for receiver in (self.moody, self.gone):
            body = {"url": f"http://127.0.0.1:{receiver.port}/"}
            made = _call(self._stack.port, self._stack.license_key, "POST", "/api/webhooks/", body)
            assert made["enabled"], made
        self.feed.start()

    def drain(self, seconds: float) -> None:
        """Let the receiver take all that is still to be told."""
        self.moody.is_calm = True
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._waiting():
            time.sleep(0.5)
        self.feed.stop()
        self.feed.join(TIMEOUT)
        self.feed.read()

    def _waiting(self) -> int:
        with self._stack.database() as cursor:
            cursor.execute(
                "SELECT (SELECT count(*) FROM outbox_event WHERE number IS NULL)"
                " + (SELECT count(*) FROM webhooks_delivery WHERE next_at IS NOT NULL)"
            )
            [[number]] = cursor.fetchall()
            return int(number)

    # --- what must hold --------------------------------------------------------------------------

    def wrong(self) -> Iterator[str]:
        """Yield what was lost, invented or told in another order, after `drain`."""
        with self._stack.database() as cursor:
            cursor.execute("SELECT number, type, message_id FROM outbox_event ORDER BY number")
            events = [(int(number or 0), str(kind), pk) for number, kind, pk in cursor]
            cursor.execute(
                "SELECT m.id, s.from_state, s.to_state FROM messaging_message AS m"
                " LEFT JOIN messaging_statechange AS s ON s.message_id = m.id ORDER BY m.id, s.id"
            )
            changes = cursor.fetchall()
            cursor.execute("SELECT url FROM webhooks_endpoint WHERE disabled_reason = 'gone'")
            gone = [url for (url,) in cursor]
        yield from _not_one_for_each_change(events, changes)
        yield from self._not_told(events)
        yield from self._out_of_order()
        if self.feed.seen != [number for number, *_ in events]:
            yield f"the feed had {len(self.feed.seen)} events of {len(events)}, or not in their order"
        if gone != [f"http://127.0.0.1:{self.gone.port}/"]:
            yield f"who answered 410 is not the one that was switched off: {gone}"
        if not 0 < len(self.gone.heard) <= _UNDER_WAY:
            yield f"who had answered 410 was told {len(self.gone.heard)} times"

    def _not_told(self, events: list[tuple[int, str, int | None]]) -> Iterator[str]:
        written = {number: (kind, pk) for number, kind, pk in events}
        for body in self.moody.heard:
            said = body["type"], (body["data"] or {}).get("id")
            if body["type"].startswith("message.") and written.get(body["id"]) != said:
                yield f"event {body['id']} was told as {said}"
        for number in written.keys() - {body["id"] for body in self.moody.taken}:
            yield f"event {number}, {written[number]}, was never taken"

    def _out_of_order(self) -> Iterator[str]:
        last: defaultdict[int, int] = defaultdict(int)
        first_time: set[int] = set()
        for body in self.moody.taken:
            if body["type"].startswith("message.") and body["id"] not in first_time:
                first_time.add(body["id"])
                message_id = body["data"]["id"]
                if body["id"] < last[message_id]:
                    yield f"event {body['id']} of message {message_id} came late"
                last[message_id] = body["id"]


def _not_one_for_each_change(
    events: list[tuple[int, str, int | None]], changes: list[tuple[int, str | None, str | None]]
) -> Iterator[str]:
    told: defaultdict[int, list[str]] = defaultdict(list)
    for _, kind, message_id in events:
        if message_id is not None:
            told[message_id].append(kind)
    expected: dict[int, list[str]] = {}
    for message_id, before, after in changes:
        mine = expected.setdefault(message_id, ["message.accepted"])
        if before == "uncertain":
            mine.append("message.resolved")
        if after in _OF_STATE:
            mine.append(f"message.{after}")
    for message_id in told.keys() | expected.keys():
        if told.get(message_id) != expected.get(message_id):
            yield f"message {message_id}: {told.get(message_id)}, not {expected.get(message_id)}"
