"""One error body for every HTTP surface, and the exception that services refuse with.

    {"message": "<one sentence a person can act on>", "code": "<stable, for machines>",
     "errors": {"<field>": ["…"]}}

A bulk's `errors` maps the item's index to its fields. There is never a key called `error`: n8n would
show it in place of `message`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, JsonResponse
from rest_framework import exceptions, status
from rest_framework.response import Response

logger = logging.getLogger(__name__)

# The native API's status for each code; a code that is not here is a 400. Views that answer
# otherwise (contacts and groups say 401 for every key) override it in `status_by_code`.
STATUS_BY_CODE: dict[str, int] = {
    "license_not_found": 404,
    "license_inactive": 403,
    "subscription_expired": 403,
    "invalid_key": 401,
    "daily_limit_exceeded": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "request_in_progress": 409,
    "too_large": 413,
    "idempotency_key_reused": 422,
    "too_many_requests": 429,
    "device_unknown": 401,
    "unavailable": 503,
}

WRONG_METHOD = "This address does not take that method; see the Allow header."


class Refusal(Exception):
    """A request that is refused for a reason its sender can act on.

    `code` is stable and for machines, `message` for people, `errors` maps fields (bulk: indexes) to
    what is wrong with them. `retry_after` is in seconds.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        errors: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code)  # the message may quote the client's words: keep it out of logs
        self.code = code
        self.message = message
        self.errors = dict(errors or {})
        self.retry_after = retry_after

    @classmethod
    def of_field(cls, field: str, problem: str, *, code: str = "invalid") -> Refusal:
        return cls(code, f"{field}: {problem}", errors={field: [problem]})


def error_body(code: str, message: str, errors: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"message": message, "code": code, "errors": dict(errors or {})}


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's hook: every refusal and every APIException becomes the one error body."""
    if isinstance(exc, Refusal):
        return _refused(exc, getattr(context.get("view"), "status_by_code", {}))
    if isinstance(exc, exceptions.APIException):
        return _from_drf(exc)
    if isinstance(exc, OperationalError | InterfaceError):
        return _database_gone(exc)
    return None  # a bug: Django calls `server_error` below


def _refused(refusal: Refusal, overrides: Mapping[str, int]) -> Response:
    code = refusal.code
    http_status = overrides.get(code) or STATUS_BY_CODE.get(code, status.HTTP_400_BAD_REQUEST)
    response = Response(error_body(code, refusal.message, refusal.errors), status=http_status)
    if refusal.retry_after is not None:
        response["Retry-After"] = str(refusal.retry_after)
    if http_status == status.HTTP_401_UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def _database_gone(exc: Exception) -> Response:
    logger.error("the database does not answer: %s", type(exc).__name__)
    message = (
        "The database does not answer at the moment. Repeat the request: with the same external_id"
        " or Idempotency-Key it is accepted once."
    )
    response = Response(error_body("unavailable", message), status=503)
    response["Retry-After"] = "2"
    return response


def _from_drf(exc: exceptions.APIException) -> Response:
    detail = exc.detail if isinstance(exc.detail, str) else exc.default_detail
    code = str(exc.default_code)
    response = Response(error_body(code, str(detail)), status=exc.status_code)
    if isinstance(exc, exceptions.MethodNotAllowed):
        response.data["message"] = WRONG_METHOD
    return response


def json_error(http_status: int, code: str, message: str, **headers: str) -> JsonResponse:
    """The error body outside DRF: middleware and Django's own error handlers."""
    return JsonResponse(error_body(code, message), status=http_status, headers=headers or None)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return json_error(400, "invalid", "The request could not be read.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return json_error(403, "forbidden", "This is not allowed.")


def csrf_failure(request: HttpRequest, reason: str = "") -> JsonResponse:
    """Django's hook for a form of the admin that came without its token."""
    return json_error(403, "forbidden", "This form is out of date: load the page again.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return json_error(404, "not_found", "There is nothing at this address; see /api/docs/.")


def server_error(request: HttpRequest) -> JsonResponse:
    """A bug."""
    return JsonResponse(incident(), status=500)


def incident() -> dict[str, Any]:
    """The body of a 500, with an id that stands beside the traceback in the log."""
    number = secrets.token_hex(6)
    logger.exception("incident %s", number)
    message = f"Something went wrong on the server; nothing was accepted. Incident {number}."
    return {**error_body("server_error", message), "incident": number}
