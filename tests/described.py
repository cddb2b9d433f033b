"""Holds answers against the OpenAPI document: a client that was made from it must not be surprised."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from smsgate.pages.openapi import companion_document, document

# Not of one operation: no such address, no such method, a bug.
_EVERYWHERE = frozenset({404, 405, 500})


def check_described(response: Any) -> None:
    """Fail where the document lacks this answer's status, or its body has another shape."""
    if response.status_code == 404 and "text/html" in response.request.get("HTTP_ACCEPT", ""):
        return  # a person's browser, which has tests of its own
    method, path = response.request["REQUEST_METHOD"].lower(), response.request["PATH_INFO"]
    for template, pattern in _paths():
        if pattern.fullmatch(path) and method in described()["paths"][template]:
            break
    else:
        return
    operation = described()["paths"][template][method]
    status = str(response.status_code)
    if status not in operation["responses"]:
        assert response.status_code in _EVERYWHERE, (method, template, status, response.content)
        return
    expected = _validator(template, method, status)
    if expected is None:
        assert response.content == b""
        return
    assert response["Content-Type"] == "application/json"
    problems = [error.message for error in expected.iter_errors(response.json())]
    assert not problems, (method, template, status, problems)


@cache
def _paths() -> list[tuple[str, re.Pattern[str]]]:
    """The document's paths; those with a parameter last, since it could hold a word of another."""
    templates = sorted(described()["paths"], key=lambda template: "{" in template)
    return [(one, re.compile(re.sub(r"\{\w+\}", "[^/]+", one) + "?")) for one in templates]


@cache
def described() -> dict[str, Any]:
    """Both documents as one: what programs call, and what phones call."""
    ours, phones = document(), companion_document()
    places = ("schemas", "responses")
    components = {name: phones["components"][name] | ours["components"][name] for name in places}
    return {"paths": ours["paths"] | phones["paths"], "components": components}


@cache
def _validator(template: str, method: str, status: str) -> Draft202012Validator | None:
    answer = described()["paths"][template][method]["responses"][status]
    if "$ref" in answer:
        answer = described()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    if "content" not in answer:
        return None
    return validator(answer["content"]["application/json"]["schema"])


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """For values of this part of the documents: no key beside those described, times in their format."""
    whole = schema | {"components": _closed(described()["components"])}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _closed(schema: Any) -> Any:
    """The same, where an object has no key beside those that are described."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed["additionalProperties"] = False
    return closed
