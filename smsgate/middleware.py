"""Django's middleware for browsers: only people's pages pass through it.

Programs and phones have neither cookie nor session, and read JSON: a create gets a sixth cheaper.
Subclasses, since the admin's system checks look for Django's own classes.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.deprecation import MiddlewareMixin

_PAGES = ("/admin", "/pair", "/static/", "/api/docs", "/api/schema")


class _ForBrowsers(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> Any:
        path = request.path_info
        if not path.strip("/") or path.startswith(_PAGES):  # `//` is the home page, too
            return super().__call__(request)
        return self.get_response(request)


class Security(_ForBrowsers, SecurityMiddleware): ...


class Sessions(_ForBrowsers, SessionMiddleware): ...


class Csrf(_ForBrowsers, CsrfViewMiddleware): ...


class Logins(_ForBrowsers, AuthenticationMiddleware): ...


class Messages(_ForBrowsers, MessageMiddleware): ...


class Frames(_ForBrowsers, XFrameOptionsMiddleware): ...
