"""Field types of request shapes that follow the account's rules: phones, times, texts.

They read the Sender from pydantic's validation context (`validated(…, sender=sender)`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from http_api import outgoing
from http_api.local_time import ACCEPTED_FORM, FORM, parse_client_datetime
from http_api.parsing import Decoded
from http_api.shapes import Identifier, Integer, problem
from licenses.sender import Sender
from messaging.drafts import ClientTime
from messaging.models import OnUncertain
from messaging.phone import InvalidPhone, parse_phone


def sender_of(info: ValidationInfo) -> Sender:
    """Return who asks, by whose account's rules a field is read."""
    sender = (info.context or {})["sender"]
    if not isinstance(sender, Sender):
        raise TypeError("a field of an account is read where nobody has one")
    return sender


def _phone(value: object, info: ValidationInfo, **reading: bool) -> str:
    sender = sender_of(info)
    if isinstance(value, Decoded):
        value = value.as_phone()
    try:
        if type(value) in (str, int, float):
            rules = {"allow_short_codes": sender.allow_short_codes} | reading
            return parse_phone(value, sender.country, **rules)  # type: ignore[arg-type]
    except InvalidPhone as error:
        raise problem(str(error)) from None
    raise problem("enter a number like +48123456789")


def _phone_with_country_code(value: object, info: ValidationInfo) -> str:
    return _phone(value, info, bare_has_country_code=True)


def _phone_of_any_length(value: object, info: ValidationInfo) -> str:
    return _phone(value, info, any_length=True)


def _phone_or_short_code(value: object, info: ValidationInfo) -> str:
    return _phone(value, info, allow_short_codes=True)


def _time(value: object, info: ValidationInfo) -> ClientTime:
    if isinstance(value, Decoded):
        value = value.as_time()
    try:
        if isinstance(value, str):
            return ClientTime(parse_client_datetime(value, sender_of(info).zone), str(value))
    except ValueError as error:
        raise problem(str(error)) from None
    raise problem(ACCEPTED_FORM)


def _webhook_url(value: str) -> str:
    try:
        outgoing.Target.of(value)
    except ValueError as error:
        raise problem(str(error)) from None
    return value


_PHONE_SCHEMA = WithJsonSchema(
    {
        "type": "string",
        "examples": ["+48123456789"],
        "description": "E.164, or a national number of the account's country.",
    }
)

Phone = Annotated[str, BeforeValidator(_phone), _PHONE_SCHEMA]

# For vendors who write `375291234567`: nine digits and more begin with a country's code.
International = Annotated[str, BeforeValidator(_phone_with_country_code), _PHONE_SCHEMA]

# Also numbers too long for their country's plan, as machines have.
PhoneOfAnyLength = Annotated[str, BeforeValidator(_phone_of_any_length), _PHONE_SCHEMA]

# Of an opt-out, which may be a short code whatever the licence may send to.
OptedOutPhone = Annotated[str, BeforeValidator(_phone_or_short_code), _PHONE_SCHEMA]

Time = Annotated[
    ClientTime,
    BeforeValidator(_time),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": FORM,
            "examples": ["2026-04-10T09:00:00", "2026-04-10T07:00:00Z"],
            "description": "ISO 8601; without an offset it is the account's local time.",
        }
    ),
]

Text = Annotated[
    str, Field(min_length=1, description="1–10 SMS parts; stored as it is, byte for byte.")
]

# A URL that this server may be asked to call.
WebhookUrl = Annotated[str, AfterValidator(_webhook_url)]

# For `Batch.callback_url`, of a send of our own API.
CallbackUrl = Annotated[
    WebhookUrl,
    Field(
        max_length=outgoing.MAX_URL,
        description="Is told of each event of what this sends, as a webhook is.",
    ),
]

MAX_ID_LENGTH = 255

ExternalId = Annotated[
    Identifier,
    Field(
        min_length=1,
        max_length=MAX_ID_LENGTH,
        description="Unique per licence: a repeated one is refused.",
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
            "description": "Higher is sent sooner.",
        }
    ),
]

Uncertain = Annotated[
    OnUncertain,
    Field(
        description="What to do when nobody knows whether it was sent: `hold` it for its owner"
        " or `resend` it, perhaps a second time."
    ),
]
