"""Read a request: its query string or its body, as a shape."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel
from rest_framework.request import Request

from http_api.parsing import query_fields
from http_api.shapes import validated

Model = TypeVar("Model", bound=BaseModel)


def body_of(request: Request) -> dict[str, Any]:
    """Return the body, which is an object: http_api.parsing.StrictParser takes nothing else."""
    body = request.data
    if not isinstance(body, dict):
        raise TypeError("a body was read by another parser")
    return body


def read(request: Request, shape: type[Model]) -> Model:
    """Return the query string of a GET, the body of any other request, as this shape.

    Raise ApiError `invalid` with every problem of every field.
    """
    is_query = request.method in {"GET", "HEAD"}
    return read_fields(request, query_fields(request) if is_query else body_of(request), shape)


def read_fields(request: Request, fields: Any, shape: type[Model]) -> Model:
    """Return these fields of the request as this shape. Raise as `read`.

    Who asks is in the validation context: the rules of an account say how a phone or a time is read.
    """
    return validated(shape, fields, sender=request.auth)
