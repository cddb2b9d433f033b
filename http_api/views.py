"""The base of every API view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.parsing import MAX_FORM_FIELDS


class ApiViewSet(ViewSet):
    """A DRF ViewSet whose writing actions are `@idempotent`."""

    status_by_code: ClassVar[Mapping[ErrorCode, int]] = {}  # where it is not the code's own
    # Action → the scope that its key must have; '': any key.
    needs: ClassVar[Mapping[str, str]] = {}

    def needed_scope(self) -> str | None:
        """Return the scope that this request's key must have; None where nobody has said."""
        return self.needs.get(self.action or "")

    def render_error(self, error: ApiError) -> tuple[int, Any]:
        """Return the HTTP status and the body that say this."""
        return self.status_by_code.get(error.code, error.code.status), error.body()

    def max_fields(self) -> int:
        """Return how many fields a form, or a query string, may have."""
        return MAX_FORM_FIELDS

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a method that the address does not take: 405 with any key, and without one."""
        if str(request.method).lower() not in {*self.action_map, "options"}:
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)
