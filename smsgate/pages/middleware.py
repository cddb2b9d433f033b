"""Django's middleware for browsers: only people's pages pass through it.

Programs and phones have neither cookie nor session, and read JSON: a create gets a sixth cheaper.
Subclasses, since the admin's system checks look for Django's own classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.middleware import AccountMiddleware
from allauth.usersessions.middleware import UserSessionsMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin

_PAGES = (
    "/admin",
    "/console",
    "/account",
    "/login",
    "/pair",
    "/static/",
    "/api/docs",
    "/api/schema",
)

# No page runs an inline script or style, or loads anything from elsewhere.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none';"
    " base-uri 'none'"
)


def _is_page(request: HttpRequest) -> bool:
    path = request.path_info
    return not path.strip("/") or path.startswith(_PAGES)  # `//` is the home page, too


class _ForBrowsers(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> Any:
        return (super().__call__ if _is_page(request) else self.get_response)(request)


class Security(_ForBrowsers, SecurityMiddleware): ...


class Sessions(_ForBrowsers, SessionMiddleware): ...


class Csrf(_ForBrowsers, CsrfViewMiddleware): ...


class Logins(_ForBrowsers, AuthenticationMiddleware): ...


class Messages(_ForBrowsers, MessageMiddleware): ...


class Frames(_ForBrowsers, XFrameOptionsMiddleware): ...


class LogInPages:
    """allauth's middleware, for people's pages: what its log-in remembers, and who has which session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._of_pages = AccountMiddleware(UserSessionsMiddleware(get_response))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer: HttpResponse = (self._of_pages if _is_page(request) else self.get_response)(request)
        return answer

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        answer: HttpResponse | None = self._of_pages.process_exception(request, exc)
        return answer


class Pages:
    """Give a page its browser's language and its Content-Security-Policy.

    Django's LocaleMiddleware leaves the language active in the thread, where the API's next answer
    would be in it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_page(request):
            return self.get_response(request)
        with translation.override(translation.get_language_from_request(request)):
            return as_page(self.get_response(request))


def as_page(response: HttpResponse) -> HttpResponse:
    """Add the headers that every HTML answer has."""
    if response.headers.get("Content-Type", "").startswith("text/html"):
        response.headers["Content-Security-Policy"] = POLICY
        patch_vary_headers(response, ("Accept-Language",))
    return response
