"""Request shapes: pydantic models that validate a body and describe it in the OpenAPI schema.

Tolerances that real clients need are written here once: `null` is absent, unknown keys are ignored,
booleans also come as `"true"`, integers as digit strings, ids as JSON numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from http_api.errors import Refusal

Model = TypeVar("Model", bound=BaseModel)


class Shape(BaseModel):
    """Base of every request body."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=False)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise PydanticCustomError("object", "must be an object")
        if None in data.values():
            return {name: value for name, value in data.items() if value is not None}
        return data


def problem(message: str) -> PydanticCustomError:
    """What a validator raises; `message` is shown as it is."""
    return PydanticCustomError("invalid", "{message}", {"message": message})


_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


def _integer(value: object) -> object:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if type(value) is not int:
        raise problem("must be a whole number")
    return value


def _boolean(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise problem("must be true or false")


def identifier(value: object) -> object:
    """Programs whose ids are numbers send them as JSON numbers."""
    return str(value) if type(value) is int else value


Integer = Annotated[int, BeforeValidator(_integer)]
Boolean = Annotated[bool, BeforeValidator(_boolean)]
Identifier = Annotated[str, BeforeValidator(identifier)]


def validated(shape: type[Model], data: object, **context: Any) -> Model:
    """The body as this shape, or Refusal("invalid") with every problem of every field."""
    try:
        return shape.model_validate(data, context=context)
    except ValidationError as error:
        raise invalid(problems_by_field(error)) from None


def problems_by_field(error: ValidationError) -> dict[str, Any]:
    """`{"phone": ["…"]}`; problems inside lists are nested by index: `{"messages": {"3": {…}}}`."""
    problems: dict[str, Any] = {}
    for detail in error.errors(include_url=False, include_input=False):
        path = [str(step) for step in detail["loc"]] or ["body"]
        place = problems
        for step in path[:-1]:
            place = place.setdefault(step, {})
            if isinstance(place, list):  # the container itself was wrong: one problem is enough
                break
        else:
            place.setdefault(path[-1], []).append(_in_words(detail))
    return problems


def invalid(problems: Mapping[str, Any]) -> Refusal:
    """The refusal for these problems; its message names the first of them."""
    path: list[str] = []
    place: Any = problems
    while isinstance(place, Mapping):
        step, place = next(iter(place.items()))
        path.append(step)
    return Refusal("invalid", f"{'.'.join(path)}: {place[0]}", errors=problems)


def _in_words(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return "this field is required"
        case "string_type":
            return "must be a string"
        case "string_too_long":
            return f"may have at most {context['max_length']} characters"
        case "string_too_short":
            return "may not be empty"
        case "list_type":
            return "must be a list"
        case "too_short":
            return "may not be empty"
        case "too_long":
            unit = "items" if context["field_type"] == "List" else "characters"
            return f"may have at most {context['max_length']} {unit}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case _:
            return detail["msg"]
