"""What every dialect is made of: where it is mounted, and how it says what we refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from django.urls import URLPattern, URLResolver, include, path, re_path
from rest_framework.request import Request

from http_api.views import ApiViewSet
from messaging.shapes import query


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal of ours, on its way to a client that knows another vendor's."""

    status: int  # the native API's
    code: str
    message: str
    errors: Mapping[str, Any]

    @classmethod
    def of(cls, status: int, body: Mapping[str, Any]) -> Refused:
        return cls(status, body["code"], body["message"], body["errors"])

    def said_with(self, fields: Mapping[str, str]) -> Refused:
        """The same, where a message about a field of ours names the vendor's field."""
        name, colon, problem = self.message.partition(":")
        problem = problem.replace("send_after", fields.get("send_after", "send_after"))
        return replace(self, message=f"{fields.get(name, name)}{colon}{problem}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor's API. `status_by_code` and `fields` hold only what differs from ours."""

    name: str  # in /dialects/<name>/, and of its batches
    prefixes: tuple[str, ...]  # the vendor's own paths, with their slashes: "/api/v1/"
    error_body: Callable[[Refused], Any]  # to be sent as JSON
    status_by_code: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)  # ours → the vendor's

    @property
    def mounts(self) -> tuple[str, ...]:
        return (*self.prefixes, f"/dialects/{self.name}/")

    def refusal(self, refused: Refused) -> tuple[int, Any]:
        """Status and body of a refusal, in the vendor's words."""
        status = self.status_by_code.get(refused.code, refused.status)
        return status, self.error_body(replace(refused.said_with(self.fields), status=status))


class DialectViewSet(ApiViewSet):
    """The base of a dialect's views. They raise our Refusals; DialectMiddleware translates them."""

    dialect: ClassVar[Dialect]


Route = tuple[str, type[DialectViewSet], Mapping[str, str]]  # pattern, view, method → action


def mounted(dialect: Dialect, routes: Iterable[Route]) -> list[URLPattern | URLResolver]:
    """These routes below each of the dialect's mounts, with and without a trailing slash."""
    patterns = [
        re_path(rf"{pattern}/?$", view.as_view(dict(actions), basename=dialect.name))
        for pattern, view, actions in routes
    ]
    return [path(mount.removeprefix("/"), include(patterns)) for mount in dialect.mounts]


def given(request: Request) -> dict[str, Any]:
    """Query string and body as one, for vendors whose clients put a field into either."""
    body = request.data
    assert isinstance(body, dict)  # StrictParser gives objects only
    return query(request) | body
