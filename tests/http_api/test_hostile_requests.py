"""Requests that mean no good, over real sockets: never a 500, always the error body, and the server
answers the next one as if nothing had been."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Any

import pytest

from messaging.models import Message
from smsgate.web import http_connection, http_protocol, request_body
from tests.conftest import Tenant
from tests.http_api.hostile import check, check_alive, chunked, head
from tests.http_api.live import Server

pytestmark = pytest.mark.django_db(transaction=True)

MIB = 1024 * 1024

# The answer is that the connection ends: there is nobody to answer, or nothing to answer to.
NO_ANSWER = 0

# --- requests that are none --------------------------------------------------------------------


@dataclass(frozen=True)
class Raw:
    """Bytes on the wire, and which statuses are a right answer to them."""

    name: str
    data: bytes
    statuses: tuple[int, ...]

    def __str__(self) -> str:
        return self.name


CHUNKED = head("Transfer-Encoding: chunked")
LARGE = b" " * (9 * MIB)
HEALTH = head(method="GET", path="/healthz")

RAW = [
    # request lines
    Raw("nothing", b"", (NO_ANSWER,)),
    Raw("empty lines", b"\r\n\r\n\r\n", (NO_ANSWER,)),
    Raw("noise", bytes(range(256)), (400,)),
    Raw("tls on the plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x9a" * 64, (400,)),
    Raw("unknown method", b"BREW / HTTP/1.1\r\n\r\n", (400,)),
    Raw("lower-case method", b"get / HTTP/1.1\r\n\r\n", (400,)),
    Raw("no version", b"GET /healthz\r\n\r\n", (200, 400)),
    Raw("http 0.9", b"GET /healthz HTTP/0.9\r\nHost: x\r\n\r\n", (200, 400)),
    Raw("http 1.0", b"GET /healthz HTTP/1.0\r\n\r\n", (200,)),
    Raw("http 2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400,)),
    Raw("http 9.9", b"GET /healthz HTTP/9.9\r\n\r\n", (400,)),
    Raw("connect", b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", (400,)),
    Raw("connect to a path", head("Content-Length: 0", method="CONNECT"), (400,)),
    Raw("a request without a version before one", b"GET /healthz\r\n" + HEALTH, (400,)),
    Raw("trace", head(method="TRACE"), (405,)),
    Raw("patch", head("Content-Length: 0", method="PATCH"), (405,)),
    Raw("propfind", head(method="PROPFIND"), (405,)),
    Raw("options of all", head(method="OPTIONS", path="*"), (400, 404)),
    Raw("absolute address", head(method="GET", path="http://evil.example/healthz"), (200,)),
    Raw("absolute address without path", head(method="GET", path="http://evil.example"), (400,)),
    Raw("space in the path", b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", (400,)),
    Raw("bad utf-8 in the path", head(method="GET", path="/\xff\xfe"), (400, 404)),
    Raw("escaped bad utf-8", head(method="GET", path="/api/messages/%ff%fe"), (404,)),
    Raw("escaped nul", head(method="GET", path="/api/messages/%00"), (404,)),
    Raw("escaped line end", head(method="GET", path="/%0d%0aX-A:b"), (404,)),
    Raw("dots", head(method="GET", path="/static/../../../../etc/passwd"), (404,)),
    Raw("escaped dots", head(method="GET", path="/static/%2e%2e/%2e%2e/etc/passwd"), (404,)),
    Raw("id past bigint", head(method="GET", path="/api/messages/" + "9" * 18), (400,)),
    Raw("id of many digits", head(method="GET", path="/api/messages/" + "9" * 400), (404,)),
    Raw("very long url", head(method="GET", path="/" + "a" * 40_000), (431,)),
    Raw("very long query", head(method="GET", path="/?" + "a" * 40_000), (431,)),
    Raw("endless url", b"GET /" + b"a" * 200_000, (431,)),
    # headers
    Raw("header flood", head(*(f"X-{n}: {n}" for n in range(5_000))), (431,)),
    Raw("one header flooded", head(*["X-A: b"] * 5_000), (431,)),
    Raw("endless header", b"GET / HTTP/1.1\r\nX-A: " + b"b" * 200_000, (431,)),
    Raw("endless header name", b"GET / HTTP/1.1\r\n" + b"b" * 200_000, (400, 431)),
    Raw("header without colon", head("nonsense"), (400,)),
    Raw("header without name", head(": b"), (400,)),
    Raw("space before colon", head("Content-Length : 0"), (400,)),
    Raw("folded header", head("X-A: b", " c"), (400,)),
    Raw("nul in a header", head("X-A: b\0c"), (400,)),
    Raw("bare line feeds", b"GET /healthz HTTP/1.1\nHost: x\n\n", (200, 400)),
    Raw("bare carriage return", head("X-A: b\rX-License-Key: c"), (400,)),
    Raw("latin-1 key", head("X-License-Key: \xe9\xe8\xff\xfe\xfd\xfc", method="GET"), (404,)),
    Raw("other latin-1 names", head("X-\xe9: b"), (400,)),
    Raw("no host", b"GET /healthz HTTP/1.1\r\n\r\n", (200, 400)),
    Raw("host of nonsense", b"POST /admin/login/ HTTP/1.1\r\nHost: a b\x7f\r\n\r\n", (400, 403)),
    Raw("two hosts", head("Host: y", method="GET", path="/healthz"), (200, 400)),
    Raw("bad cookies", head("Cookie: sessionid=\xff;;=;a=;\t", method="GET", path="/"), (200,)),
    Raw("upgrade", head("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: a",
        "Sec-WebSocket-Version: 13", method="GET", path="/companion/wait/"), (401,)),
    Raw("upgrade to http 2", head("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAAP__", method="GET", path="/healthz"), (200,)),
    # lengths, and requests inside of requests
    Raw("length of letters", head("Content-Length: ten"), (400,)),
    Raw("negative length", head("Content-Length: -1"), (400,)),
    Raw("length with a plus", head("Content-Length: +5") + b"{    ", (400,)),
    Raw("length past 64 bits", head("Content-Length: " + "9" * 30), (400, 413)),
    Raw("two lengths", head("Content-Length: 2", "Content-Length: 3") + b"{} ", (400,)),
    Raw("twice the same length", head("Content-Length: 2", "Content-Length: 2") + b"{}", (400,)),
    Raw("a list of lengths", head("Content-Length: 2, 2") + b"{}", (400,)),
    Raw("length and chunks", head("Content-Length: 4", "Transfer-Encoding: chunked")
        + b"0\r\n\r\n" + HEALTH, (400,)),
    Raw("chunks and length", head("Transfer-Encoding: chunked", "Content-Length: 4")
        + b"0\r\n\r\n" + HEALTH, (400,)),
    Raw("chunks of an old version", b"POST /api/messages HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunked(b"{}", b""), (400,)),
    Raw("gzip inside of chunks", head("Transfer-Encoding: gzip, chunked") + chunked(b"{}", b""), (400,)),
    Raw("gzip inside of chunks, in two lines", head("Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked") + chunked(b"{}", b""), (400,)),
    Raw("unknown transfer encoding", head("Transfer-Encoding: gzip") + b"{}", (400,)),
    Raw("chunked twice", head("Transfer-Encoding: chunked", "Transfer-Encoding: identity")
        + chunked(b"{}", b""), (400,)),
    Raw("chunked not last", head("Transfer-Encoding: chunked, gzip") + chunked(b"{}", b""), (400,)),
    Raw("chunked with a tab", head("Transfer-Encoding: \tchunked") + chunked(b"{}", b""), (400,)),
    Raw("chunked of an old client", head("Transfer-Encoding: xchunked") + chunked(b"{}", b""), (400,)),
    Raw("chunk size of letters", CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n", (400,)),
    Raw("chunk size past 64 bits", CHUNKED + b"f" * 20 + b"\r\n", (400,)),
    Raw("negative chunk", CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n", (400,)),
    Raw("chunk longer than it said", CHUNKED + b"1\r\n{}\r\n0\r\n\r\n", (400,)),
    Raw("endless chunk extension", CHUNKED + b"2;" + b"a" * 300_000,
        (431,)),
    Raw("endless trailer", CHUNKED + chunked(b"{}") + b"0\r\nX: " + b"a" * 300_000, (431,)),
    Raw("endless trailers", CHUNKED + chunked(b"{}") + b"0\r\n" + b"X: a\r\n" * 60_000, (431,)),
    Raw("chunks without end", CHUNKED + chunked(b"{}"), (NO_ANSWER,)),
    Raw("a length behind the body", CHUNKED
        + chunked(b"{}") + b"0\r\nContent-Length: 9\r\n\r\n", (400,)),
    Raw("many tiny chunks", CHUNKED + chunked(*[b" "] * 60_000, b""), (400,)),
    Raw("expectation of something else", head("Expect: 200", "Content-Length: 2") + b"{}", (400, 417)),
    Raw("body cut", head("Content-Length: 100") + b'{"license__key": "', (NO_ANSWER,)),
    Raw("body of a get", head("Content-Length: 2", method="GET", path="/healthz") + b"{}", (200,)),
    Raw("9 MB", head(f"Content-Length: {len(LARGE)}", path="/api/messages/bulk/") + LARGE, (413,)),
    Raw("9 MB, closing", head(f"Content-Length: {len(LARGE)}", "Connection: close") + LARGE, (413,)),
    Raw("9 MB in chunks", head("Transfer-Encoding: chunked", path="/api/messages/bulk/")
        + chunked(*[b" " * MIB] * 9, b""), (413,)),
    Raw("65 KB to an admin", head("Content-Length: 66000", path="/admin/") + LARGE[:66_000], (413,)),
]  # fmt: skip


@pytest.mark.parametrize("raw", RAW, ids=str)
def test_bytes_that_are_no_good_request(server: Server, tenant: Tenant, raw: Raw) -> None:
    with server.wire() as wire:
        wire.send(raw.data)
        if NO_ANSWER in raw.statuses:
            wire.socket.shutdown(socket.SHUT_WR)
        answer = None if wire.file.peek(1) == b"" else wire.answer(has_body=True)
    assert (answer.status if answer else NO_ANSWER) in raw.statuses, answer
    if answer:
        check(answer)
    check_alive(server, tenant)
    assert Message.objects.count() == 1, "nothing of it was accepted"


# --- slow and early ends -------------------------------------------------------------------------


def test_a_head_that_never_ends_is_given_up(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.2)
    with server.wire() as silent, server.wire() as slow, server.wire() as second:
        slow.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        answer = slow.answer()
        check(answer)
        assert (answer.status, answer.json["code"]) == (408, "timeout")
        assert slow.file.read() == b""
        assert silent.file.read() == b"", "who says nothing is told nothing"
        # also where a good request came before
        assert second.socket.recv(1) == b""
    with server.wire() as wire:
        assert wire.request("GET", "/healthz").status == 200
        wire.send(b"GET /he")
        assert wire.answer().status == 408
    check_alive(server, tenant)


def test_a_body_that_never_ends_is_given_up(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(http_connection, "LINGER_SECONDS", 0.2)
    for framing in ("Content-Length: 1000", "Transfer-Encoding: chunked"):
        with server.wire() as wire:
            wire.send(head(framing))
            answer = wire.answer()
            check(answer)
            assert (answer.status, answer.json["code"]) == (408, "timeout")
            assert wire.file.read() == b"", "the connection ends soon after"
    check_alive(server, tenant)


def test_a_refused_body_is_not_read_for_ever(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "LINGER_SECONDS", 0.2)
    with server.wire() as wire:
        wire.send(CHUNKED)
        for _ in range(2):
            wire.send(chunked(b" " * 65_536))
        assert wire.answer().status == 413
        try:
            while True:
                wire.send(chunked(b" " * 65_536))
        except OSError:
            pass  # reset, or a broken pipe
    check_alive(server, tenant)


def test_a_client_that_goes_away_is_no_error(server: Server, tenant: Tenant) -> None:
    for data in (b"", b"GET", HEALTH, head("Content-Length: 9") + b"{", HEALTH * 50):
        with server.wire() as wire:
            wire.send(data)
            wire.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )  # a reset
    check_alive(server, tenant)


# --- requests behind requests ----------------------------------------------------------------------


def test_noise_behind_a_request_does_not_take_its_answer(server: Server, tenant: Tenant) -> None:
    body = json.dumps(tenant.message()).encode()
    with server.wire() as wire:
        wire.send(head(f"Content-Length: {len(body)}") + body + b"noise\r\n\r\n")
        assert wire.answer().status == 201
        assert wire.file.read() == b""
    assert Message.objects.count() == 1


def test_what_follows_a_closing_request_is_not_done(server: Server, tenant: Tenant) -> None:
    body = json.dumps(tenant.message()).encode()
    closing = head("Connection: close", method="GET", path="/healthz")
    with server.wire() as wire:
        wire.send(closing + head(f"Content-Length: {len(body)}") + body)
        assert wire.answer().status == 200
        assert wire.file.read() == b""
    assert Message.objects.count() == 0


def test_a_smuggled_request_is_not_done(server: Server, tenant: Tenant) -> None:
    """Two ways to read where a request ends: the one behind it is nobody's."""
    inner = json.dumps(tenant.message()).encode()
    smuggled = head(f"Content-Length: {len(inner)}") + inner
    for framing in (
        ("Content-Length: 0", "Transfer-Encoding: chunked"),
        (f"Content-Length: {len(smuggled)}", "Content-Length: 0"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    ):
        with server.wire() as wire:
            wire.send(head(*framing, path="/healthz") + b"0\r\n\r\n" + smuggled)
            answer = wire.answer()
            check(answer)
            assert answer.status == 400
            assert wire.file.read() == b""
    assert Message.objects.count() == 0


@pytest.mark.parametrize("trailer", ["X-License-Key", "Authorization", "X-Forwarded-For"])
def test_a_trailer_is_no_header(
    server: Server, tenant: Tenant, settings: Any, trailer: str
) -> None:
    """A proxy sets the headers, and passes trailers on unseen."""
    settings.TRUSTED_PROXIES = ("127.0.0.1",)
    settings.FAILED_KEYS_PER_MINUTE = 1
    key = tenant.keys.license_key
    value = {"X-License-Key": key, "Authorization": f"Bearer {key}"}.get(trailer, "203.0.113.1")
    with server.wire() as wire:
        for n in range(2):
            wire.send(head("Transfer-Encoding: chunked", "X-Forwarded-For: 198.51.100.7"))
            body = b'{"license__key": "WRONGK"}' if "For" in trailer else b"{}"
            wire.send(chunked(body) + f"0\r\n{trailer}: {value}{n}\r\n\r\n".encode())
            answer = wire.answer()
            check(answer)
    assert answer.status == (429 if "For" in trailer else 400)


def test_the_client_waits_for_100_and_gets_it_once(server: Server, tenant: Tenant) -> None:
    body = json.dumps(tenant.message()).encode()
    with server.wire() as wire:
        wire.send(head("Expect: 100-continue", f"Content-Length: {len(body)}"))
        assert wire.answer().status == 100
        wire.send(body)
        assert wire.answer().status == 201
        assert wire.request("GET", "/healthz").status == 200


def test_http_1_0_is_answered_and_closed(server: Server, tenant: Tenant) -> None:
    body = json.dumps(tenant.message()).encode()
    with server.wire() as wire:
        wire.send(b"POST /api/messages HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert wire.answer().status == 201
        assert wire.file.read() == b""
