"""Clients that never try again: each failure is counted, by what it was."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TIMEOUT = 90.0


class Ledger:
    def __init__(self) -> None:
        self.accepted: set[str] = set()  # external_ids
        self.answers: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.lock = threading.Lock()

    def note(self, kind: str, failure: str = "") -> None:
        with self.lock:
            self.answers[kind] += 1
            if failure:
                self.failures[f"{kind}: {failure}"] += 1


class Connection:
    """To one port; kept for as long as the other side does, or made anew for each request."""

    def __init__(self, port: int, key: str, *, is_kept: bool) -> None:
        self._port, self._key, self._is_kept = port, key, is_kept
        self._http: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        """Raise OSError, HTTPException."""
        if self._http is None:
            self._http = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            self._http.request(method, path, body, headers)
            response = self._http.getresponse()
            answer = response.status, response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if response.will_close or not self._is_kept:
            self.close()
        return answer

    def cut(self) -> None:
        """End what another thread waits for."""
        if self._http is not None and self._http.sock is not None:
            self._http.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None


Work = Callable[[Connection, int], str]  # → what failed, or ""


def posts(name: str, ledger: Ledger) -> Work:
    """Post one message after the other."""

    def post(connection: Connection, number: int) -> str:
        external_id = f"{name}-{number}"
        given = {"external_id": external_id, "phone": "+48500000001", "message": "x"}
        status, _ = connection.ask("POST", "/api/messages/", json.dumps(given))
        if status != 201:
            return str(status)
        with ledger.lock:
            ledger.accepted.add(external_id)
        return ""

    return post


def polls(connection: Connection, number: int) -> str:
    """Wait as a phone does."""
    status, _ = connection.ask("GET", "/companion/wait/")
    return "" if status in {200, 204} else str(status)


class Listener(threading.Thread):
    """Reads the event stream, and comes again after the last event it had, as browsers do."""

    def __init__(self, port: int, key: str, ledger: Ledger) -> None:
        super().__init__(daemon=True)
        self._port, self._key, self._ledger = port, key, ledger
        self.seen: list[int] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._listen()
            except (OSError, http.client.HTTPException) as error:
                self._ledger.note("stream", type(error).__name__)
                self.stopping.wait(0.1)

    def _listen(self) -> None:
        after = self.seen[-1] if self.seen else 0
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {self._key}", "Last-Event-ID": str(after)}
        connection.request("GET", "/api/events/stream/", headers=headers)
        response = connection.getresponse()
        self._ledger.note("stream", "" if response.status == 200 else str(response.status))
        number = 0
        for line in response:
            name, _, value = line.decode().strip().partition(": ")
            if name == "id":
                number = int(value)
            elif name == "event":
                self.seen.append(number)
            if self.stopping.is_set():
                break
        connection.close()


@contextmanager
def at_work(ledger: Ledger, kind: str, connection: Connection, work: Work) -> Iterator[None]:
    """One client that does this again and again, from a thread of its own."""
    stopping = threading.Event()

    def run() -> None:
        number = 0
        while not stopping.is_set():
            number += 1
            try:
                failure = work(connection, number)
            except (OSError, http.client.HTTPException) as error:
                if stopping.is_set():  # it was cut
                    break
                failure = type(error).__name__
            ledger.note(kind, failure)
        connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        if work is polls:  # it may have a minute to wait
            connection.cut()
        thread.join(TIMEOUT)
