"""Both OpenAPI documents, as makers of clients and linters want them. `make clients-test` runs those
themselves; here are their rules, without their languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from smsgate.pages.openapi import companion_document, document
from tests.described import validator

DOCUMENTS = [document(), companion_document()]

# Classes that generators put beside the models.
THEIRS = {
    "Pair", "ApiClient", "ApiException", "ApiResponse", "Configuration", "JSON", "ServerConfiguration",
    "ServerVariable", "Client", "AuthenticatedClient", "Response", "File", "Unset",
}  # fmt: skip

pytestmark = pytest.mark.parametrize("document", DOCUMENTS, ids=["programs", "phones"])


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document but examples, which are data."""
    if isinstance(value, dict):
        yield value
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in inner:
        if name not in {"example", "examples"} and isinstance(part, dict | list):
            yield from parts(part)


def schemas(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def properties(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in parts(schemas(document)):
        if part.get("type") == "object":
            yield from part.get("properties", {}).items()


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for routes in (document["paths"], document.get("webhooks", {})):
        for methods in routes.values():
            yield from methods.values()


def answers(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operation in operations(document):
        yield from (one for one in operation["responses"].values() if "$ref" not in one)
    yield from document["components"]["responses"].values()


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_bounds_have_the_names_that_json_schema_gives_them(document: dict[str, Any]) -> None:
    assert not [part for part in parts(schemas(document)) if part.keys() & {"ge", "le", "gt", "lt"}]


def test_no_default_makes_a_field_of_a_body_required(document: dict[str, Any]) -> None:
    """openapi-typescript requires what has one."""
    assert not [part for part in parts(schemas(document)) if "default" in part]


def test_no_two_models_get_one_name(document: dict[str, Any]) -> None:
    """openapi-python-client drops the second model with a title, and all that refers to it."""
    assert not [part for part in parts(schemas(document)) if isinstance(part.get("title"), str)]
    assert not [name for name in schemas(document) if "__" in name]


def test_no_model_has_the_name_of_a_generators_own_class(document: dict[str, Any]) -> None:
    assert not THEIRS & set(schemas(document))


def test_every_model_is_used(document: dict[str, Any]) -> None:
    used = {part["$ref"] for part in parts(document) if "$ref" in part}
    for kind in ("schemas", "responses", "headers"):
        for name in document["components"][kind]:
            place = f"#/components/{kind}/{name}"
            assert place in used, place


def test_ids_have_64_bits(document: dict[str, Any]) -> None:
    """Each restore makes ids jump by 100 million: 32 bits do not last."""
    ids = [
        (name, schema)
        for name, schema in properties(document)
        if (name == "id" or (name.endswith("_id") and name != "sub_id"))
        and "integer" in schema.get("type", ())
    ]
    assert ids  # `sub_id` is Android's
    assert not [name for name, schema in ids if schema.get("format") != "int64"]
    paths = [one for op in operations(document) for one in op["parameters"] if one["in"] == "path"]
    numbers = [one["schema"] for one in paths if one["name"].endswith("_id")]
    assert all(schema == {"type": "integer", "format": "int64"} for schema in numbers)


def test_times_of_answers_are_times(document: dict[str, Any]) -> None:
    times = [(name, one) for name, one in properties(document) if name.endswith(("_at", "_time"))]
    assert times
    given = {"wall_time", "sent_time"}  # by a phone, whose clock may say anything
    assert not [
        name for name, one in times if one.get("format") != "date-time" and name not in given
    ]


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    ids = [operation["operationId"] for operation in operations(document)]
    assert len(ids) == len(set(ids))
    for operation in operations(document):
        assert operation["summary"]
        assert operation["description"], operation["operationId"]
        assert set(operation["tags"]) <= tags
        assert any(status.startswith("2") for status in operation["responses"])
        assert any(status.startswith("4") for status in operation["responses"])
        for parameter in operation["parameters"]:
            assert parameter["description"], (operation["operationId"], parameter["name"])
            assert "description" not in parameter["schema"]


def test_what_is_called_and_what_calls_have_no_tag_in_common(document: dict[str, Any]) -> None:
    """openapi-generator makes a class of each tag, of the calls to a webhook over that of the routes."""
    called, calls = (
        {tag for methods in routes.values() for one in methods.values() for tag in one["tags"]}
        for routes in (document["paths"], document.get("webhooks", {}))
    )
    assert not called & calls


def test_a_list_in_a_query_is_separated_by_commas(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for parameter in operation["parameters"]:
            if parameter["schema"].get("type") == "array":
                assert parameter["explode"] is False, parameter["name"]


def test_nothing_in_a_query_is_null(document: dict[str, Any]) -> None:
    parameters = [one for operation in operations(document) for one in operation["parameters"]]
    assert not [
        one["name"] for one in parameters for part in parts(one) if "null" in part.get("type", ())
    ]


def test_words_of_a_field_are_not_hidden_in_its_alternatives(document: dict[str, Any]) -> None:
    alternatives = [one for part in parts(document) for one in part.get("anyOf", ())]
    assert not [one for one in alternatives if "description" in one]


def test_every_answer_has_an_example_of_its_shape(document: dict[str, Any]) -> None:
    for answer in answers(document):
        for content in answer.get("content", {}).values():
            problems = list(validator(content["schema"]).iter_errors(content["example"]))
            assert not problems, problems


def test_every_body_has_an_example_of_its_shape(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            problems = list(validator(content["schema"]).iter_errors(content["example"]))
            assert not problems, (operation["operationId"], problems)


def test_headers_of_answers_are_told(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            takes_key = any(one["name"] == "Idempotency-Key" for one in operation["parameters"])
            for status, answer in operation["responses"].items():
                if status.startswith("2"):
                    assert "X-Request-Id" in answer["headers"], (method, path)
                    assert ("Idempotent-Replayed" in answer["headers"]) == takes_key, (method, path)
    refusals = document["components"]["responses"]
    waits = {name for name, answer in refusals.items() if "Retry-After" in answer["headers"]}
    assert waits == {"Conflict", "TooManyRequests", "Unavailable"} & set(refusals)


def test_who_is_asked_about_it_is_named(document: dict[str, Any]) -> None:
    assert document["info"]["contact"]["url"]
