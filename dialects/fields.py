"""Field types that clients of several vendors share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from http_api.parsing import Decoded
from messaging.fields import Time


def _with_t(value: object) -> object:
    if isinstance(value, Decoded):
        value = value.as_time()
    return value.strip().replace(" ", "T", 1) if isinstance(value, str) else value


# Also `2019-05-24 10:22`.
Moment = Annotated[Time, BeforeValidator(_with_t)]
