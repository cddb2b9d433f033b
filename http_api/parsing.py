"""The one body parser in front of every view: strict JSON, and forms where a client sends them.

Clients name the wrong content type (curl -d sends JSON as a form, Node-RED sends none at all), so
what a body is, is read from the body: one that starts with `{` or `[` is JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from binascii import unhexlify
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any, NoReturn

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler, MemoryFileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from http_api.body_limits import MAX_JSON_VALUES
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError

MAX_DEPTH = 16
# Bytes of a body that are parsed before the GIL is yielded to other threads.
WINDOW = 64 * 1024
MAX_DIGITS = 40
MAX_FORM_FIELDS = 1000
MAX_BULK_FIELDS = 20_000  # 500 contacts of 30 fields, the largest that a dialect promises

# Only an escape can smuggle in a lone surrogate or a NUL: raw ones are not UTF-8 or not JSON.
_ESCAPES = re.compile(rb"(?:%[0-9A-Fa-f]{2})++")
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
            return _multipart(request)[0]
        if kind == "application/x-www-form-urlencoded" and not _starts_with(
            request.body, b"{", b"["
        ):
            return parse_form(request.body, max_fields=parser_context["view"].max_fields())
        return parse_json(request.body)


class ListParser(StrictParser):
    """For the few routes whose body may be a bare list: `[…]` is read as `{"items": […]}`."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        body: bytes = parser_context["request"]._request.body
        if _starts_with(body, b"["):
            return {"items": _parse(body)}
        return super().parse(stream, media_type, parser_context)


class Upload(str):
    """A file of a form: as a string its digest, by which a request that comes again is the same."""

    __slots__ = ("data", "name")
    name: str
    data: bytes

    @classmethod
    def of(cls, name: str, data: bytes) -> Upload:
        upload = cls(hashlib.sha256(data).hexdigest())
        upload.name, upload.data = name, data
        return upload


class FileParser(StrictParser):
    """For the few routes that take a file: a form's files are among its fields, each as an Upload."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        request: HttpRequest = parser_context["request"]._request
        if (media_type or "").split(";")[0].strip().lower() != "multipart/form-data":
            return super().parse(stream, media_type, parser_context)
        fields, files = _multipart(request, [MemoryFileUploadHandler(request)])
        return fields | files


def _starts_with(body: bytes, *signs: bytes) -> bool:
    return body.removeprefix(BOM_UTF8).lstrip()[:1] in signs


def parse_json(body: bytes) -> dict[str, Any]:
    """Strict JSON: UTF-8, at most 16 levels, no NaN, no NUL, no lone surrogate, no giant number.

    Raises ApiError("malformed") naming what is wrong; never quotes the body.
    """
    data = _parse(body)
    if not isinstance(data, dict):
        _malformed("The body must be a JSON object.")
    return data


def _parse(body: bytes) -> Any:
    _check_values(body)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        _malformed("The body is not UTF-8.")
    try:
        data = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_decimal,
        )
    except json.JSONDecodeError as error:
        problem = error.msg.removesuffix(" at")
        _malformed(f"The body is not JSON: {problem} at line {error.lineno} column {error.colno}.")
    except RecursionError:
        _malformed(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(data, dict | list):
        _check_depth(data, MAX_DEPTH)
    if _has_suspect_escape(text):
        check_strings(data)
    return data


def _has_suspect_escape(text: str) -> bool:
    overlap = len(r"\u0000") - 1
    return any(_SUSPECT_ESCAPE.search(text, at, at + WINDOW + overlap) for at in _windows(text))


def _windows(body: bytes | str) -> Iterator[int]:
    """Yield where each window begins. Between them Python's lock goes to a thread that waits for it,
    which would else get it after the switch interval, each time that it asks."""
    for start in range(0, len(body), WINDOW):
        if start:
            time.sleep(0)
        yield start


def _check_values(body: bytes) -> None:
    """Refuse what is cheap to write and dear to read: `[[],[],…` takes 40 times its size in memory.

    In windows: what is refused for its number of values is not looked through to its end.
    """
    if len(body) <= MAX_JSON_VALUES:
        return
    values = is_in_string = 0
    half = b""  # of an escape that goes on in the next window
    for start in _windows(body):
        window = (half + body[start : start + WINDOW]).replace(b"\\\\", b"")
        half = b"\\" if window.endswith(b"\\") else b""
        pieces = window.removesuffix(b"\\").replace(b'\\"', b"").split(b'"')  # no escaped quotes
        # Texts may hold commas and brackets of their own.
        outside = b"".join(pieces[is_in_string::2])
        is_in_string = (is_in_string + len(pieces) - 1) % 2
        values += len(outside) - len(outside.translate(None, b",[{"))
        if values > MAX_JSON_VALUES:
            _malformed(f"The JSON has more than {MAX_JSON_VALUES:,} values.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name in data if times[name] > 1)
        _malformed(f"The key {json.dumps(twice[:40])} stands twice in one object.")
    return data


def _malformed(problem: str) -> NoReturn:
    raise ApiError(ErrorCode.MALFORMED, problem)


def stands_twice(name: str) -> NoReturn:
    """Refuse a field with two values: nobody can say which of them is meant."""
    _malformed(f"The field {json.dumps(name[:40])} stands twice, with two values.")


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
    # A number has at most four characters besides digits: sign, point, `e` and the exponent's sign.
    if len(number) > MAX_DIGITS and sum(map(str.isdigit, number[: MAX_DIGITS + 5])) > MAX_DIGITS:
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


def parse_form(body: bytes, *, max_fields: int = MAX_FORM_FIELDS) -> dict[str, Any]:
    """Parse a form's body or a query string; raise ApiError `malformed`."""
    if body.count(b"&") >= max_fields:
        _malformed(f"The form has more than {max_fields} fields.")
    pairs = (field.partition(b"=") for field in body.split(b"&") if field)
    try:
        fields = [(_unquoted(name), _unquoted(value)) for name, _, value in pairs]
    except UnicodeDecodeError:
        _malformed("The form is not UTF-8.")
    return _form(fields)


def _unquoted(text: bytes) -> str:
    """urllib's unquote makes an object of each escape, 300 MB of a large form; here a run is one."""
    plain = text.replace(b"+", b" ")
    return _ESCAPES.sub(lambda run: unhexlify(run[0].replace(b"%", b"")), plain).decode()


def _multipart(
    request: HttpRequest, handlers: Sequence[FileUploadHandler] = ()
) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Return a form's fields, and its files where somebody handles them."""
    # As Latin-1, which is bytes: Django would replace what is not UTF-8.
    try:
        parser: Any = MultiPartParser(
            request.META, BytesIO(request.body), list(handlers), "latin-1"
        )
        if b"--%b--" % parser._boundary not in request.body:
            _malformed("The multipart body does not come to its end.")
        parts = request.body.count(b"--%b" % parser._boundary) - 1
        if parts > MAX_FORM_FIELDS:  # Django would stop at this number too, but not of all parts
            _malformed(f"The form has more than {MAX_FORM_FIELDS} fields.")
        fields, files = parser.parse()
    except (MultiPartParserError, SuspiciousOperation):
        _malformed("The multipart body is broken.")
    try:
        decoded = _form(
            (name, value.encode("latin-1").decode("utf-8"))
            for name, values in fields.lists()
            for value in values
        )
    except UnicodeDecodeError:
        _malformed("The form is not UTF-8.")
    return decoded, {
        name: Upload.of(_file_name(file.name), file.read()) for name, file in files.items()
    }


def _file_name(name: str | None) -> str:
    decoded = (name or "").encode("latin-1", "replace").decode("utf-8", "replace")
    return decoded.replace("\0", "")


_TIME_AND_OFFSET = re.compile(
    r"(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}\S*) (\d{2}(?::?\d{2})?)", re.ASCII
)


class Decoded(str):
    """A value of a form or a query string: its decoder made a space of each `+` sent as it stands.

    Which space was a `+`, only the type of a field can tell; a text keeps its spaces.
    """

    __slots__ = ()

    def as_phone(self) -> str:
        """Restore a leading `+` that was decoded as a space, unless the value has a `+` already."""
        return f"+{self[1:]}" if self.startswith(" ") and "+" not in self else str(self)

    def as_time(self) -> str:
        """Restore the `+` of a UTC offset that was decoded as a space."""
        match = _TIME_AND_OFFSET.fullmatch(self)
        return "+".join(match.groups()) if match else str(self)


def query_fields(request: Request) -> dict[str, Any]:
    """Parse the query string into fields; raise ApiError `malformed`."""
    query = request.META.get("QUERY_STRING", "").encode("latin-1")
    if not query:
        return {}
    return parse_form(query, max_fields=request.parser_context["view"].max_fields())


def _form(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """One value a name, an empty one being absent: of two, nobody can say which is meant.

    `phones[]`, the notation of PHP, is a list of all its values.
    """
    given: dict[str, Any] = {}
    for name, value in fields:
        if name.endswith("[]"):
            given.setdefault(name, []).append(Decoded(value))
        elif given.get(name, value) != value:
            stands_twice(name)
        else:
            given[name] = Decoded(value)
    values = {name: value for name, value in given.items() if value}
    check_strings(values)
    return values
