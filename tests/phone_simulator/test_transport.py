"""HTTP as it is on a bad day: real sockets on the loopback, answers byte by byte."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from phone_simulator.clock import ManualClock
from phone_simulator.transport import (
    Faults,
    FaultyTransport,
    GaveUpError,
    HttpTransport,
    Reply,
    TransportError,
)
from tests.phone_simulator.fake_server import TOKEN, DirectTransport, FakeServer


@contextmanager
def answering(answer: bytes | None) -> Iterator[str]:
    """A server that says exactly this to one request; None: it never answers."""
    is_over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            if answer is None:
                is_over.wait(30)
            else:
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        is_over.set()
        thread.join()


def test_an_answer_that_ends_early_is_none() -> None:
    cut = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"acked": ['
    with answering(cut) as url, pytest.raises(TransportError):
        HttpTransport(url).request("GET", "/companion/wait/")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"what?\r\n\r\n"])
def test_what_is_not_http_is_no_answer(answer: bytes) -> None:
    with answering(answer) as url, pytest.raises(TransportError):
        HttpTransport(url).request("GET", "/companion/wait/")


def test_a_redirect_is_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n"
    with answering(moved) as url:
        assert HttpTransport(url).request("GET", "/companion/wait/").status == 302


def test_a_silent_server_is_given_up() -> None:
    with answering(None) as url, pytest.raises(TransportError):
        HttpTransport(url).request("GET", "/companion/wait/", timeout=0.05)


def test_a_long_poll_ends_when_there_is_better_to_do() -> None:
    with answering(None) as url, pytest.raises(GaveUpError):
        HttpTransport(url).request("GET", "/companion/wait/", give_up=lambda: True)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        ("0", 0),
        ("99999999", 3600),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
    ],
)
def test_retry_after_counts_in_seconds(header: str, seconds: float | None) -> None:
    assert Reply(503, b"", {"retry-after": header}).retry_after() == seconds


def body(claim_id: str) -> dict[str, object]:
    return {"claim_id": claim_id, "capacity": 1, "held": [], "events": []}


def faulty(server: FakeServer, faults: Faults) -> FaultyTransport:
    return FaultyTransport(DirectTransport(server), faults, random.Random(0), ManualClock())


def test_a_lost_request_never_arrives_and_a_lost_reply_does() -> None:
    server = FakeServer()
    with pytest.raises(TransportError):
        faulty(server, Faults(lose_requests=1)).request("POST", "/companion/sync/", token=TOKEN)
    assert server.syncs == []
    with pytest.raises(TransportError):
        faulty(server, Faults(lose_replies=1)).request(
            "POST", "/companion/sync/", token=TOKEN, body=body("a")
        )
    assert len(server.syncs) == 1


def test_a_duplicated_request_arrives_twice() -> None:
    server = FakeServer()
    faulty(server, Faults(duplicate=1)).request(
        "POST", "/companion/sync/", token=TOKEN, body=body("a")
    )
    assert len(server.syncs) == 2


def test_a_cut_reply_is_half_of_it() -> None:
    whole = faulty(FakeServer(), Faults()).request(
        "POST", "/companion/sync/", token=TOKEN, body=body("a")
    )
    half = faulty(FakeServer(), Faults(cut=1)).request(
        "POST", "/companion/sync/", token=TOKEN, body=body("a")
    )
    assert half.body == whole.body[: len(whole.body) // 2]
