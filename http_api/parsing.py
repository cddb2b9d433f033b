"""The one body parser in front of every view: strict JSON, and forms where a client sends them.

Clients name the wrong content type (curl -d sends JSON as a form, Node-RED sends none at all), so
what a body is, is read from the body: one that starts with `{` or `[` is JSON.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable
from io import BytesIO
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.parsers import BaseParser

from http_api.errors import Refusal
from http_api.limits import BULK_BODY, body_limit

MAX_DEPTH = 16
MAX_DIGITS = 40
MAX_FORM_FIELDS = 1000
MAX_BULK_FIELDS = 20_000  # 500 contacts of 30 fields, the largest that a dialect promises

# Only an escape can smuggle in a lone surrogate or a NUL: raw ones are not UTF-8 or not JSON.
_SUSPECT_ESCAPE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")


class StrictParser(BaseParser):
    """DRF's parser for every media type; gives a dict (a flat one from forms)."""

    media_type = "*/*"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        request: HttpRequest = parser_context["request"]._request
        kind = (media_type or "").split(";")[0].strip().lower()
        if not request.body.strip():
            return {}
        if kind == "multipart/form-data":
            return _multipart(request)
        if kind == "application/x-www-form-urlencoded" and not _looks_like_json(request.body):
            return parse_form(request.body, max_fields=max_fields(request.path))
        return parse_json(request.body)


class ListParser(StrictParser):
    """For the few routes whose body may be a bare list: `[…]` is read as `{"items": […]}`."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        body: bytes = parser_context["request"]._request.body
        if body.removeprefix(BOM_UTF8).lstrip()[:1] == b"[":
            return {"items": _parse(body)}
        return super().parse(stream, media_type, parser_context)


def _looks_like_json(body: bytes) -> bool:
    return body.removeprefix(BOM_UTF8).lstrip()[:1] in (b"{", b"[")


def parse_json(body: bytes) -> dict[str, Any]:
    """Strict JSON: UTF-8, at most 16 levels, no NaN, no NUL, no lone surrogate, no giant number.

    Raises Refusal("malformed") naming what is wrong; never quotes the body.
    """
    data = _parse(body)
    if not isinstance(data, dict):
        _malformed("The body must be a JSON object.")
    return data


def _parse(body: bytes) -> Any:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        _malformed("The body is not UTF-8.")
    try:
        data = json.loads(
            text, parse_constant=_no_constant, parse_int=_integer, parse_float=_decimal
        )
    except json.JSONDecodeError as error:
        _malformed(
            f"The body is not JSON: {error.msg} at line {error.lineno} column {error.colno}."
        )
    except RecursionError:
        _malformed(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(data, dict | list):
        _check_depth(data, MAX_DEPTH)
    if _SUSPECT_ESCAPE.search(text):
        check_strings(data)
    return data


def _malformed(problem: str) -> NoReturn:
    raise Refusal("malformed", problem)


def _no_constant(name: str) -> NoReturn:
    _malformed(f"{name} is not a JSON number.")


def _integer(number: str) -> int:
    _check_digits(number)
    return int(number)


def _decimal(number: str) -> float:
    _check_digits(number)
    value = float(number)
    if value in (float("inf"), float("-inf")):
        _malformed("A number is too large.")
    return value


def _check_digits(number: str) -> None:
    if len(number) > MAX_DIGITS and sum(map(str.isdigit, number)) > MAX_DIGITS:
        _malformed(f"A number has more than {MAX_DIGITS} digits.")


def _check_depth(data: Any, levels: int) -> None:
    if levels == 0:
        _malformed(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
    for value in data.values() if isinstance(data, dict) else data:
        if isinstance(value, dict | list):
            _check_depth(value, levels - 1)


def check_strings(data: Any) -> None:
    if isinstance(data, str):
        if "\0" in data:
            _malformed("A string holds a NUL character.")
        try:
            data.encode("utf-8")
        except UnicodeEncodeError:
            _malformed("A string holds half of a surrogate pair.")
    elif isinstance(data, dict):
        for key, value in data.items():
            check_strings(key)
            check_strings(value)
    elif isinstance(data, list):
        for value in data:
            check_strings(value)


def max_fields(path: str) -> int:
    """How many fields a form, or a query string, may have at this path."""
    return MAX_BULK_FIELDS if body_limit(path) == BULK_BODY else MAX_FORM_FIELDS


def parse_form(body: bytes, *, max_fields: int = MAX_FORM_FIELDS) -> dict[str, Any]:
    """A form's body, or a query string. Raises Refusal("malformed")."""
    try:
        fields = parse_qsl(body.decode("utf-8"), True, errors="strict", max_num_fields=max_fields)
    except UnicodeDecodeError:
        _malformed("The form is not UTF-8.")
    except ValueError:
        _malformed(f"The form has more than {max_fields} fields.")
    return _form(fields)


def _multipart(request: HttpRequest) -> dict[str, Any]:
    # As Latin-1, which is bytes: Django would replace what is not UTF-8.
    try:
        parser: Any = MultiPartParser(
            request.META, BytesIO(request.body), request.upload_handlers, "latin-1"
        )
        if b"--%b--" % parser._boundary not in request.body:
            _malformed("The multipart body does not come to its end.")
        fields, _files = parser.parse()
    except (MultiPartParserError, SuspiciousOperation):
        _malformed("The multipart body is broken.")
    try:
        return _form(
            (name, value.encode("latin-1").decode("utf-8"))
            for name, values in fields.lists()
            for value in values
        )
    except UnicodeDecodeError:
        _malformed("The form is not UTF-8.")


def _form(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """One value a name (the last), an empty one being absent; `phone` gets its `+` back.

    `phones[]`, the notation of PHP, is a list of all its values.
    """
    given: dict[str, Any] = {}
    for name, value in fields:
        if name.endswith("[]"):
            given.setdefault(name, []).append(value)
        else:
            given[name] = value
    values = {name: value for name, value in given.items() if value}
    check_strings(values)
    if "phone" in values:
        values["phone"] = restore_plus(values["phone"])
    return values


def restore_plus(phone: str) -> str:
    """In form bodies and query strings a leading space stands for the `+` the decoder ate."""
    return f"+{phone[1:]}" if phone.startswith(" ") else phone
