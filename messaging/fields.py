"""Field types of request shapes that follow the account's rules: phones, times, texts.

They read the Sender from pydantic's validation context (`validated(…, sender=sender)`).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from http_api import outgoing
from http_api.shapes import Identifier, Integer, problem
from licenses.auth import Sender
from messaging.drafts import ClientTime
from messaging.local_time import parse_client_datetime
from messaging.models import OnUncertain
from messaging.phone import InvalidPhone, parse_phone


def sender_of(info: ValidationInfo) -> Sender:
    sender = (info.context or {})["sender"]
    assert isinstance(sender, Sender)
    return sender


def _phone(value: object, info: ValidationInfo) -> str:
    sender = sender_of(info)
    try:
        if isinstance(value, str) or (type(value) is int and value >= 0):
            return parse_phone(value, sender.country, allow_short_codes=sender.allow_short_codes)
    except InvalidPhone as error:
        raise problem(str(error)) from None
    raise problem("enter a number like +48123456789")


def _time(value: object, info: ValidationInfo) -> ClientTime:
    try:
        if isinstance(value, str):
            return ClientTime(parse_client_datetime(value, sender_of(info).zone), value)
    except ValueError as error:
        raise problem(str(error)) from None
    raise problem("use ISO 8601 like 2026-04-10T09:00:00 or 2026-04-10T09:00:00+02:00")


def _webhook_url(value: str) -> str:
    try:
        outgoing.Target.of(value)
    except ValueError as error:
        raise problem(str(error)) from None
    return value


def _on_uncertain(value: object) -> Any:
    if value not in OnUncertain.values:
        raise problem(f"must be one of: {', '.join(OnUncertain.values)}")
    return value


Phone = Annotated[
    str,
    BeforeValidator(_phone),
    WithJsonSchema(
        {
            "type": "string",
            "examples": ["+48123456789"],
            "description": "E.164, or a national number of the account's country.",
        }
    ),
]

Time = Annotated[
    ClientTime,
    BeforeValidator(_time),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "examples": ["2026-04-10T09:00:00"],
            "description": "ISO 8601; without an offset it is the account's local time.",
        }
    ),
]

Text = Annotated[
    str, Field(min_length=1, description="1–10 SMS parts; stored as it is, byte for byte.")
]

# For `Batch.callback_url`.
WebhookUrl = Annotated[str, AfterValidator(_webhook_url)]

ExternalId = Annotated[
    Identifier,
    Field(
        min_length=1, max_length=255, description="Unique per licence: a repeated one is refused."
    ),
]

Priority = Annotated[
    Integer,
    Field(ge=-32768, le=32767),
    WithJsonSchema(
        {
            "type": "integer",
            "minimum": -32768,
            "maximum": 32767,
            "description": "Higher is sent sooner. Default: 10.",
        }
    ),
]

Uncertain = Annotated[
    str,
    BeforeValidator(_on_uncertain),
    Field(
        description="What to do when nobody knows whether it was sent: `hold` it for its owner"
        " (default) or `resend` it, perhaps a second time."
    ),
]
