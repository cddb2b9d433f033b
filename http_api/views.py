"""The base of every API view: one place for idempotency, and for retrying what the database undid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from django.db import OperationalError, transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from http_api.errors import exception_handler
from http_api.headers import header
from http_api.idempotency import once
from http_api.rendering import JsonRenderer

# serialization_failure, deadlock_detected: PostgreSQL undid everything and asks to try again.
_TRY_AGAIN = frozenset({"40001", "40P01"})
_TRIES = 5

Result = TypeVar("Result")


class ApiViewSet(ViewSet):
    """A DRF ViewSet whose writing actions go through `write`."""

    status_by_code: ClassVar[Mapping[str, int]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """A method that the address does not take is 405 with any key, and without one."""
        if str(request.method).lower() not in {*self.action_map, "options"}:
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)

    def write(self, request: Request, scope: str, work: Callable[[], Response]) -> Response:
        """Run the work of one request, once per `Idempotency-Key` where the header is given.

        `scope` says whose key it is. A deadlock or serialisation failure is tried again.
        """
        key = header(request, "Idempotency-Key")
        if not key:
            return retried(work)
        # as read: a client that repeats a multipart body draws a new boundary for it
        given = [*self.kwargs.values(), request.META.get("QUERY_STRING", ""), request.data]
        whole = JsonRenderer().render(given)
        route = f"{request.method} {self.basename}-{self.action}"

        def answered() -> Response:
            try:
                return work()
            except OperationalError:
                raise  # to be tried again below
            except Exception as error:
                response = exception_handler(error, {"view": self})
                if response is None:
                    raise
                return response

        def in_one_transaction() -> Response:
            with transaction.atomic():
                return once(scope=scope, route=route, key=key, request=whole, work=answered)

        return retried(in_one_transaction)


def retried(work: Callable[[], Result]) -> Result:
    """`work`, run again where PostgreSQL chose it as a deadlock's victim. Not inside a transaction."""
    for _ in range(_TRIES - 1):
        try:
            return work()
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) not in _TRY_AGAIN:
                raise
    return work()
