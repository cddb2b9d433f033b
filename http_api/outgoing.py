"""Call a URL that a client chose, guarded against SSRF and DNS rebinding.

The name is resolved once, each of its addresses must be public or allowed by the operator, and the
connection goes to the address that was checked: resolving differently the second time gains nothing.
TLS verifies the name. No redirect is followed, no proxy is asked, no more is read than a head
and what the caller wants.
"""

from __future__ import annotations

import io
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.encoding import iri_to_uri
from typing_extensions import Buffer

from http_api.addresses import networks

Address = IPv4Address | IPv6Address

SECONDS = 10.0  # time-out of the whole exchange but DNS, which the system's resolver bounds
_CONNECT_SECONDS = 3.0  # for each of a name's addresses
_MAX_ADDRESSES = 4
# Of interim answers (1xx), head, frames of chunks, trailers: http.client bounds lines, not their number.
_MAX_FRAME_BYTES = 64 * 1024
MAX_URL = 2000

_PORTS = {"http": 80, "https": 443}
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# Ranges that `is_global` of older Pythons reports as public: relays, IPv4 tunnels, protocol assignments.
_NOT_PUBLIC = networks(
    ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "2001:db8::/32", "3fff::/20")
)
_NAT64 = IPv6Network("64:ff9b::/96")  # the last four bytes are the IPv4 that it leads to


class Failure(StrEnum):
    """Why a POST was not taken. Names neither URL nor address."""

    URL = "url"  # accepted while the operator allowed more
    UNKNOWN_HOST = "unknown_host"
    NOT_PUBLIC = "not_public"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    CERTIFICATE = "certificate"
    TLS = "tls"
    NOT_HTTP = "not_http"
    CONNECTION = "connection"
    STATUS = "status"
    SERVER = "server"

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Failure.URL: "its URL may not be called",
    Failure.UNKNOWN_HOST: "the name of its host is not known",
    Failure.NOT_PUBLIC: "its host has an address that is not public",
    Failure.REFUSED: "the connection was refused",
    Failure.TIMEOUT: f"no answer in {SECONDS:.0f} s",
    Failure.CERTIFICATE: "its certificate is not trusted",
    Failure.TLS: "TLS failed",
    Failure.NOT_HTTP: "what it answered is no HTTP",
    Failure.CONNECTION: "the connection failed",
    Failure.STATUS: "it did not answer 2xx",
    Failure.SERVER: "a fault of this server",
}


class Unreachable(Exception):
    """Nothing was answered."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be called, in its parts, all ASCII."""

    is_tls: bool
    host: str
    port: int
    path: str  # with the query string

    @classmethod
    def of(cls, url: str) -> Target:
        """Raise ValueError with words for whoever gave it. What a name leads to is not asked here."""
        if len(url) > MAX_URL:
            raise ValueError(f"may have at most {MAX_URL} characters")
        if re.search(r"[\x00-\x20\x7f\\]", url):
            raise ValueError("may hold no spaces, line breaks and backslashes")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
            host = host if ":" in host else host.encode("idna").decode()
        except ValueError:
            raise ValueError("is no URL that can be called") from None
        if parts.scheme not in _PORTS or not host or port == 0:
            raise ValueError("must be a URL like https://example.com/path")
        if parts.username is not None:
            raise ValueError("may hold no username and password")
        if (literal := _address(host)) and not is_allowed(literal):
            raise ValueError("leads to an address that is not public")
        path = iri_to_uri(f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}")
        return cls(parts.scheme == "https", host, port or _PORTS[parts.scheme], path)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """POST the body and return the status of the answer; raise Unreachable."""
    return fetch("POST", url, body, headers, most=0)[0]


def fetch(
    method: str, url: str, body: bytes | None, headers: Mapping[str, str], *, most: int
) -> tuple[int, bytes]:
    """Return the status of the answer and the first `most` bytes of its body; raise Unreachable."""
    try:
        target = Target.of(url)
    except ValueError:
        raise Unreachable(Failure.URL) from None
    addresses = _resolved(target)
    try:
        with _exchange(target, addresses) as connection:
            connection.response_class = partial(_Answer, most=most)  # type: ignore[assignment]
            connection.request(method, target.path, body, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.read(most) if most else b""
    except (OSError, HTTPException) as error:
        raise Unreachable(_failure(error)) from None


class _Answer(HTTPResponse):
    """An answer of which a bounded number of bytes is read, however many interim ones come before it."""

    def __init__(self, sock: socket.socket, *, method: str | None = None, most: int) -> None:
        super().__init__(sock, method=method)
        # twice: the frames of small chunks may be as long as what is in them
        self.fp = io.BufferedReader(_Bounded(self.fp.detach(), _MAX_FRAME_BYTES + 2 * most))

    def _read_status(self) -> tuple[str, int, str]:
        """Make http.client pass over 102 and 103 (RFC 8297) as it does over 100."""
        version, status, reason = super()._read_status()  # type: ignore[misc]  # not in typeshed
        is_interim = status < 200 and status != HTTPStatus.SWITCHING_PROTOCOLS
        return version, HTTPStatus.CONTINUE if is_interim else status, reason


class _Bounded(io.RawIOBase):
    """A stream that ends with HTTPException after so many bytes."""

    def __init__(self, stream: io.RawIOBase, most: int) -> None:
        self._stream, self._left = stream, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int | None:
        if self._left <= 0:
            raise HTTPException("the answer is too long")
        count = self._stream.readinto(buffer)
        self._left -= count or 0
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def is_allowed(address: Address) -> bool:
    """Public, or in one of the networks that the operator trusts its clients with."""
    address = getattr(address, "ipv4_mapped", None) or address
    return is_public(address) or any(
        address in network for network in networks(settings.WEBHOOK_PRIVATE_NETWORKS)
    )


def is_public(address: Address) -> bool:
    """Return whether this is a public unicast address that does not tunnel to a private one (NAT64)."""
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    is_unicast = address in _GLOBAL_UNICAST if address.version == 6 else not address.is_multicast
    is_special = any(address in network for network in _NOT_PUBLIC)
    return address.is_global and is_unicast and not is_special


def _address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _resolved(target: Target) -> list[Address]:
    """Return the addresses of this name. One address that is not allowed spoils them all."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        raise Unreachable(Failure.UNKNOWN_HOST) from None
    addresses = [ip_address(str(sockaddr[0])) for *_, sockaddr in found]
    if not all(map(is_allowed, addresses)):
        raise Unreachable(Failure.NOT_PUBLIC)
    return addresses[:_MAX_ADDRESSES]


@contextmanager
def _exchange(target: Target, addresses: list[Address]) -> Iterator[HTTPConnection]:
    """Connect to one of these addresses; cut it after SECONDS, however slowly the peer trickles."""
    end = time.monotonic() + SECONDS
    connection = HTTPConnection(target.host, target.port)
    # The port that `Host` leaves out.
    connection.default_port = _PORTS["https" if target.is_tls else "http"]
    with _connected(addresses, target.port, end) as plain:
        is_cut = threading.Event()
        with _secured(plain, target, end) as connection.sock:
            timer = threading.Timer(_left(end), _cut, (connection.sock, is_cut))
            timer.start()
            try:
                yield connection
            except (OSError, HTTPException):
                if not is_cut.is_set():
                    raise
            finally:
                timer.cancel()
            if is_cut.is_set():
                raise TimeoutError


def _connected(addresses: list[Address], port: int, end: float) -> socket.socket:
    """To the first that can be reached."""
    *others, last = addresses

    def connect(address: Address) -> socket.socket:
        timeout = min(_left(end), _CONNECT_SECONDS)
        return socket.create_connection((str(address), port), timeout)

    for address in others:
        with suppress(OSError):
            return connect(address)
    return connect(last)


def _secured(plain: socket.socket, target: Target, end: float) -> socket.socket:
    plain.settimeout(_left(end))
    return _tls().wrap_socket(plain, server_hostname=target.host) if target.is_tls else plain


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _left(end: float) -> float:
    return max(end - time.monotonic(), 0.01)


def _cut(sock: socket.socket, is_cut: threading.Event) -> None:
    is_cut.set()
    with suppress(OSError):  # it has just been closed
        sock.shutdown(socket.SHUT_RDWR)


def _failure(error: OSError | HTTPException) -> Failure:
    match error:
        case ssl.SSLCertVerificationError():
            return Failure.CERTIFICATE
        case ssl.SSLError():
            return Failure.TLS
        case TimeoutError():
            return Failure.TIMEOUT
        case ConnectionRefusedError():
            return Failure.REFUSED
        case HTTPException():
            return Failure.NOT_HTTP
        case _:
            return Failure.CONNECTION
