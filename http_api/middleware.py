"""Middleware: before routing and after the answer of every request."""

from __future__ import annotations

import itertools
import logging
import os
import secrets
import time
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from http_api.logs import request_id
from http_api.metrics import REQUESTS
from http_api.patience import gave_way

logger = logging.getLogger("http_api.requests")

# Unique without asking the system for randomness at every request.
_process = secrets.token_hex(3)
_numbers = itertools.count()


def _rename_process() -> None:
    global _process
    _process = secrets.token_hex(3)


os.register_at_fork(after_in_child=_rename_process)

# Asked every few seconds by machines: not worth a line.
_PROBES = frozenset({"healthz/", "readyz/", "metrics/"})


class RequestMiddleware:
    """Numbers each request, and logs it by its route, never by its path."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        number = f"{_process}{next(_numbers):06x}"
        token = request_id.set(number)
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = number
            if not gave_way():
                self._note(request, response.status_code, time.perf_counter() - started)
        finally:
            request_id.reset(token)
        _let_go(response)
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


def _let_go(response: HttpResponseBase) -> None:
    """Part a rendered answer of DRF from its request, view and body.

    They refer to each other. Python's collector, which counts objects and not bytes, would leave a body
    of megabytes in memory until ten thousands of objects have come after it.
    """
    context = getattr(response, "renderer_context", None)
    if context:
        context["request"].parser_context.clear()
        vars(context["view"]).clear()
        context.clear()
