"""Where a request ends, over raw sockets: no byte of a body is ever a request, whatever the head offers,
however the bytes are cut, and every request gets exactly one answer."""

from __future__ import annotations

import itertools
import json
import random
import threading
from collections.abc import Iterator

import pytest

from messaging.models import Message
from smsgate.web.http_protocol import MAX_HEAD, Protocol
from tests.conftest import Tenant
from tests.http_api.hostile import check, check_alive, chunked, head
from tests.http_api.live import Server, Wire

pytestmark = pytest.mark.django_db(transaction=True)

UPGRADES = [
    ("Connection: Upgrade", "Upgrade: h2c"),
    ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAA"),
    ("connection: upgrade", "upgrade: WebSocket", "Sec-WebSocket-Key: a", "Sec-WebSocket-Version: 13"),
    ("CONNECTION:keep-alive,UPGRADE", "UPGRADE:TLS/1.0, HTTP/2.0"),
    ("Upgrade: anything", "Upgrade: else", "Connection: upgrade"),
    ("Proxy-Connection: upgrade", "uPgRaDe:h2c"),
    ("Connection: Upgrade", "Upgrade:"),
    ("Connection: Upgrade",),
    ("Upgrade: h2c",),
]  # fmt: skip
FRAMINGS = ["length", "chunks"]


def framed(body: bytes, framing: str) -> tuple[str, bytes]:
    """The header that says how long the body is, and the body as it is sent."""
    if framing == "length":
        return f"Content-Length: {len(body)}", body
    middle = len(body) // 2
    return "Transfer-Encoding: chunked", chunked(*filter(None, (body[:middle], body[middle:])), b"")


class Segments:
    """Sends bytes in segments of their own: the next only when the server has read the one before."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._left = 0

    def has_read(self, size: int) -> None:
        with self._news:
            self._left -= size
            self._news.notify()

    def send(self, wire: Wire, *parts: bytes) -> None:
        for part in parts:
            with self._news:
                self._left = len(part)
                wire.send(part)
                assert self._news.wait_for(lambda: self._left <= 0, 20)


@pytest.fixture
def segments(monkeypatch: pytest.MonkeyPatch) -> Segments:
    made = Segments()
    data_received = Protocol.data_received

    def noted(self: Protocol, data: bytes) -> None:
        data_received(self, data)
        made.has_read(len(data))

    monkeypatch.setattr(Protocol, "data_received", noted)
    return made


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("offer", UPGRADES, ids=str)
def test_an_offer_to_upgrade_changes_nothing(
    server: Server, tenant: Tenant, segments: Segments, offer: tuple[str, ...], framing: str
) -> None:
    with server.wire() as wire:
        for n, is_apart in enumerate((False, True)):
            body = json.dumps(tenant.message(f"upgrade-{n}")).encode()
            header, data = framed(body, framing)
            request = head(*offer, header)
            segments.send(wire, request, data) if is_apart else wire.send(request + data)
            answer = wire.answer()
            assert (answer.status, answer.json["external_id"]) == (201, f"upgrade-{n}")
        assert wire.request("GET", "/healthz").status == 200
    assert Message.objects.count() == 2


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("offer", [(), *UPGRADES], ids=str)
def test_a_request_inside_of_a_body_is_not_answered(
    server: Server, tenant: Tenant, segments: Segments, offer: tuple[str, ...], framing: str
) -> None:
    inner = head(f"X-License-Key: {tenant.keys.license_key}", method="GET", path="/api/me/")
    header, data = framed(inner, framing)
    with server.wire() as wire:
        for is_apart in (False, True):
            request = head(*offer, header)
            segments.send(wire, request, data) if is_apart else wire.send(request + data)
            answer = wire.answer()
            assert (answer.status, answer.json["code"]) == (400, "malformed")
        assert wire.request("GET", "/healthz").json == {"status": "ok"}


@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_way_to_cut_a_request_in_two(
    server: Server, tenant: Tenant, segments: Segments, framing: str
) -> None:
    header, data = framed(b'{"a": "\r\n\r\n"}', framing)
    request = head("Connection: Upgrade", "Upgrade: h2c", header) + data
    with server.wire() as wire:
        for at in {*range(1, len(request), 5), *range(len(request) - len(data) - 5, len(request))}:
            segments.send(wire, request[:at], request[at:])
            assert wire.answer().json["code"] == "malformed", at
        assert wire.request("GET", "/healthz").status == 200


def test_a_request_that_comes_byte_by_byte(
    server: Server, tenant: Tenant, segments: Segments
) -> None:
    header, data = framed(json.dumps(tenant.message()).encode(), "chunks")
    with server.wire() as wire:
        request = head("Connection: Upgrade", "Upgrade: h2c", header) + data
        segments.send(wire, *(bytes([byte]) for byte in request))
        assert wire.answer().status == 201
        assert wire.request("GET", "/healthz").status == 200


def _requests(rng: random.Random, key: str) -> Iterator[tuple[bytes, int]]:
    """Requests with the status that answers them; their bodies are requests, noise and line ends."""
    inner = head(f"X-License-Key: {key}", method="GET", path="/api/me/")
    bodies = [
        b"",
        b"{}",
        b"\r\n\r\n",
        b"\r\n" * 9,
        inner,
        b"0\r\n\r\n" + inner,
        inner * 3,
        b"\r\n0\r\n\r\n",
    ]
    while True:
        offer = list(rng.choice([(), *UPGRADES]))
        if rng.random() < 0.3:
            offer.append("Expect: something")
        method, path, status = rng.choice(
            [
                ("POST", "/api/messages/", 400),
                ("POST", "/companion/sync", 401),
                ("PUT", "/api/nothing", 404),
                ("POST", "/healthz", 405),
                ("GET", "/healthz", 200),
                ("GET", "/api/me", 400),
                ("OPTIONS", "/companion/wait/", 405),
                ("DELETE", "/dialects/sms-by/nothing", 404),
            ]
        )
        header, data = framed(rng.choice(bodies), rng.choice(FRAMINGS))
        if status == 405 and path == "/companion/wait/":
            header, data = "X-Nothing: 0", b""
        rng.shuffle(offer)
        offer.insert(rng.randint(0, len(offer)), header)
        blank = rng.choice([b"", b"", b"\r\n"])
        yield blank + head(*offer, method=method, path=path) + data, status


@pytest.mark.parametrize("seed", range(12))
def test_as_many_answers_as_requests(server: Server, tenant: Tenant, seed: int) -> None:
    rng = random.Random(seed)
    requests = list(itertools.islice(_requests(rng, tenant.keys.license_key), 25))
    stream = b"".join(data for data, _ in requests)
    with server.wire() as wire:
        while stream:
            size = rng.choice([1, 3, 40, 300, 5_000, len(stream)])
            wire.send(stream[:size])
            stream = stream[size:]
        statuses = [wire.answer().status for _ in requests]
        assert wire.request("GET", "/healthz").json == {"status": "ok"}
    assert statuses == [status for _, status in requests]


def test_many_requests_at_once_without_reading_are_answered_one_by_one(
    server: Server, tenant: Tenant
) -> None:
    one = head(method="GET", path="/healthz")
    with server.wire() as wire:
        wire.socket.setblocking(False)
        sent = 0
        while sent < 300 * len(one):
            sent += wire.socket.send((one * 300)[sent:])
        wire.socket.setblocking(True)
        wire.socket.settimeout(20)
        assert {wire.answer().status for _ in range(300)} == {200}
        assert wire.request("GET", "/readyz").status in {200, 503}


def test_what_is_cut_off_in_the_middle_of_an_endless_trailer(
    server: Server, tenant: Tenant
) -> None:
    with server.wire() as wire:
        wire.send(head("Transfer-Encoding: chunked") + b"1\r\n{\r\n0\r\nX: ")
        sent = 0
        try:
            while sent < 64 * MAX_HEAD:
                wire.send(b"A" * 4096)
                sent += 4096
        except OSError:
            pass  # closed meanwhile: as well
        answer = wire.answer()
    check(answer)
    assert (answer.status, answer.json["code"]) == (431, "headers_too_large")
    check_alive(server, tenant)


def test_a_request_with_two_hosts_is_refused(server: Server, tenant: Tenant) -> None:
    """RFC 9112, 3.2: proxies and servers would choose differently among them."""
    with server.wire() as wire:
        answer = wire.post("/api/messages/", tenant.message(), "Host: evil.example.org")
    assert (answer.status, answer.json["code"]) == (400, "malformed")
    assert not Message.objects.exists()
