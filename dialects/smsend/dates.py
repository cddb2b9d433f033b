"""The many ways in which the vendor's clients write a time, and the one in which they read it."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from pydantic import BeforeValidator, PlainValidator, ValidationInfo

from http_api import clock
from http_api.local_time import parse_client_datetime
from http_api.parsing import Decoded
from http_api.shapes import problem
from licenses.models import known_time_zone
from licenses.sender import time_zone
from messaging.drafts import ClientTime
from messaging.fields import sender_of

ACCEPTED_FORMS = "use yyyyMMddHHmmss like 20260410090000, or ISO 8601 like 2026-04-10T09:00:00"

# Told apart by their length.
_DIGITS = {6: "%d%m%y", 8: "%Y%m%d", 10: "%d%m%y%H%M", 14: "%Y%m%d%H%M%S"}

# `2026-04-10 09:00`, `…:00`, `….0`; what follows the point says nothing.
_SPACED = re.compile(r"(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}(?::\d{2})?)(?:\.\d{1,9})?", re.ASCII)

# How Gson writes a Date: "Dec 1, 2025, 9:00:00 AM". Older ones have no second comma, and since
# Java 20 a narrow no-break space stands before AM.
_GSON = "%b %d, %Y %I:%M:%S %p"
_GSON_SECOND_COMMA = re.compile(r"(\d{4}),")
_SPACES = re.compile(r"[\u00a0\u202f]")


def parse(text: str, zone: ZoneInfo) -> dt.datetime:
    """Any of their forms → aware, in UTC; without an offset it is local time of `zone`.

    Raises ValueError naming the accepted forms.
    """
    try:
        return parse_client_datetime(_as_iso(text), zone)
    except ValueError:
        raise ValueError(ACCEPTED_FORMS) from None


def _as_iso(text: str) -> str:
    if text.isascii() and text.isdigit():
        form = _DIGITS.get(len(text), "")
        return dt.datetime.strptime(text, form).isoformat()  # noqa: DTZ007
    if match := _SPACED.fullmatch(text):
        return "T".join(match.groups())
    if text[:1].isalpha():
        plain = _GSON_SECOND_COMMA.sub(r"\1", _SPACES.sub(" ", text))
        return dt.datetime.strptime(plain, _GSON).isoformat()  # noqa: DTZ007
    return text


def shown(at: dt.datetime | None, zone: ZoneInfo) -> str | None:
    """yyyyMMddHHmmss on that zone's clock."""
    return None if at is None else at.astimezone(zone).strftime("%Y%m%d%H%M%S")


def _zone(name: object) -> ZoneInfo:
    try:
        if isinstance(name, str):
            known_time_zone(name)
            return time_zone(name)
    except ValidationError:
        pass
    raise problem("use the name of a time zone like Europe/Rome")


def _time(value: object, info: ValidationInfo) -> ClientTime:
    """Reads the zone from a field before it."""
    zone = info.data.get("zone") or sender_of(info).zone
    if isinstance(value, Decoded):
        value = value.as_time()
    try:
        if value == "now":
            at = clock.now()
        elif isinstance(value, str) or type(value) is int:
            at = parse(str(value), zone)
        else:
            raise ValueError(ACCEPTED_FORMS)
    except ValueError as error:
        raise problem(str(error)) from None
    # the native API shows ISO 8601 to everybody
    return ClientTime(at, at.astimezone(zone).isoformat(timespec="seconds"))


Zone = Annotated[ZoneInfo, PlainValidator(_zone)]
When = Annotated[ClientTime, BeforeValidator(_time)]
