"""Every refusal under a dialect's path leaves in its vendor's words: also a wrong path, a body that
is too large, and a fault of the server. Views and services know nothing of this."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from dialects.base import Dialect, Refused
from dialects.urls import DIALECTS
from http_api.errors import error_body
from http_api.rendering import JsonRenderer

_OURS = error_body("", "").keys()
_MOUNTS = tuple((mount, dialect) for dialect in DIALECTS for mount in dialect.mounts)


class DialectMiddleware:
    """Translates answers that hold our error body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code >= 400 and (dialect := dialect_of(request.path)):
            body = json.loads(response.content)
            if body.keys() >= _OURS:
                refused = Refused.of(response.status_code, body)
                response.status_code, body = dialect.refusal(refused)
                response.content = JsonRenderer().render(body)
        return response


def in_their_words(path: str, status: int, body: dict[str, Any]) -> tuple[int, Any]:
    """Status and body of a refusal that Django does not see."""
    dialect = dialect_of(path)
    return dialect.refusal(Refused.of(status, body)) if dialect else (status, body)


def dialect_of(path: str) -> Dialect | None:
    """Whose client asks: by the view, since two vendors may share a mount; else by the mount."""
    base = f"{path}/"  # a mount without its slash is theirs too
    mounted = next((dialect for mount, dialect in _MOUNTS if base.startswith(mount)), None)
    if mounted is None:
        return None
    try:
        view = resolve(path).func
    except Resolver404:
        return mounted
    dialect: Dialect = view.cls.dialect  # type: ignore[attr-defined]
    return dialect
