"""Bodies, values and query strings that no program would send: never a 500, always the error body."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from licenses import tokens
from smsgate.pages import openapi
from tests.conftest import Phone, Tenant
from tests.described import described
from tests.http_api.hostile import check, check_alive, head
from tests.http_api.live import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def unhurried(settings: Any) -> None:
    """No throttle stands between the tests and the code."""
    settings.LICENSE_RATE_PER_MINUTE = 0
    settings.FAILED_KEYS_PER_MINUTE = 1_000_000


# --- bodies ------------------------------------------------------------------------------------

DEEP = 100_000

BODIES: list[tuple[str, bytes]] = [
    ("nothing", b" "),
    ("half an object", b'{"license__key": "'),
    ("a list", b"[]"),
    ("a word", b"null"),
    ("nested lists", b"[" * DEEP + b"]" * DEEP),
    ("nested objects", b'{"a":' * DEEP),
    ("17 levels", b'{"a":' * 17 + b"1" + b"}" * 17),
    ("nan", b'{"priority": NaN}'),
    ("infinity", b'{"priority": -Infinity}'),
    ("a float too large", b'{"priority": 1e400}'),
    ("an exponent too large", b'{"priority": 1e' + b"9" * 39 + b"}"),
    ("a huge number", b'{"priority": ' + b"9" * 60_000 + b"}"),
    ("a huge negative number", b'{"priority": -' + b"9" * 41 + b"}"),
    ("nul in a value", b'{"message": "a\\u0000b"}'),
    ("nul in a key", b'{"a\\u0000b": 1}'),
    ("a raw nul", b'{"message": "a\x00b"}'),
    ("half a surrogate in a value", b'{"message": "\\ud83d"}'),
    ("half a surrogate in a key", b'{"\\udc00": 1}'),
    ("surrogates the wrong way round", b'{"message": "\\udc00\\ud83d"}'),
    ("a surrogate as utf-8", b'{"message": "\xed\xa0\xbd"}'),
    ("bad utf-8", b'{"message": "\xff\xfe\xfa"}'),
    ("overlong utf-8", b'{"message": "\xc0\xaf"}'),
    ("utf-16", json.dumps({"message": "hello"}).encode("utf-16")),
    ("two marks of byte order", b"\xef\xbb\xbf\xef\xbb\xbf{}"),
    ("a comment", b"{/* a */}"),
    ("two objects", b"{}{}"),
    ("a name twice", b'{"license__key": "a", "license__key": {"$ne": null}}'),
    ("a key that is an object", b'{"license__key": {"$ne": null}, "key": [], "api_key": {}}'),
    ("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00"),
    ("xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    ("pickle", b"\x80\x04\x95\x00\x00."),
]  # fmt: skip

CONTENT_TYPES = [
    "application/json",
    "text/plain; charset=utf-7",
    "application/json; charset=" + "a" * 5_000,
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary="' + "a" * 300 + '"',
    "multipart/form-data; boundary=\xff",
    "application/octet-stream",
    ";;;=,/",
    "\xff\xfe",
]

POSTS = [path for method, path in openapi.OPERATIONS if method == "post"]


def address_of(path: str, server: Server, tenant: Tenant) -> str:
    """The path with something of the tenant's for each of its parameters."""
    if "{endpoint_id}" in path:
        key = f"X-License-Key: {tenant.keys.license_key}"
        made = server.post("/api/webhooks/", {"url": "https://example.com/"}, key)
        path = path.replace("{endpoint_id}", str(made.json["id"]))
    if "{token}" in path:
        path = path.replace("{token}", tokens.new_hook(tenant.license))
    return re.sub(r"\{\w+\}", "1", path)


@pytest.mark.parametrize("path", [*POSTS, "/nothing", "/admin/login/", "/pair/"])
def test_bodies_that_cannot_be_read(server: Server, tenant: Tenant, path: str) -> None:
    address = address_of(path, server, tenant)
    with server.wire() as wire:
        for content_type in CONTENT_TYPES:
            for _name, body in BODIES:
                if len(body) > 65_536 and content_type != CONTENT_TYPES[0]:
                    continue  # 413, whatever its type
                lines = (f"Content-Type: {content_type}", f"Content-Length: {len(body)}")
                wire.send(head(*lines, path=address) + body)
                check(wire.answer())
    check_alive(server, tenant)


FORMS = [
    ("urlencoded", "application/x-www-form-urlencoded", b"phone=%ff&message=%00"),
    ("urlencoded half an escape", "application/x-www-form-urlencoded", b"phone=%f&%=%"),
    ("a thousand fields", "application/x-www-form-urlencoded", b"a=1&" * 5_000),
    ("a surrogate", "application/x-www-form-urlencoded", b"phone=%ed%a0%80"),
    ("multipart cut", "multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data"),
    ("multipart without name", "multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n"),
    ("multipart file", "multipart/form-data; boundary=b",
     b'--b\r\nContent-Disposition: form-data; name="f"; filename="../../x"\r\n\r\nx\r\n--b--\r\n'),
    ("multipart in base64", "multipart/form-data; boundary=b",
     b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
     b"!!!\r\n--b--\r\n"),
    ("multipart of many parts", "multipart/form-data; boundary=b",
     b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 1_000 + b"--b--\r\n"),
]  # fmt: skip


@pytest.mark.parametrize("path", ["/api/messages/", "/api/contacts/contacts/", "/admin/login/"])
def test_forms_that_cannot_be_read(server: Server, tenant: Tenant, path: str) -> None:
    with server.wire() as wire:
        for _name, content_type, body in FORMS:
            lines = (f"Content-Type: {content_type}", f"Content-Length: {len(body)}")
            wire.send(head(*lines, path=path) + body)
            answer = wire.answer()
            check(answer)
            assert answer.status >= 400
    check_alive(server, tenant)


# --- values in every field of every route --------------------------------------------------------

VALUES = [
    "null", "true", "0", "-1", "1.5", "1e308", "-0.0", str(2**31), str(2**63), str(-(2**63) - 1),
    "9" * 40, '""', '" "', '"\\u202e\\ufeff\\u0001"', '"' + "a" * 60_000 + '"', '"+48123456789"',
    '"1" ', '"-1"', '"NaN"', '"9999-12-31T23:59:59+00:00"', '"0001-01-01T00:00:00"',
    '"2026-02-30T00:00:00"', '"2026-01-01T00:00:00+99:99"', '"9999-12-31T23:59:59-23:59"',
    '"00000000-0000-0000-0000-000000000000"', "[]", "[[]]", "[null]", "[1]", '["a"]', "[{}]", "{}",
    '{"a": {"a": 1}}', '"{name}{name}"', "\"'; DROP TABLE messaging_message; --\"", '"%s%n%(a)s"',
]  # fmt: skip


def fields_of(schema: dict[str, Any]) -> list[str]:
    components = described()["components"]["schemas"]
    if "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    return list(schema["properties"])


def nested(path: str) -> tuple[str, str] | None:
    """The list inside of a bulk's or a phone's body, and the path of its item's own fields."""
    inside = {
        "/api/messages/bulk/": ("messages", "/api/messages/"),
        "/api/contacts/contacts/bulk/": ("contacts", "/api/contacts/contacts/"),
        "/api/contacts/groups/bulk/": ("groups", "/api/contacts/groups/"),
    }
    return inside.get(path)


def bodies_of(path: str, tenant: Tenant) -> Iterator[str]:
    """A good body with one field replaced by each value in turn, as JSON."""
    operation = described()["paths"][path]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    good = content.get("example", {}) | {
        "license__key": tenant.keys.license_key,
        "key": tenant.keys.license_key,
        "api_key": tenant.keys.api_key,
    }
    for field in fields_of(content["schema"]):
        for value in VALUES:
            yield _with(good, field, value)
    if inner := nested(path):
        name, single = inner
        item = described()["paths"][single]["post"]["requestBody"]["content"]
        for field in fields_of(item["application/json"]["schema"]):
            for value in VALUES:
                one = _with(item["application/json"]["example"], field, value)
                yield _with(good, name, f"[{one}]")


def _with(body: dict[str, Any], field: str, value: str) -> str:
    rest = json.dumps({name: old for name, old in body.items() if name != field})
    return f'{{"{field}": {value}, {rest[1:]}' if len(rest) > 2 else f'{{"{field}": {value}}}'


@pytest.mark.parametrize("path", [path for path in POSTS if openapi.OPERATIONS["post", path].body])
def test_values_that_no_field_expects(
    server: Server, tenant: Tenant, phone: Phone, path: str
) -> None:
    is_phones = path.startswith("/companion/")
    key = phone.token if is_phones else tenant.keys.license_key
    address = address_of(path, server, tenant)
    seen: set[int] = set()
    with server.wire() as wire:
        for body in bodies_of(path, tenant):
            answer = wire.post(address, body.encode(), f"Authorization: Bearer {key}")
            check(answer)
            seen.add(answer.status)
    assert 400 in seen


def test_events_that_no_phone_would_report(server: Server, tenant: Tenant, phone: Phone) -> None:
    """They are kept aside and acknowledged: a phone that is refused would say the same for ever."""
    names = ("event_id", "type", "wall_time", "message_id", "attempt", "part", "parts", "code",
             "sender", "text", "sim")  # fmt: skip
    kinds = ("received", "started", "part_sent")
    number = 0
    with server.wire() as wire:
        for kind, field in itertools.product(kinds, names):
            events = []
            for value in VALUES:
                number += 1
                good = {
                    "event_id": f"00000000-0000-4000-8000-{number:012x}", "type": kind,
                    "message_id": 1, "attempt": 1, "part": 1, "parts": 1, "sender": "+48123456789",
                    "text": "Hi",
                }  # fmt: skip
                events.append(_with(good, field, value))
            body = f'{{"capacity": 0, "events": [{",".join(events)}]}}'.encode()
            answer = wire.post("/companion/sync", body, f"Authorization: Bearer {phone.token}")
            check(answer)
            assert answer.status == 200, (kind, field, answer)


QUERIES = [
    "%00", "%ff", "%ed%a0%80", "", "-1", "0", "1e9", "9" * 19, "9" * 40, "a" * 8_000, "+", "%", "%2",
    "1%0d%0aX-A:b", "2026-02-30", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00", "[]", "null",
    "'%20OR%20'1'='1", "%F0%9F%98%80", "1&limit=2", "1;limit=2",
]  # fmt: skip
ENDLESS = {"/companion/wait/", "/api/events/stream/"}
GETS = [path for method, path in openapi.OPERATIONS if method == "get"]


@pytest.mark.parametrize("path", [path for path in GETS if path not in ENDLESS])
def test_query_strings_of_nonsense(server: Server, tenant: Tenant, path: str) -> None:
    parameters = described()["paths"][path]["get"]["parameters"]
    names = [p["name"] for p in parameters if p["in"] == "query"] + ["a", "%00", "license__key"]
    address = address_of(path, server, tenant)
    with server.wire() as wire:
        for name in names:
            for value in QUERIES:
                answer = wire.request(
                    "GET", f"{address}?{name}={value}", b"",
                    f"X-License-Key: {tenant.keys.license_key}",
                )  # fmt: skip
                check(answer)


@pytest.mark.parametrize("value", [*QUERIES, "\x80\xff", "a" * 256, '"', "\t"])
def test_idempotency_keys_of_nonsense(server: Server, tenant: Tenant, value: str) -> None:
    for _ in range(2):
        answer = server.post("/api/messages", tenant.message(), f"Idempotency-Key: {value}")
        check(answer)
