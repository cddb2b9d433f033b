"""Request shapes: pydantic models that validate a body and describe it in the OpenAPI schema.

Tolerances that real clients need are written here once: a blank is absent, unknown keys are ignored,
booleans also come as `"true"`, integers as digit strings, ids as JSON numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from http_api.blanks import is_blank
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.parsing import Decoded

Model = TypeVar("Model", bound=BaseModel)


class Shape(BaseModel):
    """Base of every request body and query string.

    A blank (`null`, `""`, white space, characters of no width) where a field may be left out is that
    field left out, as an empty cell of a spreadsheet sends it. A required field keeps its blank, for
    its type to judge: a text of one space is a text, an id or a name is none.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=False)

    @model_validator(mode="before")
    @classmethod
    def _blank_is_absent(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise PydanticCustomError("object", "must be an object")
        blank = [name for name, value in data.items() if is_blank(value)]
        if not blank:
            return data
        optional = _optional_names(cls)
        absent = {name for name in blank if data[name] is None or name in optional}
        return {name: value for name, value in data.items() if name not in absent}


def names_of(shape: type[BaseModel]) -> dict[str, bool]:
    """Return what clients call the fields of this shape, and which of them are required."""
    return {field.alias or name: field.is_required() for name, field in shape.model_fields.items()}


@cache
def _optional_names(shape: type[BaseModel]) -> frozenset[str]:
    return frozenset(name for name, is_required in names_of(shape).items() if not is_required)


def problem(message: str) -> PydanticCustomError:
    """Return the error for a validator to raise; `message` is shown as it is."""
    return PydanticCustomError("invalid", "{message}", {"message": message})


_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)


def _integer(value: object) -> object:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):  # also a `+` made a space
        return int(value)
    if type(value) is not int:
        raise problem("must be a whole number")
    return value


TRUE, FALSE = ("true", "1", "on", "yes"), ("false", "0", "off", "no")


def _boolean(value: object) -> object:
    """In JSON also the words; in forms and query strings, which have no booleans, what HTML and
    people write there."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        known = len(TRUE) if isinstance(value, Decoded) else 1
        if (word := value.strip().lower()) in TRUE[:known] or word in FALSE[:known]:
            return word in TRUE
    raise problem("must be true or false")


def identifier(value: object) -> object:
    """Programs whose ids are numbers send them as JSON numbers."""
    return str(value) if type(value) is int else value


def _not_blank(value: str) -> str:
    if value and is_blank(value):  # of "" the type says it
        raise problem("may not be empty")
    return value


Integer = Annotated[int, BeforeValidator(_integer)]
MAX_ID = 2**63 - 1  # of a bigint
Id = Annotated[Integer, Field(ge=1, le=MAX_ID)]
Boolean = Annotated[bool, BeforeValidator(_boolean)]
Identifier = Annotated[str, BeforeValidator(identifier), AfterValidator(_not_blank)]


def validated(shape: type[Model], data: object, **context: Any) -> Model:
    """Validate the body as this shape; raise ApiError `invalid` with every problem of every field."""
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


def invalid(problems: Mapping[str, Any]) -> ApiError:
    """Return the error for these problems."""
    return ApiError(ErrorCode.INVALID, errors=problems)


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
            unit = "items" if context["field_type"] in {"List", "Dictionary"} else "characters"
            return f"may have at most {context['max_length']} {unit}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "enum" | "literal_error":
            return f"must be {context['expected']}"
        case "dict_type" | "model_type":
            return "must be an object"
        case _:
            return detail["msg"]
