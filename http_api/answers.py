"""Field types of answers, for the OpenAPI document. At run time each is its plain type."""

from __future__ import annotations

from typing import Annotated

from pydantic import WithJsonSchema

# Of a bigint: without a format generated clients read 32 bits, which a restore's jump of ids passes.
RowId = Annotated[int, WithJsonSchema({"type": "integer", "format": "int64"})]

# As http_api.times writes them.
UtcTime = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Date = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
