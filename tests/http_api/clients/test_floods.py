"""What strangers do to the real web process: it answers afterwards, and gives its memory back."""

from __future__ import annotations

import http.client
import resource
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from http_api.body_limits import BULK_BODY, MIB
from tests.dialects.clients.service import Service

IDLE = 1_500


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * IDLE:
        pytest.skip(f"needs {2 * IDLE} open files; this machine allows {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2 * IDLE), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def get(service: Service, path: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


def test_fifteen_hundred_idle_sockets_break_no_thread(service: Service, many_files: None) -> None:
    """A database connection above descriptor 1,023 could not be checked: its thread answered 500."""
    address = urlsplit(service.url)
    with ThreadPoolExecutor(16) as clients:
        with ExitStack() as stack:
            for _ in range(IDLE):
                stack.enter_context(socket.create_connection((address.hostname, address.port)))
            amid = Counter(clients.map(lambda _: get(service, "/readyz/"), range(80)))
        afterwards = Counter(clients.map(lambda _: get(service, "/healthz/"), range(80)))
    assert 500 not in amid, amid
    assert afterwards == {200: 80}


def webs(service: Service) -> list[psutil.Process]:
    """The processes that answer requests: the started one's children, or itself if it has none."""
    return service.web.children() or [service.web]


def peak(service: Service) -> int:
    """Most memory that the web processes ever had, in MiB."""
    return sum(_high_water(process) for process in webs(service))


def _high_water(process: psutil.Process) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def resident(service: Service) -> int:
    return sum(process.memory_info().rss for process in webs(service))


@pytest.mark.parametrize("value", [b"[[[]]],", b"0,", b'"",'])
def test_json_that_is_dear_to_read_takes_no_memory(service: Service, value: bytes) -> None:
    before = peak(service)
    body = b'{"messages":[' + (value * (BULK_BODY // len(value)))[: BULK_BODY - 20]
    body = body.rpartition(b",")[0] + b"]}"

    def post(number: int) -> int:
        connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60)
        connection.request("POST", "/api/messages/bulk/", body)
        status = connection.getresponse().status
        connection.close()
        return status

    with ThreadPoolExecutor(8) as clients:
        assert Counter(clients.map(post, range(8))).keys() <= {400, 503}
    assert peak(service) - before < 150
    assert get(service, "/healthz/") == 200


def test_answers_that_nobody_reads_take_little_memory(service: Service) -> None:
    address = urlsplit(service.url)
    bundle = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
    request = f"GET {bundle} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    before = resident(service)
    with ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(socket.create_connection((address.hostname, address.port)))
            client.sendall(request * 2)
        assert get(service, "/healthz/") == 200
        assert (resident(service) - before) / MIB < 100
