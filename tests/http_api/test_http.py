"""Over a real socket: what only a real client meets. Slashes, raw headers, chunks, large bodies."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.http import JsonResponse

from licenses.lookup import sender_of_license
from licenses.sender import Sender
from messaging.models import Message
from messaging.services import accept, delivery_window
from tests.conftest import Phone, Tenant
from tests.http_api.live import Server
from tests.routes import routes

pytestmark = pytest.mark.django_db(transaction=True)

MIB = 1024 * 1024
ROUTES = [
    "/api/messages/",
    "/api/messages/bulk/",
    "/api/contacts/contacts/",
    "/api/contacts/contacts/bulk/",
    "/api/contacts/groups/",
    "/api/contacts/groups/bulk/",
]


# --- slashes -----------------------------------------------------------------------------------


def _paths() -> list[str]:
    return [re.sub(r"\(\?P<[^)]*\)", "1", path).rstrip("/") for path, _ in routes()]


@pytest.mark.parametrize("path", _paths())
def test_no_route_ever_redirects(server: Server, tenant: Tenant, path: str) -> None:
    """A client turns a redirected POST into a GET without its body: a message would be lost."""
    statuses: dict[str, set[int]] = {}
    with server.wire() as wire:
        for method in ("GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS"):
            for address in (path.rstrip("/"), f"{path.rstrip('/')}/"):
                if not address:
                    continue
                answer = wire.request(method, address)
                assert not 300 <= answer.status < 400, (method, address)
                assert "location" not in answer.headers
                statuses.setdefault(method, set()).add(answer.status)
    assert all(len(both) == 1 for both in statuses.values()), statuses


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_message_arrives_with_and_without_the_slash(
    server: Server, tenant: Tenant, slash: str
) -> None:
    answer = server.post(f"/api/messages{slash}", tenant.message(message="Zażółć 😀"))
    assert answer.status == 201, answer
    assert answer.json["message"] == "Zażółć 😀"
    bulk = server.post(f"/api/messages/bulk{slash}", tenant.bulk([tenant.message("b")]))
    assert bulk.json["created_count"] == 1
    assert Message.objects.count() == 2


# --- what real clients send --------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        [],  # Node-RED: no content type at all
        ["Content-Type: application/x-www-form-urlencoded"],  # curl -d '{…}'
        ["content-type: application/json", "user-agent: n8n", "connection: close"],
        ["Content-Type: text/plain;charset=UTF-8", "Accept: text/html"],
        ["Accept: application/xml"],
        ["Accept-Encoding: gzip, br", "Origin: https://example.org", "Cookie: a=b"],
        ["Expect: 100-continue"],
    ],
)
def test_it_answers_every_client_in_json(
    server: Server, tenant: Tenant, headers: list[str]
) -> None:
    with server.wire() as wire:
        answer = wire.post("/api/messages/", tenant.message(), *headers)
        if answer.status == 100:
            answer = wire.answer()
    assert answer.status == 201, answer
    assert answer.json["external_id"] == "a-1"


def test_a_post_without_a_body_is_told_what_it_lacks(server: Server, db: None) -> None:
    answer = server.request("POST", "/api/messages/")
    assert answer.status == 400
    assert list(answer.json["errors"]) == ["license__key"]


def test_a_chunked_body_is_read(server: Server, tenant: Tenant) -> None:
    body = json.dumps(tenant.message(message="ż" * 60)).encode()
    chunks = [body[at : at + 7] for at in range(0, len(body), 7)] + [b""]
    with server.wire() as wire:
        wire.send(b"POST /api/messages HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in chunks:
            wire.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        answer = wire.answer()
    assert answer.status == 201, answer
    assert answer.json["message"] == "ż" * 60


def test_a_body_that_comes_in_single_bytes_is_read(server: Server, tenant: Tenant) -> None:
    body = json.dumps(tenant.message()).encode()
    with server.wire() as wire:
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.send(b"POST /api/messages HTTP/1.1\r\nHost: x\r\n")
        wire.send(b"Content-Length: %d\r\n\r\n" % len(body))
        for at in range(len(body)):
            wire.send(body[at : at + 1])
        assert wire.answer().status == 201


def test_a_body_that_is_cut_by_the_client_is_not_accepted(server: Server, tenant: Tenant) -> None:
    body = json.dumps(tenant.message()).encode() + b" " * 100
    with server.wire() as wire:
        wire.send(b"POST /api/messages HTTP/1.1\r\nHost: x\r\n")
        wire.send(b"Content-Length: %d\r\n\r\n" % len(body) + body[:-50])
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.file.read() == b""
    assert server.post("/api/messages", tenant.message("other")).status == 201
    assert Message.objects.count() == 1


def test_a_connection_is_kept_for_many_requests(server: Server, tenant: Tenant) -> None:
    with server.wire() as wire:
        for number in range(5):
            answer = wire.post("/api/messages/", tenant.message(f"a-{number}"))
            assert answer.status == 201
            assert answer.headers.get("connection", "keep-alive") != "close"
        assert wire.request("GET", "/nothing").status == 404
        assert wire.post("/api/messages/", b"{").status == 400
        assert wire.post("/api/messages/", tenant.message("last")).status == 201
    assert Message.objects.count() == 6


def test_pipelined_requests_are_answered_in_order(server: Server, tenant: Tenant) -> None:
    with server.wire() as wire:
        for number in range(3):
            body = json.dumps(tenant.message(f"a-{number}")).encode()
            wire.send(b"POST /api/messages HTTP/1.1\r\nHost: x\r\n")
            wire.send(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        answers = [wire.answer().json["external_id"] for _ in range(3)]
    assert answers == ["a-0", "a-1", "a-2"]


def test_head_and_options_have_no_effect(server: Server, tenant: Tenant) -> None:
    key = f"Authorization: Bearer {tenant.keys.license_key}"
    with server.wire() as wire:
        head = wire.request("HEAD", "/api/messages/", b"", key)
        assert (head.status, head.body) == (200, b"")
        assert wire.request("GET", "/api/messages/", b"", key).json["results"] == []
        options = wire.request("OPTIONS", "/api/messages/", b"", key)
        assert options.status == 200
        assert "POST" in options.headers["allow"]
        assert wire.request("HEAD", "/nothing").status == 404


# --- header names ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "is_seen"),
    [
        ("X-License-Key", True),
        ("x-license-key", True),
        ("X_License_Key", False),
        ("X-License_Key", False),
        ("x_license-key", False),
    ],
)
def test_header_names_with_underscores_are_dropped(
    server: Server, tenant: Tenant, header: str, is_seen: bool
) -> None:
    answer = server.request("GET", "/api/me", b"", f"{header}: {tenant.keys.license_key}")
    assert answer.status == (200 if is_seen else 400)


def test_the_three_underscored_headers_of_smsend_pass(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, str] = {}

    def look(request: Any) -> Any:
        seen.update(
            {name: value for name, value in request.META.items() if name.startswith("HTTP_")}
        )
        return JsonResponse({})

    [health] = [pattern for _, pattern in routes() if pattern.name == "healthz"]
    monkeypatch.setattr(health, "callback", look)
    names = ("user_key", "Session_key", "Access_token", "other_key", "Content_Length")
    answer = server.request("GET", "/healthz", b"", *(f"{name}: v-{name}" for name in names))
    assert answer.status == 200
    assert {name: value for name, value in seen.items() if value.startswith("v-")} == {
        "HTTP_USER_KEY": "v-user_key",
        "HTTP_SESSION_KEY": "v-Session_key",
        "HTTP_ACCESS_TOKEN": "v-Access_token",
    }


def test_an_underscored_forwarded_for_is_not_believed(
    server: Server, tenant: Tenant, settings: Any
) -> None:
    """WSGI would merge it with the one that the proxy wrote."""
    settings.TRUSTED_PROXIES = ("127.0.0.1",)
    settings.FAILED_KEYS_PER_MINUTE = 1
    wrong = {"license__key": "WRONGK"}
    proxy = "X-Forwarded-For: 198.51.100.7"
    statuses = [
        server.post("/api/messages", wrong, proxy, f"X_Forwarded_For: 203.0.113.{n}").status
        for n in range(3)
    ]
    assert statuses == [404, 429, 429]
    statuses = [
        server.post("/api/messages", wrong, f"X-Forwarded_For: 203.0.113.{n}").status
        for n in range(2)
    ]
    assert statuses == [404, 429]


def test_the_address_is_the_sockets_where_no_proxy_is_trusted(
    server: Server, tenant: Tenant, settings: Any
) -> None:
    settings.FAILED_KEYS_PER_MINUTE = 1
    statuses = [
        server.post("/api/messages", {"license__key": "WRONGK"}, f"X-Forwarded-For: 203.0.113.{n}")
        for n in range(2)
    ]
    assert [answer.status for answer in statuses] == [404, 429]
    assert statuses[1].headers["retry-after"] == "60"
    assert server.post("/api/messages", tenant.message()).status == 201


# --- sizes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_of_just_the_limit_is_read_and_one_byte_more_is_413(
    server: Server, tenant: Tenant, path: str
) -> None:
    limit = 8 * MIB if "bulk" in path else 64 * 1024
    body = json.dumps(tenant.message()).encode()
    assert server.post(path, body + b" " * (limit - len(body))).status in {201, 400}
    answer = server.post(path.rstrip("/"), body + b" " * (limit + 1 - len(body)))
    assert answer.status == 413
    assert answer.json["code"] == "too_large"
    assert list(answer.json) == ["message", "code", "errors"]


@pytest.mark.parametrize(
    ("path", "announced"),
    [("/api/messages/", 64 * 1024 + 1), ("/api/messages/bulk", 8 * MIB + 1), ("/", 10**15)],
)
def test_a_body_that_is_announced_as_too_large_is_refused_unread(
    server: Server, tenant: Tenant, path: str, announced: int
) -> None:
    """Not a byte of it is sent here, and the answer comes all the same."""
    for expect in (b"", b"Expect: 100-continue\r\n"):
        with server.wire() as wire:
            wire.send(b"POST %b HTTP/1.1\r\nHost: x\r\n" % path.encode())
            wire.send(b"%bContent-Length: %d\r\n\r\n" % (expect, announced))
            answer = wire.answer()
        assert answer.status == 413
        assert answer.json["code"] == "too_large"


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/api/groups", 65536), ("/api/x/bulk/", 65536), ("/api/messages/bulk", 8 * MIB)],
)
def test_an_endless_chunked_body_is_refused_on_its_way(
    server: Server, tenant: Tenant, path: str, limit: int
) -> None:
    chunk = b"%x\r\n%b\r\n" % (65536, b" " * 65536)
    with server.wire() as wire:
        wire.send(b"POST %b HTTP/1.1\r\nHost: x\r\n" % path.encode())
        wire.send(b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(limit // 65536 + 1):
            wire.send(chunk)
        answer = wire.answer()  # the body has not ended
    assert answer.status == 413


@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_whose_form_is_too_large_reads_a_page(server: Server, tenant: Tenant, method: str) -> None:
    browser = ("Accept: text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language: pl")
    with server.wire() as wire:
        answer = wire.request(method, "/admin/login/", b" " * 65537, *browser)
    assert answer.status == 413
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = answer.body.decode()
    if method == "POST":
        assert '<html lang="pl">' in page
        assert "Przesłano więcej danych, niż przyjmuje ten adres." in page
    programs = server.post("/api/messages/", b" " * 65537, *browser)
    assert (programs.status, programs.json["code"]) == (413, "too_large")


def test_whose_form_meets_a_busy_server_reads_a_page(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.root._pool, "_patience", -1)
    answer = server.request("GET", "/admin/login/", b"", "Accept: text/html")
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    page = answer.body.decode()
    assert "<main>" in page
    assert "The server has too much to do" in page


def test_after_413_the_rest_of_the_body_is_no_request(server: Server, tenant: Tenant) -> None:
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    body = b" " * 70_000 + smuggled
    with server.wire() as wire:
        assert wire.post("/api/messages/", body).status == 413
        try:
            answer = wire.post("/api/messages/", tenant.message())
        except (AssertionError, OSError):
            return  # the connection was closed: fine too
    assert answer.status == 201


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/nothing", "/api/", "/%00", "/api/messages/%ff", "/a//b", "/*"])
def test_an_unknown_address_is_404_in_json(server: Server, db: None, path: str) -> None:
    answer = server.request("GET", path)
    assert answer.status == 404
    assert list(answer.json) == ["message", "code", "errors"]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /api/messages/?phone=+48 123 456 789 HTTP/1.1",  # a URL that nobody encoded
        "GET /api/messages/?phone=ł HTTP/1.1".encode(),
        b"POST /api/messages/ HTTP/1.1\r\nContent-Length: many",
        b"hello",
    ],
)
def test_what_is_no_http_is_400_in_json(server: Server, db: None, line: bytes) -> None:
    with server.wire() as wire:
        wire.send(line + b"\r\nHost: x\r\n\r\n")
        answer = wire.answer()
    assert answer.status == 400
    assert list(answer.json) == ["message", "code", "errors"]
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/companion/wait/", "/companion/wait"])
def test_a_long_poll_takes_no_other_method(
    server: Server, db: None, path: str, method: str
) -> None:
    answer = server.request(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, "GET")
    assert method == "HEAD" or answer.json["code"] == "method_not_allowed"


@pytest.mark.parametrize("met_by", [OperationalError, InterfaceError])
def test_a_long_poll_that_loses_its_database_says_when_to_come_again(
    server: Server, tenant: Tenant, phone: Phone, monkeypatch: pytest.MonkeyPatch, met_by: Any
) -> None:
    """The statement that is cut off meets one error, and the next on that connection the other."""

    def cut_off(license_id: int) -> Sender:
        survived = [OperationalError] if met_by is InterfaceError else []
        with contextlib.suppress(*survived), connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return sender_of_license(license_id)

    key = f"Authorization: Bearer {phone.token}"
    with monkeypatch.context() as patch:
        patch.setattr(delivery_window, "sender_of_license", cut_off)
        answer = server.request("GET", "/companion/wait/", b"", key)
    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "2"
    server.post("/api/messages/", tenant.message())
    assert server.request("GET", "/companion/wait/", b"", key).json == {"ready": True}


@pytest.mark.parametrize("path", ["/", "/api/docs", "/api/schema/", "/pair/", "/healthz"])
def test_a_message_posted_to_a_page_is_405_in_json(
    server: Server, tenant: Tenant, path: str
) -> None:
    answer = server.post(path, tenant.message())
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("charset", ["hex", "undefined", "utf-16", "none-such", "utf-8"])
@pytest.mark.parametrize("parameter", ["charset={}", "charset*={}''x"])
def test_a_body_is_utf_8_whatever_its_content_type_says(
    server: Server, tenant: Tenant, charset: str, parameter: str
) -> None:
    kind = f"Content-Type: application/json; {parameter.format(charset)}"
    answer = server.post("/api/messages/", tenant.message(message="Zażółć"), kind)
    assert (answer.status, answer.json["message"]) == (201, "Zażółć")


@pytest.mark.parametrize("boundary", ["boundary*=utf-9''x", "boundary=", "charset=hex", "x" * 9000])
def test_a_multipart_body_without_a_usable_boundary_is_400(
    server: Server, tenant: Tenant, boundary: str
) -> None:
    kind = f"Content-Type: multipart/form-data; {boundary}"
    assert server.post("/api/messages/", b"--x--", kind).json["code"] == "malformed"


def test_a_bug_in_front_of_django_is_500_in_json(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsgate.web.asgi.wsgi_environ", lambda *_: 1 / 0)
    answer = server.post("/api/messages", tenant.message())
    assert answer.status == 500
    assert answer.json["incident"] in answer.json["message"]


def test_a_bug_is_500_in_json(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "accept", lambda *_: 1 / 0)
    answer = server.post("/api/messages", tenant.message())
    assert answer.status == 500
    assert answer.json["incident"] in answer.json["message"]


def test_an_empty_answer_has_no_body(server: Server, tenant: Tenant) -> None:
    key = f"X-License-Key: {tenant.keys.license_key}"
    with server.wire() as wire:
        wire.post("/api/opt-outs", {"phone": "+48123456789"}, key)
        answer = wire.request("DELETE", "/api/opt-outs/+48123456789", b"", key)
        assert (answer.status, answer.body) == (204, b"")
        assert "content-type" not in answer.headers
        assert wire.request("GET", "/api/opt-outs", b"", key).json["results"] == []


def test_a_refused_key_names_its_scheme_and_a_throttled_one_its_time(
    server: Server, tenant: Tenant, settings: Any
) -> None:
    settings.FAILED_KEYS_PER_MINUTE = 1
    body = tenant.with_keys(api_key="ABCDEFGHIJKL", name="VIP")
    first = server.post("/api/contacts/groups", body)
    assert (first.status, first.headers["www-authenticate"]) == (401, "Bearer")
    second = server.post("/api/contacts/groups", body)
    assert (second.status, second.headers["retry-after"]) == (429, "60")
