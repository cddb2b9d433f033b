"""GET /api/schema/, and the pages that show it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from http_api.error_codes import ErrorCode
from http_api.shapes import Shape, names_of
from messaging.models import OnUncertain, OptOut
from messaging.rules import SkipReason
from messaging.states import MessageState
from outbox.types import EventType
from smsgate.pages import examples
from smsgate.pages.openapi import OPERATIONS, companion_document, document
from tests.conftest import Api, Tenant
from tests.routes import routes


def _routes() -> set[tuple[str, str]]:
    """Every API route of the URL configuration, as (method, path)."""
    found = set()
    for path, pattern in routes():
        actions = getattr(pattern.callback, "actions", None)
        if actions:
            path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", path)
            found |= {(method, path) for method in actions if method != "head"}
    return found


# Of the ASGI root, and of a dialect.
BESIDE = {
    ("get", "/companion/wait/"),
    ("get", "/api/events/stream/"),
    ("get", "/hooks/{token}/"),
    ("post", "/hooks/{token}/"),
}


def test_it_has_every_route_and_no_other() -> None:
    assert set(OPERATIONS) == _routes() | BESIDE


def test_what_phones_call_is_in_a_document_of_its_own() -> None:
    ours, phones = set(document()["paths"]), set(companion_document()["paths"])
    assert ours | phones == {path for _, path in OPERATIONS}
    assert {path for path in ours | phones if path.startswith("/companion/")} == phones
    assert set(document()["components"]["securitySchemes"]) == {"licenseKey", "apiKey"}
    assert "webhooks" not in companion_document()


@pytest.mark.parametrize(
    ("name", "field", "items"),
    [
        ("BulkMessages", "messages", 1000),
        ("BulkContacts", "contacts", 500),
        ("BulkGroups", "groups", 200),
    ],
)
def test_it_names_the_limits(name: str, field: str, items: int) -> None:
    assert document()["components"]["schemas"][name]["properties"][field]["maxItems"] == items


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("SingleMessage", {"external_id", "message", "phone"}),
        ("MessageItem", {"external_id", "message", "phone"}),
        ("SingleContact", {"name", "phone"}),
        ("SingleGroup", {"name"}),
    ],
)
def test_it_says_what_is_required(name: str, required: set[str]) -> None:
    assert set(document()["components"]["schemas"][name]["required"]) == required


def test_every_example_is_accepted(api: Api, tenant: Tenant) -> None:
    keys = {
        "license__key": tenant.keys.license_key,
        "key": tenant.keys.license_key,
        "api_key": tenant.keys.api_key,
    }
    bodies: dict[str, dict[str, Any]] = {
        path: dict(operation.example)
        for (method, path), operation in OPERATIONS.items()
        if operation.example and path.startswith("/api/") and "{" not in path
    }
    assert bodies["/api/messages/"] == examples.MESSAGE
    for path, body in bodies.items():
        filled = {name: keys.get(name, value) for name, value in body.items()}
        if path in {"/api/opt-outs/", "/api/webhooks/"}:
            filled["license__key"] = tenant.keys.license_key
        if path in {"/api/templates/", "/api/persons/", "/api/erasures/"}:
            filled |= {"key": tenant.keys.license_key, "api_key": tenant.keys.api_key}
        response = api.post(path, filled)
        assert response.status_code in OPERATIONS["post", path].answers, (path, response.content)


@pytest.mark.parametrize("path", ["/", "/pair/", "/api/docs/", "/api/docs"])
def test_pages_load_nothing_from_elsewhere(path: str) -> None:
    response = Client().get(path)
    page = response.content.decode()
    assert response.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert loaded
    assert not [address for address in loaded if re.match(r"(?:https?:)?//", address)]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "//", "/pair", "/api/docs/", "/admin/login/"])
def test_pages_cannot_be_framed_or_sniffed(path: str) -> None:
    response = Client().get("/", PATH_INFO=path)  # as it is: the client would make `/` of `//`
    assert response.status_code == 200
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "title"),
    [("/api/schema", "smsgate"), ("/companion/schema", "smsgate for phones")],
)
def test_the_schema_is_served_with_and_without_slash(path: str, title: str) -> None:
    for address in (path, f"{path}/"):
        assert Client().get(address).json()["info"]["title"] == title


def test_it_names_the_idempotency_key_where_an_action_is_idempotent() -> None:
    for path, pattern in routes():
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", path)
        view = getattr(pattern.callback, "cls", None)
        for method, name in getattr(pattern.callback, "actions", {}).items():
            is_decorated = hasattr(getattr(view, name), "is_idempotent")
            if method != "head":
                assert OPERATIONS[method, path].has_idempotency_key == is_decorated, (method, path)


def test_it_names_the_query_parameters_that_each_address_takes() -> None:
    taken = {}
    for path, pattern in routes():
        queries = getattr(getattr(pattern.callback, "cls", None), "queries", {})
        for method, action in getattr(pattern.callback, "actions", {}).items():
            path_in_schema = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", path)
            taken[method, path_in_schema] = set(names_of(queries.get(action, Shape)))
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            described = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
            if (method, path) not in BESIDE:
                assert described == taken.get((method, path), set()), path


@pytest.mark.parametrize(
    ("model", "field", "values"),
    [
        ("MessageRead", "status", set(MessageState) - {MessageState.SCHEDULED}),
        ("SkippedMessage", "reason", set(SkipReason)),
        ("SkippedContact", "reason", set(SkipReason)),
        ("SingleMessage", "on_uncertain", set(OnUncertain)),
        ("OptOutRead", "source", set(OptOut.Source)),
        ("EventBody", "type", set(EventType)),
        ("Error", "code", set(ErrorCode)),
        ("GroupInBulk", "status", {"created", "existed"}),
    ],
)
def test_a_program_can_switch_over_all_values(model: str, field: str, values: set[str]) -> None:
    schemas = document()["components"]["schemas"]
    schema = schemas[model]["properties"][field]
    listed = schema if "enum" in schema else schemas[schema["$ref"].rpartition("/")[2]]
    assert set(listed["enum"]) == values


def test_a_time_of_a_request_may_be_local() -> None:
    """A `date-time` has an offset always: generated clients could not send a local time."""
    schema = document()["components"]["schemas"]["SingleMessage"]["properties"]["send_after"]
    assert "format" not in schema
    assert all(re.fullmatch(schema["pattern"], example) for example in schema["examples"])
