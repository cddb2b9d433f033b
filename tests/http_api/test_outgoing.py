"""http_api.outgoing: a POST to an address that somebody else chose reaches nothing in here."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from http_api import outgoing
from http_api.outgoing import Target, Unreachable, fetch, is_allowed, is_public, post
from tests.receiver import Receiver, receiver
from tests.support.certificates import certificate


@pytest.fixture
def program() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def loopback(settings: LazySettings) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = ("127.0.0.1",)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What each name is answered with: the first time, the second…"""
    book: dict[str, list[list[str]]] = {}
    ask = socket.getaddrinfo

    def look_up(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host not in book:
            return ask(host, port, *args, **kwargs)
        found = (ask(address, port, *args, **kwargs) for address in book[host].pop(0))
        return [one for every in found for one in every]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return book


# --- which addresses ---------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1",
        "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:10.0.0.1",
        "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001:0:a00:1::1",
        "2001:db8::1", "2001:20::1", "3fff::1", "192.88.99.1", "2002:a00:1::1", "2002:7f00:1::",
        "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "ff0e::1",
    ],
)  # fmt: skip
def test_an_address_that_is_in_here_or_nowhere_is_not(address: str, settings: LazySettings) -> None:
    assert not is_public(ip_address(address))
    settings.WEBHOOK_PRIVATE_NETWORKS = ("192.168.7.0/24", "fd07::/16")
    assert not is_allowed(ip_address(address))


def test_the_operator_allows_networks_and_no_more_than_these(settings: LazySettings) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = ("192.168.7.0/24", "fd07::/16", "::1")
    for address in ("192.168.7.20", "::ffff:192.168.7.20", "fd07::5", "::1", "8.8.8.8"):
        assert is_allowed(ip_address(address))
    for address in ("192.168.8.1", "127.0.0.1", "169.254.169.254"):
        assert not is_allowed(ip_address(address))


# --- which URLs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "https://example.com"), ("example.com", "https://example.com"),
        ("ftp://example.com/", "https://example.com"), ("file:///etc/passwd", "https://"),
        ("gopher://127.0.0.1:6379/_x", "https://"), ("https://", "https://example.com"),
        ("https:///path", "https://example.com"), ("http://example.com:0/", "https://example.com"),
        ("http://example.com:99999/", "no URL"), ("http://[::1/", "no URL"),
        ("http://a..b/", "no URL"), ("http://" + "a" * 64 + ".com/", "no URL"),
        ("https://user:pw@example.com/", "password"), ("https://user@example.com/", "password"),
        ("https://@example.com/", "password"), ("https://example.com/a b", "spaces"),
        ("https://example.com/\r\nX: y", "spaces"), ("https://example.com\\@127.0.0.1/", "spaces"),
        ("https://example.com/" + "x" * 2000, "2000 characters"),
        ("http://127.0.0.1/", "not public"), ("http://[::ffff:10.0.0.1]/", "not public"),
        ("http://169.254.169.254/latest/meta-data/", "not public"),
        ("http://[fe80::1%25eth0]/", "not public"),
    ],
)  # fmt: skip
def test_what_cannot_or_must_not_be_called_is_told_when_it_is_given(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Target.of(url)


def test_a_url_is_taken_apart() -> None:
    assert Target.of("https://example.com") == Target(True, "example.com", 443, "/")
    assert Target.of("HTTP://Example.com:8080/a?b=%20c#d") == Target(
        False, "example.com", 8080, "/a?b=%20c"
    )
    assert Target.of("https://пример.бел/крючок?a=я") == Target(
        True, "xn--e1afmkfd.xn--90ais", 443, "/%D0%BA%D1%80%D1%8E%D1%87%D0%BE%D0%BA?a=%D1%8F"
    )


# --- the call ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("loopback")
def test_it_is_posted_and_the_status_answered(program: Receiver) -> None:
    program.status = 418
    assert post(program.url, b'{"a": 1}', {"Content-Type": "application/json", "x-y": "z"}) == 418
    [call] = program.calls
    assert (call.method, call.path, call.json) == ("POST", "/hook?key=SECRET", {"a": 1})
    assert call.headers["host"] == f"127.0.0.1:{program.port}"
    assert call.headers["x-y"] == "z"


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "0"])
def test_a_name_that_leads_in_here_is_not_called(program: Receiver, host: str) -> None:
    with pytest.raises(Unreachable, match="not public"):
        post(f"http://{host}:{program.port}/", b"", {})
    assert not program.calls


@pytest.mark.usefixtures("loopback")
def test_one_private_address_among_a_names_spoils_them_all(
    program: Receiver, names: dict[str, list[list[str]]]
) -> None:
    names["mixed.test"] = [["127.0.0.1", "10.0.0.1"]]
    with pytest.raises(Unreachable, match="not public"):
        post(f"http://mixed.test:{program.port}/", b"", {})
    assert not program.calls


@pytest.mark.usefixtures("loopback")
def test_it_goes_to_the_very_address_that_was_looked_at(
    program: Receiver, names: dict[str, list[list[str]]]
) -> None:
    """A name that answers otherwise the second time is asked once."""
    names["rebind.test"] = [["127.0.0.1"], ["10.0.0.1"]]
    assert post(f"http://rebind.test:{program.port}/", b"", {}) == 200
    assert names["rebind.test"] == [["10.0.0.1"]]
    assert program.calls[0].headers["host"] == f"rebind.test:{program.port}"


@pytest.mark.usefixtures("loopback")
def test_the_next_address_is_tried_where_one_does_not_answer(
    program: Receiver, names: dict[str, list[list[str]]], settings: LazySettings
) -> None:
    settings.WEBHOOK_PRIVATE_NETWORKS = ("127.0.0.0/8",)
    names["two.test"] = [["127.0.0.2", "127.0.0.1"]]  # it listens on the second only
    assert post(f"http://two.test:{program.port}/", b"", {}) == 200


@pytest.mark.usefixtures("loopback")
def test_no_redirect_is_followed(program: Receiver) -> None:
    program.status = 307
    assert post(program.url, b"", {}) == 307
    assert len(program.calls) == 1


@pytest.mark.usefixtures("loopback")
def test_no_proxy_is_asked(program: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert post(program.url, b"", {}) == 200
        assert not proxy.calls


def test_what_was_allowed_when_it_was_given_may_not_be_any_more(program: Receiver) -> None:
    with pytest.raises(Unreachable, match="may not be called"):
        post(program.url, b"", {})
    assert not program.calls


# --- peers that misbehave ----------------------------------------------------------------------

Behaviour = Callable[[socket.socket], None]


@contextmanager
def peer(behave: Behaviour) -> Iterator[int]:
    """A port whose one connection is given to `behave`, until the other side is gone."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            try:
                behave(connection)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(20)
        assert not thread.is_alive()


def drip(connection: socket.socket, start: bytes = b"HTTP/1.1 200 OK\r\nx: ") -> None:
    connection.settimeout(0.02)
    connection.sendall(start)
    while True:
        connection.sendall(b"y")
        try:
            if not connection.recv(1):
                return
        except TimeoutError:
            continue


def say_nothing(connection: socket.socket) -> None:
    connection.recv(1)


def endlessly(piece: bytes, *, start: bytes = b"HTTP/1.1 200 OK\r\n") -> Behaviour:
    def talk(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(piece)

    return talk


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (drip, "no answer in"),
        (say_nothing, "no answer in"),
        (lambda connection: connection.sendall(b"220 smtp.example.com\r\n"), "no HTTP"),
        (lambda connection: None, "no HTTP|connection"),
    ],
)
def test_a_peer_cannot_hold_it(
    behave: Behaviour, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 0.3)
    with peer(behave) as port, pytest.raises(Unreachable, match=words):
        post(f"http://127.0.0.1:{port}/", b"", {})


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize(
    "behave",
    [
        endlessly(b"HTTP/1.1 100 Continue\r\n\r\n", start=b""),
        endlessly(b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\n" * 500, start=b""),
        endlessly(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", start=b""),
        endlessly(b"y", start=b""),
        endlessly(b"x: " + b"y" * 60_000 + b"\r\n"),
        endlessly(b"y" * 1000, start=b"HTTP/1.1 200 OK\r\nx: "),
        endlessly(b"1;" + b"x" * 60_000 + b"\r\ny\r\n", start=CHUNKED),
        endlessly(b"x" * 1000, start=CHUNKED + b"1;"),
        endlessly(b"x: y\r\n", start=CHUNKED + b"1\r\ny\r\n0\r\n"),
    ],
)
def test_what_does_not_end_is_cut_after_some_kilobytes(
    behave: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only when time is up: until then it keeps a processor busy."""
    monkeypatch.setattr(outgoing, "SECONDS", 5.0)
    with peer(behave) as port, pytest.raises(Unreachable, match="no HTTP"):
        fetch("GET", f"http://127.0.0.1:{port}/", None, {}, most=100_000)


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_interim_answers_are_passed_over(interim: bytes) -> None:
    """A receiver that took it would be told again."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 " + interim + b"\r\nLink: </a>\r\n\r\n")
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with peer(behave) as port:
        assert post(f"http://127.0.0.1:{port}/", b"", {}) == 204


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_body_in_small_chunks_is_read_whole(size: int) -> None:
    body = b"x" * 70_000

    def behave(connection: socket.socket) -> None:
        pieces = (body[at : at + size] for at in range(0, len(body), size))
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        connection.sendall(CHUNKED + chunks + b"0\r\n\r\n")

    with peer(behave) as port:
        url = f"http://127.0.0.1:{port}/"
        assert fetch("GET", url, None, {}, most=1_000_000) == (200, body)


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\n\r\n", CHUNKED + b"fff\r\n", CHUNKED + b"1;"]
)
def test_a_body_that_drips_is_cut_when_time_is_up(
    start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 0.3)
    with peer(partial(drip, start=start)) as port, pytest.raises(Unreachable, match="no answer in"):
        fetch("GET", f"http://127.0.0.1:{port}/", None, {}, most=100_000)


@pytest.mark.usefixtures("loopback")
def test_an_endless_body_is_not_read() -> None:
    def behave(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\nx")
        connection.recv(1)

    with peer(behave) as port:
        assert post(f"http://127.0.0.1:{port}/", b"", {}) == 200


@pytest.mark.usefixtures("loopback")
def test_nobody_there_is_said(program: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match="refused"):
        post(f"http://127.0.0.1:{port}/", b"", {})


# --- TLS ---------------------------------------------------------------------------------------


@contextmanager
def tls_peer(file: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def serve() -> None:
        connection, _ = listener.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(65536)
                secured.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        except OSError:
            return  # the certificate was not to their liking

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(20)


@pytest.mark.usefixtures("loopback")
@pytest.mark.parametrize(
    ("name", "is_known", "outcome"),
    [("hooks.test", True, 204), ("hooks.test", False, None), ("other.test", True, None)],
)
def test_tls_needs_a_certificate_that_is_trusted_and_of_that_name(
    name: str, is_known: bool, outcome: int | None, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, names: dict[str, list[list[str]]],
) -> None:  # fmt: skip
    """The connection goes to an address, and the name in the URL is what is checked."""
    file = certificate(tmp_path, "hooks.test")
    if is_known:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setattr(outgoing, "_tls", outgoing._tls.__wrapped__)
    names[name] = [["127.0.0.1"]]
    with tls_peer(file) as port:
        url = f"https://{name}:{port}/"
        if outcome:
            assert post(url, b"", {}) == outcome
        else:
            with pytest.raises(Unreachable, match="certificate"):
                post(url, b"", {})
