"""The parameters of a vendor's client: query string, form and JSON as one, read once a request.

Many of these vendors take a field in any of the three, and lists as PHP writes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel
from rest_framework.request import Request

from http_api.blanks import is_blank
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.parsing import MAX_DEPTH, Decoded, query_fields, stands_twice
from http_api.reading import body_of, read_fields

Params = dict[str, Any]
Model = TypeVar("Model", bound=BaseModel)


def read(request: Request, shape: type[Model]) -> Model:
    """Return the request as this shape. Raise ApiError `invalid` with every problem of every field."""
    return read_fields(request, params(request), shape)


def params(request: Request) -> Params:
    """Return all fields of the request.

    Raise ApiError `malformed` where one of them has two values.
    """
    context = request.parser_context
    if "params" not in context:  # an authentication class asks before the view does
        context["params"] = nested(_merged(request))
    found: Params = context["params"]
    return found


def _merged(request: Request) -> Params:
    query, body = query_fields(request), body_of(request)
    if not query:
        return body
    given = {
        name: value for name, value in body.items() if name not in query or not is_blank(value)
    }
    for name in sorted(query.keys() & given.keys()):
        if not _is_same(query[name], given[name]):
            stands_twice(name)
    return query | given


def _is_same(queried: Any, given: Any) -> bool:
    """Say whether both are one value, perhaps a number in JSON, or with its `+` put back."""
    if not isinstance(queried, Decoded):
        return bool(queried == given)
    return str(given) in {str(queried), queried.as_phone(), queried.as_time()}


# --- PHP's lists -------------------------------------------------------------------------------------

_NESTED = re.compile(r"([^\[\]]+)((?:\[[^\[\]]+\])*)(\[\])?")


def nested(fields: Mapping[str, Any]) -> Params:
    """Return `{"data": [{"name": "x"}]}` for `{"data[0][name]": "x"}`, as PHP writes it.

    Raise ApiError `malformed` where one place has two values.
    """
    if "[" not in "".join(fields):
        return dict(fields)
    tree: Params = {}
    for name, value in fields.items():
        match = _NESTED.fullmatch(name) if "[" in name else None
        if match is None:
            _put(tree, name, value, name)
            continue
        steps = [match[1], *match[2][1:-1].split("][")] if match[2] else [match[1]]
        if len(steps) > MAX_DEPTH:
            raise ApiError(
                ErrorCode.MALFORMED, f"A field is nested deeper than {MAX_DEPTH} levels."
            )
        place = tree
        for step in steps[:-1]:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                stands_twice(name)
        _put(place, steps[-1], value, name)
    return {
        name: _listed(value, name) if name not in fields else value for name, value in tree.items()
    }


def _put(place: Params, step: str, value: Any, name: str) -> None:
    if place.setdefault(step, value) is not value:
        stands_twice(name)


class Numbered(list[Any]):
    """A form's numbered values, in order, and their numbers: an empty one was perhaps left out."""

    def __init__(self, values: Mapping[int, Any]) -> None:
        self.numbers = sorted(values)
        super().__init__(values[number] for number in self.numbers)

    def in_columns(self) -> list[Any]:
        """Return them with a blank for each number that was left out. Call on few."""
        values = dict(zip(self.numbers, self, strict=True))
        return [values.get(number, "") for number in range(self.numbers[-1] + 1)]


def _listed(place: Any, name: str) -> Any:
    """Return what is numbered as a list, in the order of its numbers. `name` is the field's."""
    if not isinstance(place, dict):
        return place
    values = {step: _listed(value, name) for step, value in place.items()}
    if not all(step.isascii() and step.isdigit() and len(step) < 10 for step in values):
        return values
    numbered = {int(step): value for step, value in values.items()}
    if len(numbered) < len(values):  # [1] and [01]
        stands_twice(name)
    return Numbered(numbered)
