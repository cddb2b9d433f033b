"""Every dialect, and whose client asks at a path."""

from __future__ import annotations

from typing import Any

from django.urls import Resolver404, resolve

from dialects import android_sms_gateway, massej_li, sms_by, smsend
from dialects.base import Dialect
from http_api.body_limits import OTHER_BODY
from http_api.errors import ApiError

# The order decides who answers 404 on a shared prefix: massej.li and sms.by are both at /api/v1/, and
# clients of either can read massej.li's errors.
DIALECTS = (
    android_sms_gateway.DIALECT,
    smsend.DIALECT,
    massej_li.DIALECT,
    sms_by.DIALECT,
)


_MOUNTS = tuple(mount for dialect in DIALECTS for mount in dialect.mounts)


def mounted_at(path: str) -> Dialect | None:
    """Return the first dialect below whose mount this path is."""
    return next((dialect for dialect in DIALECTS if dialect.mount_of(path)), None)


def dialect_of(path: str) -> Dialect | None:
    """Return whose client asks: by the view, since two vendors may share a mount; else by the mount."""
    mounted = mounted_at(path)
    if mounted is None:
        return None
    try:
        view: Any = resolve(path).func
    except Resolver404:
        return mounted
    dialect: Dialect = view.initkwargs["dialect"]
    return dialect


def render_error(path: str, error: ApiError) -> tuple[int, Any]:
    """Return the HTTP status and the body that say this to a client that asks at this path.

    For errors that no view renders: a wrong path, a body that is too large, a fault of the server.
    """
    dialect = dialect_of(path)
    return dialect.render_error(error) if dialect else (error.code.status, error.body())


def body_limit(path: str) -> int:
    """Return the largest body in bytes that this path takes; 0 where it is no dialect's."""
    if not path.startswith(_MOUNTS):
        return 0
    limit = max(dialect.body_limit_of(path) for dialect in DIALECTS)
    if limit <= OTHER_BODY:
        return limit
    try:
        resolve(path)
    except Resolver404:
        return OTHER_BODY
    return limit


def is_send(method: str, path: str) -> bool:
    """Say whether this is a dialect's send that has one recipient, or few."""
    return path.startswith(_MOUNTS) and any(dialect.is_send(method, path) for dialect in DIALECTS)
