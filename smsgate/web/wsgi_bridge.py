"""Django's WSGI handler for ASGI's requests, whose bodies are read already."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterable
from typing import Any

from smsgate.web.asgi_types import Scope
from smsgate.wsgi import application  # first: it sets Django up

# isort: split
from dialects.registry import DIALECTS

# Under WSGI `X_Forwarded_For` merges with `X-Forwarded-For`, so headers with underscores are dropped but
# for those that a vendor's clients are required to send.
_UNDERSCORED = frozenset(name.encode() for dialect in DIALECTS for name in dialect.raw_headers)

_BOUNDARY = re.compile(r';\s*boundary=("[^"]*"|[^";\s]+)', re.IGNORECASE)


class File:
    """PEP 3333's file wrapper: what Django answers with a file is read while it is sent."""

    def __init__(self, file: Any, block_size: int = 0) -> None:
        self.read, self.close = file.read, file.close


Answer = tuple[int, list[tuple[bytes, bytes]], bytes | File]


def call_django(environ: dict[str, Any]) -> Answer:
    """Answer one request by Django, in a thread. Whatever is no file is built whole."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started[:] = [int(status.split(" ", 1)[0]), headers]

    environ["wsgi.input"].seek(0)  # it may be run a second time
    response: Iterable[bytes] | File = application(environ, start_response)
    status, headers = started
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if isinstance(response, File) and environ["REQUEST_METHOD"] != "HEAD":
        return status, encoded, response
    try:
        content = b"" if isinstance(response, File) else b"".join(response)
    finally:
        close = getattr(response, "close", None)
        if close is not None:
            close()
    if status not in {204, 304} and b"content-length" not in dict(encoded):
        # else uvicorn would send it in chunks, which small clients cannot read
        encoded.append((b"content-length", str(len(content)).encode()))
    return status, encoded, b"" if environ["REQUEST_METHOD"] == "HEAD" else content


def wsgi_environ(scope: Scope, body: bytes) -> dict[str, Any]:
    server = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 80),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.file_wrapper": File,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        if b"_" in raw_name and raw_name.lower() not in _UNDERSCORED:
            continue
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        key = name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if "CONTENT_TYPE" in environ:
        environ["CONTENT_TYPE"] = _content_type(environ["CONTENT_TYPE"])
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _content_type(given: str) -> str:
    """Keep only the media type and a multipart's boundary.

    Bodies are UTF-8 whatever a charset says, and Django fails on some before it can answer.
    """
    kind = given.partition(";")[0].strip()
    boundary = _BOUNDARY.search(given)
    return f"{kind}; boundary={boundary[1]}" if boundary else kind
