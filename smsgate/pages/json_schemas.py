"""JSON Schema of the types that bodies and answers have, in the form that makers of clients understand.

Pydantic writes for validators; what generates a client reads more into it: names it by titles, requires
what has a default, and shows no description that stands inside of an `anyOf`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from http_api.shapes import MAX_ID

_PLACE = "#/components/schemas/"
_NULL = {"type": "null"}
# Of a bound that stands behind a validator pydantic writes its own name.
_BOUNDS = {"ge": "minimum", "le": "maximum"}
_WORDS = ("description", "examples")


@dataclass(frozen=True, slots=True)
class Types:
    """Every type that a body or an answer has, with the components that they share."""

    schemas: dict[tuple[Any, JsonSchemaMode], dict[str, Any]]
    components: dict[str, Any]

    @classmethod
    def of(cls, requests: Iterable[Any], answers: Iterable[Any]) -> Types:
        wanted: dict[tuple[Any, JsonSchemaMode], None] = {}
        wanted |= {(kind, "validation"): None for kind in requests}
        wanted |= {(kind, "serialization"): None for kind in answers}
        schemas, definitions = TypeAdapter.json_schemas(
            [(kind, mode, TypeAdapter(kind)) for kind, mode in wanted],
            ref_template=f"{_PLACE}{{model}}",
        )
        components = definitions.get("$defs", {})
        return cls(
            {key: _tidied(schema) for key, schema in schemas.items()},
            {name: _tidied(schema) for name, schema in components.items()},
        )

    def request(self, kind: Any) -> dict[str, Any]:
        return self.schemas[kind, "validation"]

    def answer(self, kind: Any) -> dict[str, Any]:
        return self.schemas[kind, "serialization"]

    def fields(self, kind: Any) -> dict[str, Any]:
        """Return the schemas of a request's fields; none of them is null, as in a query string."""
        component = self.components[self.request(kind)["$ref"].removeprefix(_PLACE)]
        return {name: _never_null(schema) for name, schema in component["properties"].items()}


def used(components: dict[str, dict[str, Any]], described: Any) -> dict[str, dict[str, Any]]:
    """Return those of the document's components that `described` refers to, by way of others as well."""
    places = {
        f"#/components/{kind}/{name}": part
        for kind, named in components.items()
        for name, part in named.items()
    }
    reached: set[str] = set()
    found = set(_references(described))
    while found - reached:
        reached |= found
        found = {place for one in found for place in _references(places[one])}
    return {
        kind: {
            name: part for name, part in named.items() if f"#/components/{kind}/{name}" in reached
        }
        for kind, named in components.items()
    }


def _references(part: Any) -> Iterator[str]:
    match part:
        case {"$ref": str() as place}:
            yield place
        case dict():
            for inner in part.values():
                yield from _references(inner)
        case list():
            for inner in part:
                yield from _references(inner)


def _tidied(schema: dict[str, Any]) -> dict[str, Any]:
    tidy = {_BOUNDS.get(name, name): value for name, value in schema.items() if name != "title"}
    for name in ("properties", "$defs"):
        if name in tidy:
            tidy[name] = {field: _tidied(inner) for field, inner in tidy[name].items()}
    for name in ("anyOf", "allOf"):
        if name in tidy:
            tidy[name] = [_tidied(inner) for inner in tidy[name]]
    for name in ("items", "additionalProperties"):
        if isinstance(tidy.get(name), dict):
            tidy[name] = _tidied(tidy[name])
    if tidy.get("maximum") == MAX_ID:
        del tidy["maximum"]
        tidy["format"] = "int64"
    return _without_default(_nullable(tidy))


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Write `anyOf: [string, null]` as the type `[string, null]`; of others lift the words."""
    match schema:
        case {"anyOf": [dict() as one, null], **outer} if null == _NULL:
            if "$ref" in one or "enum" in one or "anyOf" in one or "type" not in one:
                words = {name: one[name] for name in _WORDS if name in one}
                rest = {name: value for name, value in one.items() if name not in words}
                return words | outer | {"anyOf": [rest, _NULL]}
            return one | outer | {"type": [one["type"], "null"]}
    return schema


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    match schema:
        case {"type": [kind, "null"]}:
            return schema | {"type": kind}
        case {"anyOf": [dict() as one, null], **outer} if null == _NULL:
            return one | outer
    return schema


def _without_default(schema: dict[str, Any]) -> dict[str, Any]:
    """Tell the default in words: as a keyword it makes generators require the field in a body."""
    rest = {name: value for name, value in schema.items() if name != "default"}
    default = schema.get("default")
    if default in (None, "", []):
        return rest
    shown = str(default).lower() if isinstance(default, bool) else default
    words = f"{rest.get('description', '')} Default: `{shown}`.".strip()
    return rest | {"description": words}
