"""Fields of a call of a hook link: the query string, and where that lacks something, the body.

Programs name a text and a number in ways of their own. The known names are taken, and nothing else: a
field that nobody meant to send must not become an SMS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError
from rest_framework.request import Request

from http_api.parsing import Decoded, parse_json, query_fields
from http_api.reading import body_of
from http_api.shapes import Shape

# Ours, and what others call it; the first that is given counts.
_NAMES = {
    "phone": ("phone", "to", "message_to"),
    "message": ("message", "msg", "text", "message_body", "title"),
    "external_id": ("external_id",),
    "send_after": ("send_after",),
}

# What Bitrix24 posts to an SMS provider. It may post a message twice, under one `message_id`.
_BITRIX24S = {"message_id", "message_to", "message_body"}


def queried_fields(request: Request) -> dict[str, Any]:
    """Return the query string's fields by our names."""
    return _known(query_fields(request))


def hook_fields(request: Request, *needed: str) -> dict[str, Any]:
    """Return the fields by our names. The query string wins; a body is read only where that lacks one of
    the `needed`. Raise ApiError `malformed` for what is then no JSON object and no form."""
    queried = queried_fields(request)
    if queried.keys() >= set(needed):
        return queried
    body = _unwrapped(body_of(request))
    given = _known(body)
    if "message" not in given and (text := _alertmanagers_text(body)):
        given["message"] = text
    if body.keys() >= _BITRIX24S and body["message_id"] not in (None, ""):
        given.setdefault("external_id", f"b24-{body['message_id']}")
    return given | queried


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for ours, names in _NAMES.items():
        values = (fields[name] for name in names if fields.get(name) not in (None, ""))
        if (value := next(values, None)) is not None:
            found[ours] = value
    return found


def _unwrapped(body: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON of a form whose only field is `data`, as Uptime Kuma posts it."""
    match body:
        case {"data": Decoded() as data} if len(body) == 1:
            return parse_json(data.encode())
        case _:
            return body


class _Alert(Shape):
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}

    @property
    def text(self) -> str:
        told = self.annotations
        return told.get("summary") or told.get("description") or self.labels.get("alertname", "")


class _Alertmanagers(Shape):
    """The body of Alertmanager, whose text nobody has written yet."""

    status: str
    alerts: Annotated[list[_Alert], Field(min_length=1)]


def _alertmanagers_text(body: dict[str, Any]) -> str:
    """Return `[FIRING:2] the first alert's summary`; '' of another body."""
    try:
        told = _Alertmanagers.model_validate(body)
    except ValidationError:
        return ""
    text = told.alerts[0].text
    return text and f"[{told.status.upper()}:{len(told.alerts)}] {text}"
