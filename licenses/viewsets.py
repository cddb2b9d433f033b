"""The bases of views that a licence's key opens."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from rest_framework.request import Request

from http_api.parsing import query_fields
from http_api.shapes import Shape, invalid, names_of
from http_api.views import ApiViewSet
from licenses.sender import Sender

_KEYS = frozenset({"license__key", "key", "api_key"})
_MAX_NAME = 64


class SenderViewSet(ApiViewSet):
    """A view whose authentication class finds a Sender."""

    @property
    def sender(self) -> Sender:
        """Return whose key this request has."""
        sender = self.request.auth
        if not isinstance(sender, Sender):
            raise TypeError(f"{type(self).__name__} is open without a licence's key")
        return sender


class NativeViewSet(SenderViewSet):
    """A view of the native API. Where something is read, a query parameter that it does not know is
    refused: a filter that is ignored answers with what nobody asked for. What writes reads its body
    alone; programs put a parameter of their own beside it."""

    queries: ClassVar[Mapping[str, type[Shape]]] = {}  # action → what its query string may hold

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method in {"GET", "HEAD"}:
            _refuse_unknown(request, names_of(self.queries.get(self.action or "", Shape)))


def _refuse_unknown(request: Request, known: Collection[str]) -> None:
    if not request.META.get("QUERY_STRING"):
        return
    query_fields(request)  # what is malformed says so first
    unknown = [name for name in request.query_params if name not in known]
    if not unknown:
        return
    there_are = f"there are {', '.join(sorted(known))}" if known else "this address takes none"
    raise invalid(
        {
            name[:_MAX_NAME]: [
                "a key belongs in a header or the body, never in a URL"
                if name in _KEYS
                else f"is no parameter here; {there_are}"
            ]
            for name in unknown
        }
    )
