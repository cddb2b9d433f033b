"""What clients of several vendors write alike: numbers without `+`, times with a space, PHP's lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator
from rest_framework.request import Request

from http_api.errors import Refusal
from http_api.parsing import MAX_DEPTH, max_fields, parse_form
from http_api.shapes import Shape
from messaging.fields import Phone, Time

# National numbers have at most so many digits where they could be taken for a country's code and more.
_NATIONAL_DIGITS = 8


def _international(value: object) -> object:
    if type(value) is int and value >= 0:
        value = str(value)
    if not isinstance(value, str) or not value.strip()[:1].isdigit():
        return value
    if sum(character.isdigit() for character in value) <= _NATIONAL_DIGITS:
        return value
    return f"+{value.strip().removeprefix('00')}"


# For vendors who write `375291234567`: nine digits and more start with a country's code.
International = Annotated[Phone, BeforeValidator(_international)]


def _with_t(value: object) -> object:
    return value.strip().replace(" ", "T", 1) if isinstance(value, str) else value


# Also `2019-05-24 10:22`.
Moment = Annotated[Time, BeforeValidator(_with_t)]


class Fields(Shape):
    """A shape in which an empty text is absent, as `null` is."""

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, data: Any) -> Any:
        if isinstance(data, dict) and "" in data.values():
            return {name: value for name, value in data.items() if value != ""}
        return data


def merged(request: Request) -> dict[str, Any]:
    """Query string, form and JSON as one; the body's word is the last."""
    query = parse_form(
        request.META.get("QUERY_STRING", "").encode("latin-1"), max_fields=max_fields(request.path)
    )
    body = request.data
    assert isinstance(body, dict)  # StrictParser gives objects only
    return nested(query | body)


_NESTED = re.compile(r"([^\[\]]+)((?:\[[^\[\]]+\])*)(\[\])?")


def nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """`{"data[0][name]": "x"}`, as PHP writes it, is `{"data": [{"name": "x"}]}`."""
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        match = _NESTED.fullmatch(name) if "[" in name else None
        if match is None:
            tree[name] = value
            continue
        steps = [match[1], *match[2][1:-1].split("][")] if match[2] else [match[1]]
        if len(steps) > MAX_DEPTH:
            raise Refusal("malformed", f"A field is nested deeper than {MAX_DEPTH} levels.")
        place = tree
        for step in steps[:-1]:
            if not isinstance(place.get(step), dict):
                place[step] = {}
            place = place[step]
        place[steps[-1]] = value
    return {name: _listed(value) if name not in fields else value for name, value in tree.items()}


def _listed(place: Any) -> Any:
    """What is numbered is a list, in the order of its numbers."""
    if not isinstance(place, dict):
        return place
    values = {name: _listed(value) for name, value in place.items()}
    if all(name.isascii() and name.isdigit() and len(name) < 10 for name in values):
        return [values[name] for name in sorted(values, key=int)]
    return values
