"""What happens to every request before routing and after the answer."""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from http_api.errors import error_body
from http_api.limits import body_limit
from http_api.logs import request_id
from http_api.metrics import REQUESTS

logger = logging.getLogger("http_api.requests")

# Unique without asking the system for randomness at every request.
_PROCESS = secrets.token_hex(3)
_numbers = itertools.count()

# Asked every few seconds by machines: not worth a line.
_PROBES = frozenset({"healthz/", "readyz/", "metrics/"})


class RequestMiddleware:
    """Numbers each request, and logs it by its route, never by its path."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        number = f"{_PROCESS}{next(_numbers):06x}"
        token = request_id.set(number)
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = number
            self._note(request, response.status_code, time.perf_counter() - started)
        finally:
            request_id.reset(token)
        return response

    def _note(self, request: HttpRequest, status: int, seconds: float) -> None:
        match = request.resolver_match
        route = match.route.replace("/?$", "/").replace("^", "") if match else "-"
        REQUESTS.labels(request.method, route, status).observe(seconds)
        is_probe = route in _PROBES
        if logger.isEnabledFor(logging.DEBUG if is_probe else logging.INFO):
            ms = round(seconds * 1000)
            logger.log(
                logging.DEBUG if is_probe else logging.INFO,
                "%s %s %d %d ms",
                request.method,
                route,
                status,
                ms,
                extra={"method": request.method, "route": route, "status": status, "ms": ms},
            )


class BodyLimitMiddleware:
    """Refuses a body that is too large before a byte of it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return too_large(request) or self.get_response(request)


def too_large(request: HttpRequest) -> HttpResponse | None:
    """413 where the body is longer than its route takes."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    limit = body_limit(request.path)
    if length.isdigit() and int(length) <= limit:
        return None
    return JsonResponse(too_large_body(limit), status=413)


def too_large_body(limit: int) -> dict[str, Any]:
    return error_body(
        "too_large", f"The body is larger than the {limit // 1024} KiB this address takes."
    )
