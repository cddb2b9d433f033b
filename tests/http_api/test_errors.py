"""The one error body, wherever an error comes from, and a log that holds no value of a request."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, Mention, summary
from http_api.logs import LineFormatter
from messaging.models import Message
from messaging.services import accept
from tests.conftest import Api, Tenant, refused

URL = "/api/messages/"
ROUTES = [
    "/api/messages/",
    "/api/messages/bulk/",
    "/api/contacts/contacts/",
    "/api/contacts/contacts/bulk/",
    "/api/contacts/groups/",
    "/api/contacts/groups/bulk/",
]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that would be printed with LOG_LEVEL=DEBUG, as it would be printed."""
    printed = io.StringIO()
    handler = logging.StreamHandler(printed)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield printed
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/nothing/",
        "/api/",
        "/api/messages/x/",
        "/api/messages//",
        "/api//messages/",
        "/api/contacts/",
        "/api/messages/1/2/",
        "/API/messages/",
        "/api/messages/-1/",
        "/api/messages/9999999999999999999999/",
        "/%00",
        "/%ff%fe",
        "/api/messages/bulk/%0a",
        "/ąę",
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_address_is_404_in_json(api: Api, db: None, path: str, method: str) -> None:
    refused(getattr(api.client, method)(path), 404, "not_found")


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_another_method_is_405_with_and_without_a_key(
    api: Api, tenant: Tenant, path: str, method: str
) -> None:
    is_read = path in {URL, "/api/contacts/contacts/", "/api/contacts/groups/"}
    if is_read and method == "get":
        return
    for headers in ({}, tenant.pair_headers, {"X-License-Key": "ABCDEF"}):
        response = getattr(api.client, method)(path, headers=headers)
        refused(response, 405, "method_not_allowed")
        assert "POST" in response["Allow"]


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_that_is_too_large_is_413_in_json(api: Api, tenant: Tenant, path: str) -> None:
    limit = 8 * 1024 * 1024 if "bulk" in path else 64 * 1024
    body = json.dumps(tenant.message()).encode()
    assert api.raw(path, body + b" " * (limit - len(body))).status_code in {201, 400}
    for address in (path, path.rstrip("/")):
        response = api.raw(address, body + b" " * (limit + 1 - len(body)))
        refused(response, 413, "too_large")


def test_a_bug_is_500_in_json_with_an_incident_that_is_in_the_log(
    api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    def crash(_: Any, drafts: list[Any], policy: Any, **more: Any) -> None:
        [draft] = drafts
        try:
            raise ValueError(f"cannot send {draft.text} to {draft.phone}")
        except ValueError as error:
            raise RuntimeError(f"no: {draft.text}") from error

    monkeypatch.setattr(accept, "accept", crash)
    response = api.post(URL, tenant.message(message="a private text", phone="+48600100200"))
    assert response.status_code == 500
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert list(body) == ["message", "code", "errors", "incident"]
    assert body["code"] == "server_error"
    assert body["errors"] == {}
    assert body["incident"] in body["message"]
    printed = log.getvalue()
    assert f"incident {body['incident']}" in printed
    assert "in crash" in printed  # the traceback
    assert "builtins.RuntimeError" in printed
    assert "builtins.ValueError" in printed
    assert "private" not in printed
    assert "600100200" not in printed


def test_two_incidents_differ(api: Api, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept, "accept", lambda *_: 1 / 0)
    incidents = {api.post(URL, tenant.message()).json()["incident"] for _ in range(3)}
    assert len(incidents) == 3


def test_every_refusal_names_its_field_and_says_what_to_do(api: Api, tenant: Tenant) -> None:
    response = api.post(URL, {"license__key": tenant.keys.license_key, "phone": "x"})
    body = refused(response, 400, "invalid", "external_id", "message", "phone")
    assert body["message"] == (
        "external_id: this field is required; message: this field is required;"
        " phone: enter a number like +48123456789"
    )
    assert body["errors"] == {
        "external_id": ["this field is required"],
        "message": ["this field is required"],
        "phone": ["enter a number like +48123456789"],
    }


@pytest.mark.parametrize("count", [2, 1000])
def test_the_message_names_the_bad_fields_of_a_bulk_and_stays_short(
    api: Api, tenant: Tenant, count: int
) -> None:
    items = [{"external_id": f"a-{n}", "phone": "x", "message": "Hi"} for n in range(count)]
    body = api.post("/api/messages/bulk/", tenant.bulk(items, all_or_nothing=True)).json()
    assert f"{count} of {count} messages" in body["message"]
    assert "0.phone: enter a number like +48123456789; 1.phone: enter" in body["message"]
    assert len(body["message"]) < 800
    assert len(body["errors"]) == count


def test_the_message_names_the_bad_field_of_each_group(api: Api, tenant: Tenant) -> None:
    body = tenant.with_keys(groups=[{"name": ""}, {"name": "VIP"}, {}])
    answer = refused(api.post("/api/contacts/groups/bulk/", body), 400, "invalid", "groups")
    assert answer["message"] == (
        "groups.0.name: may not be empty; groups.2.name: this field is required"
    )


def test_of_very_many_problems_the_message_says_how_many_more_there_are() -> None:
    many = {"groups": {str(n): {"name": ["may not be empty"]} for n in range(200)}}
    assert summary(many).endswith("groups.9.name: may not be empty; and 190 more")


def test_an_error_with_other_names_of_fields_says_them_in_its_message_too() -> None:
    late = {"send_before": [Mention("must be after {send_after}")], "phone": ["has {send_after}"]}
    error = ApiError(ErrorCode.INVALID, errors=late)
    assert error.message == "send_before: must be after send_after; phone: has {send_after}"
    renamed = error.named({"send_before": "validUntil", "send_after": "scheduleAt"})
    assert renamed.message == "validUntil: must be after scheduleAt; phone: has {send_after}"
    assert renamed.errors == {
        "validUntil": ["must be after scheduleAt"],
        "phone": ["has {send_after}"],
    }
    assert error.errors == late


def test_no_refusal_has_a_key_called_error(api: Api, tenant: Tenant) -> None:
    """n8n would show it in place of `message`."""
    bodies: list[Any] = [
        {},
        [],
        {"license__key": "1"},
        {"license__key": "ABCDEF"},
        tenant.message(),
        tenant.message(),
        tenant.message(phone="x"),
        tenant.bulk([]),
        tenant.bulk([{}], all_or_nothing=True),
        tenant.with_keys(),
        tenant.with_keys(contacts=[], groups=[]),
    ]
    for path in ROUTES:
        for body in bodies:
            response = api.post(path, body)
            if response.status_code >= 400:
                answer = response.json()
                assert list(answer) == ["message", "code", "errors"]
                assert answer["message"]


def test_every_answer_carries_a_request_id(api: Api, tenant: Tenant, log: io.StringIO) -> None:
    response = api.post(URL, tenant.message())
    assert response["X-Request-Id"] in log.getvalue()
    assert api.client.get("/nothing")["X-Request-Id"] in log.getvalue()


def test_no_log_line_holds_a_key_a_number_or_a_text(
    api: Api,
    tenant: Tenant,
    other_tenant: Tenant,
    log: io.StringIO,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A varied run at LOG_LEVEL=DEBUG."""
    text, number, name = "tajna wiadomość", "600100200", "Jan Sekretny"
    message = tenant.message(message=text, phone=f"+48{number}")
    keys = tenant.with_keys()
    person = {"name": name, "phone": f"+48{number}", "message": text}
    soon = {"send_after": "2099-01-01T10:00"}
    settings.FAILED_KEYS_PER_MINUTE = 3
    monkeypatch.setattr(connections["default"], "force_debug_cursor", True)  # as DEBUG=1 does
    bodies: list[tuple[str, Any]] = [
        (URL, message),
        (URL, message),
        (URL, message | {"phone": f"600 100 2OO {number}"}),
        (URL, message | {"send_after": f"{number} {text}"}),
        (URL, message | {"priority": text, "external_id": [text]}),
        (URL, message | {"license__key": tenant.keys.license_key[:6]}),
        (URL, message | {"license__key": tenant.keys.license_key[:7]}),
        ("/api/messages/bulk/", tenant.bulk([message, message | {"external_id": "x"}, text])),
        ("/api/messages/bulk/", tenant.bulk([message], all_or_nothing=True)),
        ("/api/contacts/contacts/", keys | person | soon | {"group_name": name}),
        ("/api/contacts/contacts/", keys | person),
        ("/api/contacts/contacts/", other_tenant.with_keys(key=tenant.keys.license_key) | person),
        ("/api/contacts/contacts/bulk/", keys | {"contacts": [person | soon, person, text]}),
        ("/api/contacts/groups/", keys | {"name": name}),
        ("/api/contacts/groups/bulk/", keys | {"groups": [{"name": name}, {"name": name}]}),
        ("/api/opt-outs/", {"license__key": tenant.keys.license_key, "phone": f"+48{number}"}),
        (URL, message | {"external_id": "after"}),
    ]
    statuses = [
        api.post(path, body, Idempotency_Key=f"{number}-{index}").status_code
        for index, (path, body) in enumerate(bodies)
    ]
    assert {201, 400, 401, 404} <= set(statuses)
    query = {"license__key": tenant.keys.license_key, "phone": f"+48{number}", "q": text}
    for path in (URL, "/nothing/", f"/api/opt-outs/+48{number}/", "/api/inbox/", "/api/me/"):
        api.client.get(path, query, headers=tenant.headers)
        api.client.delete(path, headers=tenant.headers)
    api.raw(URL, f'{{"phone": "{number}", "message": "{text}", NaN', "text/plain")
    for _ in range(5):
        api.post(URL, {"license__key": "WRONGK"})
    printed = log.getvalue()
    assert printed.count("\n") > 30
    for secret in (
        tenant.keys.license_key,
        tenant.keys.api_key,
        other_tenant.keys.api_key,
        tenant.keys.license_key[:6],
        "WRONGK",
        number,
        "600 100",
        "tajna",
        "Sekretny",
    ):
        assert secret not in printed
    assert Message.objects.exists()
