"""Programs that post messages and never give one up: what they were told is what is checked."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

TIMEOUT = 30.0


@dataclass(slots=True)
class Ledger:
    """What all clients heard."""

    accepted: dict[str, int | None] = field(default_factory=dict)  # external_id → id
    answers: Counter[str] = field(default_factory=Counter)
    dishonest: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answer: str) -> None:
        with self.lock:
            self.answers[answer] += 1

    def accept(self, external_id: str, message_id: int | None) -> None:
        with self.lock:
            self.accepted[external_id] = message_id

    def accuse(self, what: str) -> None:
        with self.lock:
            self.dishonest.append(what)


class Client(threading.Thread):
    """Posts one message after the other. Every other client sends an Idempotency-Key."""

    def __init__(
        self, number: int, port: int, key: str, ledger: Ledger, *, pause: float = 0.0
    ) -> None:
        super().__init__(daemon=True)
        self._name, self._has_key = f"c{number}", number % 2 == 0
        self._port, self._key, self._ledger, self._pause = port, key, ledger, pause
        self._stopping = threading.Event()
        self._connection: http.client.HTTPConnection | None = None

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        number = 0
        while not self._stopping.is_set():
            number += 1
            self._post(f"{self._name}-{number}")
            self._stopping.wait(self._pause)
        self._drop_connection()

    def _post(self, external_id: str) -> None:
        """Until it is accepted. Without an answer nobody knows, so it is asked again."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        if self._has_key:
            headers["Idempotency-Key"] = external_id
        body = json.dumps({"external_id": external_id, "phone": "+48500000001", "message": "x"})
        is_doubtful = False
        while not self._stopping.is_set():
            try:
                status, replied, answer = self._ask(body, headers)
            except (OSError, http.client.HTTPException):
                is_doubtful = True
                self._ledger.note("no answer")
                self._drop_connection()
                self._stopping.wait(0.1)
                continue
            self._ledger.note(str(status))
            if status == 201:
                self._ledger.accept(external_id, answer["id"])
                return
            is_known = answer.get("code") == "duplicate_external_id"
            if is_known and is_doubtful and not self._has_key:
                self._ledger.accept(external_id, None)
                return
            runs_still = self._has_key and answer.get("code") == "request_in_progress"
            if not (runs_still and is_doubtful):
                self._judge(status, replied, answer)
            is_doubtful = is_doubtful or status >= 500
            self._stopping.wait(0.2)

    def _ask(
        self, body: str, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], dict[str, Any]]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
        self._connection.request("POST", "/api/messages/", body, dict(headers))
        response = self._connection.getresponse()
        content = response.read()
        answer: dict[str, Any] = {}
        with suppress(ValueError):
            answer = json.loads(content)
        return response.status, {k.lower(): v for k, v in response.getheaders()}, answer

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _judge(self, status: int, headers: Mapping[str, str], answer: dict[str, Any]) -> None:
        """A failure is honest where it says so in the one error body, and when to come again."""
        is_readable = isinstance(answer.get("message"), str) and isinstance(answer.get("code"), str)
        says_when = headers.get("retry-after", "").isdigit()
        if not is_readable or status not in {429, 503} or not says_when:
            self._ledger.accuse(f"{status} {headers.get('retry-after')} {answer}")
