"""The OpenAPI schema comes from the shapes that validate: one source of truth."""

from __future__ import annotations

from drf_spectacular.openapi import AutoSchema


class PydanticSchema(AutoSchema):
    pass
