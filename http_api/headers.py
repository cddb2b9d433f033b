"""One header of a request: Django's `request.headers` reads them all before it answers for one."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request


def header(request: HttpRequest | Request, name: str) -> str:
    """Return a request header's value; '' if it is absent."""
    value: str = request.META.get(f"HTTP_{name.upper().replace('-', '_')}", "")
    return value
