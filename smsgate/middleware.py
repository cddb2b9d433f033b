"""Django's middleware for browsers (sessions, CSRF, logins), which only people's pages need.

Programs and phones have neither cookie nor session: their requests pass by, and a single create gets
a tenth cheaper. Subclasses, since the admin's system checks look for Django's own classes.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin

_PROGRAMS = ("/api/", "/companion/")


class _ForBrowsers(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith(_PROGRAMS):
            return self.get_response(request)
        return super().__call__(request)


class Sessions(_ForBrowsers, SessionMiddleware): ...


class Csrf(_ForBrowsers, CsrfViewMiddleware): ...


class Logins(_ForBrowsers, AuthenticationMiddleware): ...


class Messages(_ForBrowsers, MessageMiddleware): ...
