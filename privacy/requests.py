"""Requests of the routes about persons."""

from __future__ import annotations

from http_api.shapes import Shape
from messaging.fields import Phone


class OfPerson(Shape):
    """Body of `POST /api/persons/`, and of `POST /api/erasures/`."""

    phone: Phone
