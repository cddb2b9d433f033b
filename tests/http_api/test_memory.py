"""What a request held is free when it is answered, without Python's cycle collector: that counts
objects, and a body of megabytes is one."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Iterator

import pytest

from smsgate.web.http_body import Chunks
from smsgate.web.wsgi_bridge import call_django, wsgi_environ
from tests.conftest import Tenant

LARGE = "\N{GRINNING FACE}" + "x" * 500_000  # four bytes a letter in memory: 2 MB
# A request of the real handler may close the database connection, which ends no test's transaction.
pytestmark = pytest.mark.django_db(transaction=True)

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=B"
PART = '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n'


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


def test_what_has_read_a_body_in_chunks_is_let_go_with_it(uncollected: None) -> None:
    body = Chunks()
    assert body.read(bytearray(b"2\r\n{}\r\n0\r\n\r\n")) == b"{}"
    assert body.is_over
    is_alive = weakref.ref(body)
    del body
    assert not is_alive()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("", f'{{"a": "{LARGE}"}}'),
        ("", f'{{"license__key": "x", "messages": [{{"external_id": "{LARGE}"}}]}}'),
        ("", f'{{"license__key": "KEY", "messages": [{{"external_id": "{LARGE}"}}]}}'),
        ("", f'{{"license__key": "KEY", "messages": "{LARGE}"}}'),
        ("", f'{{"a": "{LARGE}'),
        (FORM, f"a={LARGE}"),
        (MULTIPART, f"{PART}{LARGE}\r\n--B--\r\n"),
    ],
    ids=["no key", "wrong key", "refused items", "no list", "no json", "form", "multipart"],
)
def test_a_large_body_is_let_go_with_its_answer(
    tenant: Tenant, uncollected: None, kind: str, body: str
) -> None:
    data = body.replace("KEY", tenant.keys.license_key).encode()
    scope = {
        "method": "POST",
        "path": "/api/messages/bulk/",
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(b"content-type", kind.encode())],
    }
    call_django(wsgi_environ(scope, data))
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(5):
        call_django(wsgi_environ(scope, data))
    after, _ = tracemalloc.get_traced_memory()
    assert after - before < 400_000
