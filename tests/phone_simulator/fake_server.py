"""A server for the phone's tests: as much of the protocol as a phone can see, all in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from phone_simulator import wire
from phone_simulator.transport import Reply

CODE, TOKEN = "ABCD-1234", "token-of-the-phone"


@dataclass
class FakeServer:
    """Leases each message once, repeats a claim's messages, acks every event, keeps them all."""

    waiting: list[dict[str, Any]] = field(default_factory=list)
    claims: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    syncs: list[dict[str, Any]] = field(default_factory=list)
    pairings: list[dict[str, Any]] = field(default_factory=list)
    cancel: list[int] = field(default_factory=list)
    is_paused: bool = False
    pace_seconds: float = 10
    segments_per_minute: int = 24
    token: str = TOKEN
    last_id: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, text: str = "hello", **fields: Any) -> int:
        """A message that is due; answers its id."""
        self.last_id += 1
        message = {
            "message_id": self.last_id,
            "attempt": 1,
            "phone": f"+4850000{self.last_id:04d}",
            "text": text,
            "sim": None,
            "priority": 0,
            "start_within_seconds": 600,
        }
        self.waiting.append(message | fields)
        return self.last_id

    def types(self, message_id: int) -> list[str]:
        """The types of the events about a message, as they came in."""
        return [e["type"] for e in self.events.values() if e.get("message_id") == message_id]

    def handle(self, method: str, path: str, token: str | None, body: Any) -> Reply:
        with self.lock:
            if (method, path) == ("POST", wire.PAIR):
                return self._pair(body)
            if token != self.token:
                return reply(401, {"message": "unknown phone", "code": "device_unknown"})
            if (method, path) == ("GET", wire.WAIT):
                return reply(200, {"ready": True}) if self.waiting else Reply(204)
            if (method, path) == ("POST", wire.SYNC):
                return self._sync(body)
            return reply(404, {"message": "no such page", "code": "not_found"})

    def _pair(self, body: Any) -> Reply:
        self.pairings.append(body)
        if body["code"] != CODE:
            return reply(
                400, {"message": "code: ask for a new one", "code": "pairing_code_invalid"}
            )
        paired = {"device_id": 7, "token": self.token, "account": "Demo", "server_time": "now"}
        return reply(201, paired)

    def _sync(self, body: Any) -> Reply:
        assert len(wire.encode(body)) <= wire.MAX_REQUEST_BYTES
        assert len(body["events"]) <= wire.MAX_EVENTS
        self.syncs.append(body)
        for event in body["events"]:
            known = self.events.setdefault(event["event_id"], event)
            assert known == event, "an event id stands for one event for ever"
        claimed = self.claims.get(body["claim_id"])
        if claimed is None and not self.is_paused and body["capacity"]:
            self.waiting.sort(key=lambda m: (-m["priority"], m["message_id"]))
            claimed, self.waiting = (
                self.waiting[: body["capacity"]],
                self.waiting[body["capacity"] :],
            )
            self.claims[body["claim_id"]] = claimed
        is_busy = bool(claimed or body["held"])
        return reply(
            200,
            {
                "acked": [event["event_id"] for event in body["events"]],
                "messages": claimed or [],
                "cancel": [h["message_id"] for h in body["held"] if h["message_id"] in self.cancel],
                "paused": self.is_paused,
                "next_sync_seconds": 60 if is_busy else 900,
                "pace_seconds": self.pace_seconds,
                "segments_per_minute": self.segments_per_minute,
                "server_time": "2026-01-01T12:00:00Z",
            },
        )


def reply(status: int, body: dict[str, Any], **headers: str) -> Reply:
    names = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), names)


class DirectTransport:
    """The fake server without a network between."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: dict[str, Any] | None = None,
        timeout: float = 30.0,
        give_up: Callable[[], bool] | None = None,
    ) -> Reply:
        sent = None if body is None else json.loads(wire.encode(body))
        return self.server.handle(method, path, token, sent)


@contextmanager
def served(server: FakeServer) -> Iterator[str]:
    """The fake server behind real HTTP on the loopback; gives its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer("POST", body)

        def do_GET(self) -> None:
            self._answer("GET", None)

        def _answer(self, method: str, body: Any) -> None:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            answer = server.handle(method, self.path, token, body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:
            """The tests' output is not a server log."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
