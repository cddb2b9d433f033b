"""What a stranger can make the service hold is bounded, and docs/security.md says by what."""

from __future__ import annotations

import asyncio
import fcntl
import json
import resource
import socket
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from dialects import smsend
from http_api import body_limits
from http_api.body_limits import KIB, MIB
from http_api.errors import ApiError
from http_api.parsing import parse_json
from smsgate.config import PROJECT_DIR
from smsgate.web import (
    asgi,
    http_body,
    http_connection,
    http_protocol,
    request_body,
    serve,
    web_database,
)
from smsgate.web.connection_limits import ConnectionLimits
from smsgate.web.http_protocol import Protocol
from smsgate.web.in_flight import InFlight
from smsgate.web.lanes import Lanes
from smsgate.web.responses import PIECE
from tests.conftest import Tenant
from tests.http_api.hostile import check_alive, head
from tests.http_api.live import Server, Wire

pytestmark = pytest.mark.django_db(transaction=True)

BUNDLE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
BULK = "/api/messages/bulk/"


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Released for each connection that the server has done with."""
    count = threading.Semaphore(0)
    connection_lost = Protocol.connection_lost

    def noted(self: Protocol, exc: Exception | None) -> None:
        connection_lost(self, exc)
        count.release()

    monkeypatch.setattr(Protocol, "connection_lost", noted)
    return count


# --- the table -----------------------------------------------------------------------------------


def _table() -> dict[str, tuple[str, str]]:
    text = (PROJECT_DIR / "docs" / "security.md").read_text()
    rows = text.partition("\n## Limits\n")[2].partition("\n## ")[0].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if row[:1] == "|"]
    return {what: (limit, more) for what, limit, more in cells[2:]}


def test_the_table_of_limits_says_what_the_code_does() -> None:
    seconds = "{:.0f} s".format
    constants = {
        "request line and headers": f"{http_protocol.MAX_HEAD // KIB} KiB",
        "time for a head": seconds(http_protocol.HEAD_SECONDS),
        "trailers and frames of chunks": f"{http_body.MAX_FRAMING // KIB} KiB, and"
        f" {http_body.FRAME_BYTES_PER_BODY_BYTE} bytes for each of the body",
        "requests sent ahead of their answers": f"{ConnectionLimits.max_ahead // MIB} MiB,"
        " of all connections",
        "a body": f"{body_limits.OTHER_BODY // KIB} KiB",
        "a body for an import, by API or in the console": f"{body_limits.FILE_BODY // KIB} KiB",
        "a body for `/companion/sync/`": f"{body_limits.SYNC_BODY // KIB} KiB",
        "a body for a hook link": f"{body_limits.HOOK_BODY // MIB} MiB",
        "a body for smSend's routes": f"{smsend.DIALECT.body_limit // MIB} MiB",
        "a body for a bulk route": f"{body_limits.BULK_BODY // MIB} MiB",
        "time for a body": seconds(request_body.BODY_SECONDS),
        "a slow body": f"{request_body.STALL_BYTES // KIB} KiB in {seconds(request_body.STALL_SECONDS)}",
        "bodies of up to 64 KiB, all together": f"{body_limits.SMALL_BODIES // MIB} MiB",
        "larger bodies, all together": f"{body_limits.LARGE_BODIES // MIB} MiB",
        "bulks, and bodies above 64 KiB, being worked on": f"{Lanes(8).bulks.threads} of 8 threads",
        "values of a JSON body": f"{body_limits.MAX_JSON_VALUES:,}",
        "time to take some of an answer": seconds(http_connection.UNREAD_SECONDS),
        "an answer that waits to be taken": f"{PIECE // KIB} KiB of a file",
        "open connections": f"{ConnectionLimits.max_open:,}, or {serve.OTHER_FILES} fewer than"
        " the process may open files",
        "time between two requests": seconds(serve.KEEP_ALIVE_SECONDS),
        "time that the rest of a refused body is read": seconds(http_connection.LINGER_SECONDS),
    }
    assert {what: limit for what, (limit, _) in _table().items()} == constants


# --- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [b"[[[]]]", b"0", b"{}", b'""', b'{"a":[]}', b'{"a,a":"[,"}'])
def test_json_that_is_cheap_to_write_and_dear_to_read_is_refused_unread(
    monkeypatch: pytest.MonkeyPatch, value: bytes
) -> None:
    body = b'{"messages":[' + b",".join([value] * (2 * MIB // len(value))) + b"]}"
    with monkeypatch.context() as patch:
        patch.setattr("json.loads", None)
        with pytest.raises(ApiError) as refused:
            parse_json(body)
    assert "more than 100,000 values" in refused.value.message


@pytest.mark.parametrize("text", ['\\"', "\\\\", '\\\\\\"', "\\n", '"', "\\"])
def test_counting_values_is_fast_whatever_is_escaped(text: str) -> None:
    body = ('{"a":"' + "," * 200_000 + text * (4 * MIB // len(text)))[: 4 * MIB].encode()
    started = time.process_time()
    with pytest.raises(ApiError):
        parse_json(body)
    assert time.process_time() - started < 3


@pytest.mark.parametrize("text", ["1,2,3,[4],{5}," * 100, '\\",[' * 300, "[\\\\" * 300])
def test_texts_may_hold_as_many_commas_and_brackets_as_they_like(text: str) -> None:
    items = [
        f'{{"external_id":"{n}","phone":"+48123456789","message":"{text}"}}' for n in range(1000)
    ]
    assert len(parse_json(f'{{"messages":[{",".join(items)}]}}'.encode())["messages"]) == 1000


def test_the_key_that_stands_twice_is_found_fast_behind_many_others() -> None:
    body = b"{" + b",".join(b'"%d":1' % number for number in range(40_000)) + b',"39999":1}'
    started = time.process_time()
    with pytest.raises(ApiError) as refused:
        parse_json(body)
    assert refused.value.message == 'The key "39999" stands twice in one object.'
    assert time.process_time() - started < 3  # to count each key takes half a minute


def test_a_key_that_stands_twice_is_refused_by_its_name() -> None:
    for body in ('{"phone":"a","message":"b","phone":"c"}', '{"x":[{"phone":1,"phone":1}]}'):
        with pytest.raises(ApiError) as refused:
            parse_json(body.encode())
        assert refused.value.message == 'The key "phone" stands twice in one object.'


@pytest.mark.parametrize("body", ['{"a":"\n"}', '{"a":"', '{"a" 1}', '{"a":\\}'])
def test_where_json_is_wrong_is_said_in_words(body: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_json(body.encode())
    assert " at line 1 column " in refused.value.message or "line 2" in refused.value.message
    assert "at at" not in refused.value.message


# --- bodies --------------------------------------------------------------------------------------


def test_the_body_that_has_been_coming_for_longest_makes_room() -> None:
    pool = InFlight(100)
    evicted: list[str] = []
    with pool.share() as old, pool.share() as worked_on, pool.share() as new:
        old.evict = lambda: evicted.append("old")
        new.evict = lambda: evicted.append("new")
        old.grow(50)
        worked_on.grow(40)
        new.grow(60)
        assert (evicted, pool.held) == (["old"], 100)
        with pytest.raises(ApiError):
            old.grow(1)
        with pytest.raises(ApiError) as refused:
            new.grow(1)
        assert refused.value.retry_after
    assert pool.held == 0


def test_bodies_that_never_end_are_in_nobodys_way(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.root._large, "limit", 3 * MIB)
    with ExitStack() as stack:
        stalled = [stack.enter_context(server.wire()) for _ in range(6)]
        for wire in stalled:
            wire.send(head(f"Content-Length: {2 * MIB}", path=BULK) + b" " * MIB)
        answers = [wire.answer() for wire in stalled[:3]]
        for answer in answers:
            check_busy(answer)
        assert server.post(BULK, b" " * 2 * MIB).status == 400, "a whole one is read"
    check_alive(server, tenant)


def check_busy(answer: Any) -> None:
    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


def test_a_body_that_stalls_is_given_up(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "STALL_SECONDS", 0.3)
    with server.wire() as wire:
        wire.send(head(f"Content-Length: {8 * MIB}", path=BULK) + b" " * MIB)
        assert wire.answer().status == 408
    check_alive(server, tenant)


@pytest.mark.parametrize(
    "path", ["/api/nothing/here/bulk", "/dialects/x/send-bulk", "/API/v1.0/REST/x"]
)
def test_a_path_that_is_no_route_takes_no_large_body(
    server: Server, tenant: Tenant, path: str
) -> None:
    with server.wire() as wire:
        wire.send(head(f"Content-Length: {65 * KIB}", path=path))
        assert wire.answer().status == 413


@pytest.mark.parametrize("path", [BULK, "/api/messages/", "/admin/login/"])
def test_no_file_of_a_form_is_ever_written(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", None)
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    size = (3 * MIB) if path == BULK else 50 * KIB
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + b"x" * size
    body = part + b"\r\n--b--\r\n"
    answer = server.post(path, body, "Content-Type: multipart/form-data; boundary=b")
    assert answer.status in {400, 403}, answer


# --- answers -------------------------------------------------------------------------------------


def test_an_answer_that_is_not_taken_ends_the_connection(
    server: Server, tenant: Tenant, lost: threading.Semaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "UNREAD_SECONDS", 0.3)
    with server.wire() as wire:
        wire.send(head(method="GET", path=BUNDLE) * 20)
        assert lost.acquire(timeout=20)
    check_alive(server, tenant)


def test_a_large_file_is_sent_whole_and_in_parts(server: Server, tenant: Tenant) -> None:
    with server.wire() as wire:
        first = wire.request("GET", BUNDLE)
        assert first.status == 200
        assert len(first.body) == int(first.headers["content-length"]) > MIB
        part = wire.request("GET", BUNDLE, b"", "Range: bytes=100-199")
        assert (part.status, part.body) == (206, first.body[100:200])
        assert wire.request("HEAD", BUNDLE).headers["content-length"] == str(len(first.body))
        assert wire.request("GET", "/healthz").status == 200


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_an_answer_in_pieces_is_the_same(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    content = bytes(n % 251 for n in range(size))
    answer = (200, [(b"content-length", str(size).encode())], content)
    monkeypatch.setattr(asgi, "call_django", lambda environ: answer)
    assert server.request("GET", "/healthz").body == content


def test_requests_sent_ahead_are_bounded(
    server: Server, tenant: Tenant, lost: threading.Semaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectionLimits, "max_ahead", 256 * KIB)
    requests = head(method="GET", path=BUNDLE) * 20_000
    with server.wire() as wire:
        threading.Thread(target=_send_all, args=(wire, requests), daemon=True).start()
        assert lost.acquire(timeout=20)
    check_alive(server, tenant)


def test_requests_sent_ahead_are_bounded_however_many_connections_share_them(
    server: Server, tenant: Tenant, lost: threading.Semaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectionLimits, "max_ahead", 256 * KIB)
    one = head(method="GET", path=BUNDLE)
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(server.wire()).send(one * (60 * KIB // len(one)))
        assert lost.acquire(timeout=20), "none has sent much, all together have"
    check_alive(server, tenant)


def _send_all(wire: Wire, data: bytes) -> None:
    with suppress(OSError):  # closed, as it should be
        wire.send(data)


# --- connections ---------------------------------------------------------------------------------


def test_idle_connections_make_room_for_new_ones(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectionLimits, "max_open", 20)
    with ExitStack() as stack:
        idle = [stack.enter_context(server.wire()) for _ in range(60)]
        check_alive(server, tenant)
        assert idle[0].file.read() == b""


def test_where_every_connection_works_a_new_one_is_told_so(
    server: Server, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectionLimits, "max_open", 4)
    with ExitStack() as stack:
        for _ in range(4):
            wire = stack.enter_context(server.wire())
            wire.send(head("Expect: 100-continue", "Content-Length: 5"))
            assert wire.answer().status == 100, "its request is being worked on"
        body = json.dumps(tenant.message()).encode()
        check_busy(server.post("/api/messages/", body))
    check_alive(server, tenant)


def test_a_database_connection_may_have_any_descriptor() -> None:
    """select() takes none from 1,024 on: the thread that held such a one answered 500 for ever."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard <= 1_100:
        pytest.skip("needs 1,100 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1_101), hard))
    ours, theirs = socket.socketpair()
    with ours, theirs, open(fcntl.fcntl(ours, fcntl.F_DUPFD, 1_100), "rb") as high:
        assert high.fileno() >= 1_100
        assert not web_database._has_input(high)
        theirs.send(b"the end")
        assert web_database._has_input(high)
    assert web_database._has_input(ours), "closed: better a new one"


@pytest.mark.parametrize(
    ("soft", "hard", "raised_to", "connections"),
    [
        (1024, 1_048_576, 1_048_576, 5_000),
        (1024, 4096, 4096, 3_896),
        (1024, 1024, None, 824),
        (256, 256, None, 128),
        (1024, resource.RLIM_INFINITY, 5_200, 5_000),
    ],
)
def test_as_many_connections_as_files_may_be_open(
    monkeypatch: pytest.MonkeyPatch,
    soft: int,
    hard: int,
    raised_to: int | None,
    connections: int,
) -> None:
    raised: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: raised.append(pair[0]))
    assert serve.connections_allowed() == connections
    assert raised == ([raised_to] if raised_to else [])


def test_a_request_that_the_end_of_the_server_cuts_off_is_told_so(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uvicorn would answer 500 in plain text, and log a traceback for each."""
    sent: list[Any] = []

    async def cut_off(*_: Any) -> Any:
        raise asyncio.CancelledError

    async def send(message: Any) -> None:
        sent.append(message)

    monkeypatch.setattr(server.root, "_request", cut_off)
    asyncio.run(server.root._answer({"path": "/api/me/"}, cut_off, send))
    assert (sent[0]["status"], json.loads(sent[1]["body"])["code"]) == (503, "unavailable")
