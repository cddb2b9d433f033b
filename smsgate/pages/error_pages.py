"""Refusals outside DRF: a page for a browser, the JSON error body for everyone else.

Addresses of the API always answer JSON, whatever `Accept` says: HTTP libraries ask for HTML too.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from dialects.registry import mounted_at, render_error
from http_api import errors
from http_api.body_limits import OTHER_BODY, too_large
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.rendering import JsonRenderer
from smsgate.pages.logins import TooManyLogins
from smsgate.pages.middleware import as_page
from smsgate.paths import body_limit

logger = logging.getLogger(__name__)

Message = str | Promise  # translated when it is shown

# What Java's URLConnection asks for unless its program says otherwise.
_JAVA = "text/html, image/gif, image/jpeg,"

_ORIGIN = re.compile(r"https?://[^\s/]+")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refuse(request, ErrorCode.INVALID, _("The request could not be read."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return refuse(request, ErrorCode.FORBIDDEN, _("This is not allowed."))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    words = _("There is nothing at this address; see /api/docs/.")
    return refuse(request, ErrorCode.NOT_FOUND, words)


def wrong_method(request: HttpRequest, *, allowed: str) -> HttpResponse:
    message = _("This address does not take that method; see the Allow header.")
    return refuse(request, ErrorCode.METHOD_NOT_ALLOWED, message, Allow=allowed)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 if the database is away, else 500 with the incident's number, which the log has too."""
    met = sys.exception()
    if met is not None and errors.is_database_away(met):
        return _refuse(request, errors.unavailable(met))
    error = errors.incident()
    message = _("Something went wrong on the server; nothing was accepted. Incident {number}.")
    return _refuse(request, error, format_lazy(message, number=error.incident))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's hook for a form that came without its token, or from another origin than ours.

    Behind a TLS proxy and without PUBLIC_URL every log-in ends here: name the setting.
    """
    message: Message = _("This form is out of date: load the page again.")
    origin = _ORIGIN.match(request.headers.get("Origin") or request.headers.get("Referer") or "")
    if origin and origin[0] != settings.PUBLIC_URL:
        message = format_lazy(
            _(
                "This page was opened at {seen}, but the service knows its own address as {known}."
                " Open it there, or start the service with PUBLIC_URL={seen}."
            ),
            seen=origin[0],
            known=settings.PUBLIC_URL,
        )
    return refuse(request, ErrorCode.FORBIDDEN, message)


class BodyLimit:
    """Refuses a body that is too large where no ASGI root has done so: in Django's own server."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = request.META.get("CONTENT_LENGTH") or "0"
        is_small = length.isdigit() and int(length) <= OTHER_BODY
        limit = OTHER_BODY if is_small else body_limit(request.path)
        if is_small or (length.isdigit() and int(length) <= limit):
            return self.get_response(request)
        return _refuse(request, too_large(limit), _EARLY[ErrorCode.TOO_LARGE])


class Refusals:
    """Django's middleware for what people's pages raise: too many log-ins, a database that is away."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponseBase | None:
        if isinstance(exc, TooManyLogins):
            words = _("Too many log-ins were tried; try again in {seconds} s.")
            message = format_lazy(words, seconds=exc.retry_after)
            error = ApiError(ErrorCode.TOO_MANY_REQUESTS, str(message), retry_after=exc.retry_after)
            return _refuse(request, error, message)
        if isinstance(exc, OperationalError | InterfaceError):
            logger.error("a page got no answer of the database: %s", type(exc).__name__)
            message = _("The database does not answer at the moment; try again in a few seconds.")
            error = ApiError(ErrorCode.UNAVAILABLE, str(message), retry_after=2)
            return _refuse(request, error, message)
        return None


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> HttpResponseBase | None:
    """DRF's hook: as the API answers, and a page where a person opened a hook link."""
    response = errors.exception_handler(exc, context)
    request: HttpRequest = context["request"]._request
    if response is None or not wants_page(request):
        return response
    headers = {name: value for name, value in response.items() if name != "Content-Type"}
    return error_page(request, response.status_code, response.message, **headers)


# What is refused before Django sees it, by code.
_EARLY: dict[ErrorCode, Message] = {
    ErrorCode.TOO_LARGE: _("What was sent is larger than this address takes."),
    ErrorCode.TIMEOUT: _("What was sent did not arrive in time."),
    ErrorCode.UNAVAILABLE: _("The server has too much to do; try again in a few seconds."),
}


def early_page(request: HttpRequest, error: ApiError) -> HttpResponse:
    """Return the page for what smsgate.web.asgi refuses."""
    return error_page(request, error.code.status, _EARLY[error.code], **_retry_after(error))


def refuse(request: HttpRequest, code: ErrorCode, message: Message, **headers: str) -> HttpResponse:
    """Return the error as this client reads it."""
    return _refuse(request, ApiError(code, str(message)), message, **headers)


def _refuse(
    request: HttpRequest, error: ApiError, shown: Message = "", **headers: str
) -> HttpResponse:
    """`shown` is the message of a page."""
    headers |= _retry_after(error)
    if wants_page(request):
        return error_page(request, error.code.status, shown or error.message, **headers)
    status, body = render_error(request.path, error)
    content = JsonRenderer().render(body)
    return HttpResponse(content, "application/json", status, headers=headers)


def _retry_after(error: ApiError) -> dict[str, str]:
    return {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}


def wants_page(request: HttpRequest) -> bool:
    """True if a person's browser asks, outside the API."""
    if request.path.startswith(("/api/", "/companion/")) or mounted_at(request.path):
        return False
    if request.headers.get("Accept", "").startswith(_JAVA):
        return False
    return request.get_preferred_type(["application/json", "text/html"]) == "text/html"


def error_page(request: HttpRequest, status: int, message: Message, **headers: str) -> HttpResponse:
    """Return an HTML page with this message, in the browser's language."""
    with translation.override(translation.get_language_from_request(request)):
        context = {"message": message, "status": status}
        response = render(request, "smsgate/error.html", context, status=status)
    for name, value in headers.items():
        response[name] = value
    patch_vary_headers(response, ("Accept",))
    return as_page(response)
