"""What the tests of hostile input share: requests byte by byte, and what every answer must be."""

from __future__ import annotations

from messaging.models import Message
from tests.conftest import Tenant
from tests.http_api.live import Answer, Server


def head(*lines: str, method: str = "POST", path: str = "/api/messages/") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode("latin-1")


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


def check(answer: Answer) -> None:
    """No bug, no stack trace, and where it is a refusal, the one error body."""
    assert answer.status < 500, answer
    assert b"Traceback" not in answer.body
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/json", answer
        body = answer.json
        assert list(body) == ["message", "code", "errors"], body
        assert body["message"], body


def check_alive(server: Server, tenant: Tenant) -> None:
    answer = server.post("/api/messages", tenant.message(f"after-{Message.objects.count()}"))
    assert answer.status == 201, answer
