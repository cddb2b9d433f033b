"""The parts of every dialect, and the base of its views and keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from django.urls import URLPattern, URLResolver, include, path, re_path
from rest_framework.request import Request

from http_api.body_limits import BULK_BODY, OTHER_BODY
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.parsing import MAX_BULK_FIELDS, MAX_FORM_FIELDS
from http_api.throttles import throttle
from licenses.authentication import KeyAuthentication
from licenses.sender import Sender
from licenses.viewsets import SenderViewSet
from messaging.models import Batch
from messaging.states import MessageState


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A switch that each account has (`dialects.settings`); the admin shows it in the account's form."""

    name: str
    label: str  # as is `help`: in the catalogue of translations
    help: str
    default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One vendor's API: all that the service knows of it.

    `status_by_code`, `field_names` and `body_limits` hold only what differs from ours.
    """

    name: str  # in /dialects/<name>/, and of its batches
    prefixes: tuple[str, ...]  # the vendor's own paths, with their slashes: "/api/v1/"
    routes: tuple[Route, ...]  # below each of its mounts, tried in this order
    states: Mapping[MessageState, str]  # what a recipient's message is shown as, for every state

    # Errors: the body, from the error with the vendor's field names and its HTTP status; sent as JSON.
    error_body: Callable[[ApiError, int], Any]
    status_by_code: Mapping[ErrorCode, int] = field(default_factory=dict)
    field_names: Mapping[str, str] = field(default_factory=dict)  # ours → the vendor's

    # Requests: the largest body in bytes, by path below a mount in lower case, and of all other paths.
    body_limits: Mapping[str, int] = field(default_factory=dict)
    body_limit: int = OTHER_BODY
    # Sends that have one recipient, or few: "POST messages", the path below a mount in lower case.
    sends: frozenset[str] = frozenset()
    raw_headers: tuple[str, ...] = ()  # with an underscore: other headers of such names are dropped
    key_headers: tuple[str, ...] = ()  # where keys stand, beside Authorization and X-Api-Key,
    key_fields: tuple[str, ...] = ()  # and in a query string, a form or JSON
    requests_per_minute: int | None = None  # of a key, beside the rate of its licence

    # What is posted to a batch's `callback_url` once it is final; None: there are no such URLs.
    webhook_body: Callable[[Batch], Any] | None = None
    settings: tuple[Setting, ...] = ()

    @property
    def mounts(self) -> tuple[str, ...]:
        return (*self.prefixes, f"/dialects/{self.name}/")

    def mount_of(self, path: str) -> str | None:
        """Return the mount that this path is below, or is without its slash."""
        return next((mount for mount in self.mounts if f"{path}/".startswith(mount)), None)

    def body_limit_of(self, path: str) -> int:
        """Return the largest body in bytes that this path takes; 0 where it is none of its own."""
        route = self._route_of(path)
        return 0 if route is None else self.body_limits.get(route, self.body_limit)

    def is_send(self, method: str, path: str) -> bool:
        """Say whether this is one of its sends that have one recipient, or few."""
        return f"{method} {self._route_of(path)}" in self.sends

    def _route_of(self, path: str) -> str | None:
        """Return what stands below the mount, in lower case; None where it is none of its paths."""
        mount = self.mount_of(path)
        return None if mount is None else path[len(mount) :].rstrip("/").lower()

    def render_error(self, error: ApiError, status: int | None = None) -> tuple[int, Any]:
        """Return the HTTP status, unless one is given, and the body that say this to the client."""
        code = error.code
        status = status or self.status_by_code.get(code, code.status)
        return status, self.error_body(error.named(self.field_names), status)

    def urlpatterns(self) -> list[URLPattern | URLResolver]:
        """Return its routes below each of its mounts, with and without a trailing slash."""
        patterns = [
            re_path(rf"{pattern}/?$", view.as_view(dict(actions), basename=self.name, dialect=self))
            for pattern, view, actions in self.routes
        ]
        return [path(mount.removeprefix("/"), include(patterns)) for mount in self.mounts]


class DialectViewSet(SenderViewSet):
    """The base of a dialect's views: they render errors as its vendor does."""

    dialect = cast(Dialect, None)  # set when the view is routed

    def render_error(self, error: ApiError) -> tuple[int, Any]:
        return self.dialect.render_error(error, self.status_by_code.get(error.code))

    def max_fields(self) -> int:
        is_bulk = self.dialect.body_limit_of(self.request.path) == BULK_BODY
        return MAX_BULK_FIELDS if is_bulk else MAX_FORM_FIELDS


Route = tuple[str, type[DialectViewSet], Mapping[str, str]]  # pattern, view, method → action


class DialectKey(KeyAuthentication):
    """The base of a dialect's authentication classes: they find a Sender in `principal`."""

    def throttle(self, request: Request, sender: Sender) -> None:
        super().throttle(request, sender)
        dialect: Dialect = request.parser_context["view"].dialect
        if dialect.requests_per_minute is None:
            return
        key = f"credential {sender.credential_id}" if sender.credential_id else sender.scope
        rate = dialect.requests_per_minute
        throttle(f"{dialect.name}:{key}", rate, burst=rate, whose="An API key")
