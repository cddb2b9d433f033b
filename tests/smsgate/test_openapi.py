"""GET /api/schema/, and the pages that show it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from openapi_spec_validator import validate

from http_api.shapes import Shape, names_of
from smsgate.pages import examples
from smsgate.pages.openapi import OPERATIONS, document
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


def test_it_is_valid_openapi_3_1() -> None:
    assert document()["openapi"] == "3.1.0"
    validate(document())


def test_it_has_every_route_and_no_other() -> None:
    assert set(OPERATIONS) == _routes() | {("get", "/companion/wait/")}


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


def test_the_schema_is_served_with_and_without_slash() -> None:
    for path in ("/api/schema/", "/api/schema"):
        assert Client().get(path).json()["info"]["title"] == "smsgate"


def test_it_names_the_idempotency_key_where_an_action_is_idempotent() -> None:
    for path, pattern in routes():
        path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", path)
        view = getattr(pattern.callback, "cls", None)
        for method, name in getattr(pattern.callback, "actions", {}).items():
            is_decorated = hasattr(getattr(view, name), "__wrapped__")
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
            assert described == taken.get((method, path), set()), path


def test_no_two_schemas_have_one_title() -> None:
    """Generators of clients name their types by it, and drop the second one."""
    schemas = document()["components"]["schemas"]
    titles = [schema.get("title", name) for name, schema in schemas.items()]
    assert len(titles) == len(set(titles))
    assert not any("__" in name for name in schemas)
