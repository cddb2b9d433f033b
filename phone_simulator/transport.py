"""How requests reach the server, and how they fail to."""

from __future__ import annotations

import hashlib
import http.client
import random
import select
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from phone_simulator import __version__, wire
from phone_simulator.clock import Clock
from protocol import constant

MAX_REPLY_BYTES = constant("max_reply_bytes")
LONGEST_RETRY_AFTER_SECONDS = float(constant("longest_retry_after_seconds"))

_LOOK_EVERY = 0.2  # seconds between two looks at `give_up`


class TransportError(Exception):
    """No answer came: nobody knows whether the server saw the request."""


class GaveUpError(TransportError):
    """The caller had something better to do than to wait."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case

    def retry_after(self) -> float | None:
        """Return the seconds to wait, if the server names them. A date is not believed, since clocks
        may be wrong, and an absurd wait is cut."""
        value = self.headers.get("retry-after", "")
        if not (value.isascii() and value.isdigit()):
            return None
        return min(float(value), LONGEST_RETRY_AFTER_SECONDS)


class Transport(Protocol):
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
        """Send one request, once; no redirect is followed. `timeout` is in real seconds.

        Raises TransportError; GaveUpError as soon as `give_up()` is true before the answer begins.
        """


class HttpTransport:
    """A connection for each request: at one a minute there is nothing to keep alive, and a stale
    connection can never repeat one. `base_url` is http(s)://host[:port][/prefix]; `pin` is the SHA-256
    of the one certificate that is trusted, in place of what the system trusts."""

    def __init__(self, base_url: str, pin: str | None = None) -> None:
        url = urlsplit(base_url)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ValueError(f"not a server address: {base_url}")
        self._is_tls = url.scheme == "https"
        self._host, self._port = url.hostname, url.port
        self._prefix = url.path.rstrip("/")
        self._pin = pin

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
        headers = {"Accept": "application/json", "User-Agent": f"smsgate-phone/{__version__}"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = self._connect(timeout)
        try:
            data = None if body is None else wire.encode(body)
            connection.request(method, self._prefix + path, data, headers)
            if give_up is not None:
                _await_answer(connection, timeout, give_up)
            return _read(connection.getresponse())
        except (OSError, http.client.HTTPException) as error:
            raise TransportError(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        if not self._is_tls:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        if self._pin is not None:
            return _PinnedConnection(self._host, self._port, self._pin, timeout)
        return http.client.HTTPSConnection(self._host, self._port, timeout=timeout)


class _PinnedConnection(http.client.HTTPSConnection):
    """To whoever has the key of one certificate. Its name and dates do not count."""

    def __init__(self, host: str, port: int | None, pin: str, timeout: float) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # `connect` looks for itself
        super().__init__(host, port, timeout=timeout, context=context)
        self._pin = pin

    def connect(self) -> None:
        super().connect()
        certificate = self.sock.getpeercert(binary_form=True)
        if hashlib.sha256(certificate or b"").hexdigest() != self._pin:
            self.close()
            raise ssl.SSLError("this is not the server that the phone was paired with")


def _await_answer(
    connection: http.client.HTTPConnection, timeout: float, give_up: Callable[[], bool]
) -> None:
    deadline = time.monotonic() + timeout
    while not select.select([connection.sock], [], [], _LOOK_EVERY)[0]:
        if give_up():
            raise GaveUpError
        if time.monotonic() > deadline:
            raise TransportError("no answer in time")


def _read(response: http.client.HTTPResponse) -> Reply:
    body = response.read(MAX_REPLY_BYTES + 1)
    if len(body) > MAX_REPLY_BYTES:
        raise TransportError("the answer is too long")
    if response.length:  # read(n) says nothing when the connection ends before the body does
        raise TransportError("the answer was cut")
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, body, headers)


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of the way; the numbers are probabilities per request."""

    lose_requests: float = 0.0  # the server never sees it
    lose_replies: float = 0.0  # the server did what was asked, the phone never hears of it
    duplicate: float = 0.0  # the server sees it twice, the phone hears the second answer
    cut: float = 0.0  # half of the answer's body is missing
    late: float = 0.0  # the answer comes `late_seconds` (of the phone's clock) after it was made
    late_seconds: float = 1200.0
    reorder: bool = False  # the events of a call stand in any order


class FaultyTransport:
    """Another transport with faults, drawn from the given random numbers."""

    def __init__(
        self, inner: Transport, faults: Faults, chance: random.Random, clock: Clock
    ) -> None:
        self._inner = inner
        self._faults = faults
        self._chance = chance
        self._clock = clock

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
        if method == "GET":  # the long poll carries nothing that could be lost or repeated
            return self._inner.request(method, path, token=token, timeout=timeout, give_up=give_up)
        faults = self._faults

        def send() -> Reply:
            return self._inner.request(method, path, token=token, body=body, timeout=timeout)

        if faults.reorder and body is not None and "events" in body:
            body = body | {"events": self._chance.sample(body["events"], len(body["events"]))}
        if self._happens(faults.lose_requests):
            raise TransportError("fault: the request was lost")
        if self._happens(faults.duplicate):
            send()
        reply = send()
        if self._happens(faults.lose_replies):
            raise TransportError("fault: the reply was lost")
        if self._happens(faults.late):
            self._clock.sleep(faults.late_seconds)
        if self._happens(faults.cut):
            return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers)
        return reply

    def _happens(self, probability: float) -> bool:
        return self._chance.random() < probability
