"""One error body for every HTTP surface, and the exception that services refuse with.

    {"message": "<one sentence a person can act on>", "code": "<stable, for machines>",
     "errors": {"<field>": ["…"]}}

A bulk's `errors` maps the item's index to its fields. There is never a key called `error`: n8n would
show it in place of `message`. An error stays an ApiError until the view that it leaves by renders it.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import JsonResponse
from rest_framework import exceptions, status
from rest_framework.response import Response

from http_api.error_codes import ErrorCode
from http_api.patience import GaveWay

logger = logging.getLogger(__name__)

Row = TypeVar("Row")

WRONG_METHOD = "This address does not take that method; see the Allow header."


class ApiError(Exception):
    """A request that is refused for a reason its sender can act on.

    `code` is stable and for machines. `errors` maps fields (bulk: indexes) to what is wrong with them.
    `message` is for people; where none is given it says what `errors` says. `retry_after` is in
    seconds; `incident` is the id of a fault in the log.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str = "",
        *,
        errors: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
        incident: str = "",
    ) -> None:
        super().__init__(code)  # the message may quote the client's words: keep it out of logs
        self.code = code
        self.errors = dict(errors or {})
        self.retry_after = retry_after
        self.incident = incident
        self._message = message

    @classmethod
    def of_field(cls, field: str, problem: str, *, code: ErrorCode = ErrorCode.INVALID) -> ApiError:
        return cls(code, errors={field: [problem]})

    @property
    def message(self) -> str:
        return self._message or summary(self.errors)

    def named(self, names: Mapping[str, str]) -> ApiError:
        """Return the same error with these names for fields of ours."""
        return ApiError(
            self.code,
            self._message,
            errors={
                names.get(field, field): _named(at, names) for field, at in self.errors.items()
            },
            retry_after=self.retry_after,
            incident=self.incident,
        )

    def body(self) -> dict[str, Any]:
        """Return the native API's error body."""
        body = {"message": self.message, "code": self.code.value, "errors": self.errors}
        return body | ({"incident": self.incident} if self.incident else {})


def or_not_found(row: Row | None, what: str) -> Row:
    """Return the row. Raise ApiError `not_found` where there is none."""
    if row is None:
        raise ApiError(ErrorCode.NOT_FOUND, f"There is no such {what}.")
    return row


_FIELD = re.compile(r"\{(\w+)\}")


class Mention(str):
    """A problem that mentions another field: `Mention("must be after {send_after}")`.

    As a string it has our name of that field. Use it for constants only: braces are not escaped.
    """

    template: str

    def __new__(cls, template: str) -> Mention:
        problem = super().__new__(cls, _FIELD.sub(r"\1", template))
        problem.template = template
        return problem

    def named(self, names: Mapping[str, str]) -> str:
        return _FIELD.sub(lambda field: names.get(field[1], field[1]), self.template)


def _named(place: Any, names: Mapping[str, str]) -> Any:
    """Put the client's names where problems mention fields."""
    if isinstance(place, Mapping):
        return {step: _named(deeper, names) for step, deeper in place.items()}
    return [problem.named(names) if isinstance(problem, Mention) else problem for problem in place]


_MAX_SHOWN, _MAX_LENGTH = 10, 500


def summary(problems: Mapping[str, Any]) -> str:
    """Return all problems in one line, `phone: …; send_after: …`, for who sees nothing but `message`.

    Bounded: of many the first, and how many more there are.
    """
    found = [f"{'.'.join(path)}: {words}" for path, words in _each(problems, ())]
    shown, length = found[:1], len(found[0])
    for words in found[1:_MAX_SHOWN]:
        length += len(words)
        if length > _MAX_LENGTH:
            break
        shown.append(words)
    more = len(found) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def _each(place: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(place, Mapping):
        for step, deeper in place.items():
            yield from _each(deeper, (*path, step))
    else:
        yield path, place[0]


# --- DRF's errors ------------------------------------------------------------------------------------


class ErrorResponse(Response):
    """A rendered error that still says what it was. It holds no exception: whose frames hold it."""

    def __init__(self, error: ApiError, http_status: int, body: Any) -> None:
        super().__init__(body, status=http_status)
        self.code, self.message = error.code, error.message
        for name, value in headers_of(error, http_status).items():
            self[name] = value


def headers_of(error: ApiError, http_status: int) -> dict[str, str]:
    """Return the headers that an error has beside its body."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if http_status == status.HTTP_401_UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> ErrorResponse | None:
    """DRF's hook: the view renders its errors (`ApiViewSet.render_error`)."""
    error = _as_api_error(exc)
    if error is None:
        return None  # a bug: Django calls `server_error` (smsgate.pages.error_pages)
    return ErrorResponse(error, *context["view"].render_error(error))


def _as_api_error(exc: Exception) -> ApiError | None:
    if isinstance(exc, ApiError):
        return exc
    if isinstance(exc, exceptions.MethodNotAllowed):
        return ApiError(ErrorCode.METHOD_NOT_ALLOWED, WRONG_METHOD)
    if isinstance(exc, exceptions.APIException):
        detail = exc.detail if isinstance(exc.detail, str) else exc.default_detail
        return ApiError(ErrorCode.MALFORMED, str(detail))
    return unavailable(exc) if is_database_away(exc) else None


# --- the database --------------------------------------------------------------------------------------

# A server that takes no writes: read_only_sql_transaction (a primary before a failover, a replica
# now); and what ends a session: idle_in_transaction_session_timeout.
_ELSEWHERE = frozenset({"25006", "25P03"})
# lock_not_available, query_canceled: the time-outs of web processes (smsgate.web.web_database).
_TOO_LONG = frozenset({"55P03", "57014"})


def is_database_away(exc: BaseException | None) -> bool:
    """Is this PostgreSQL that is gone, shutting down, full, frozen, or no longer the one to write to?

    Nobody's bug: it passes, and the same request may be sent again.
    """
    if isinstance(exc, OperationalError | InterfaceError):
        return True
    return isinstance(exc, DatabaseError) and _state(exc) in _ELSEWHERE


def _state(exc: BaseException) -> str | None:
    """PostgreSQL's SQLSTATE."""
    state: str | None = getattr(exc.__cause__, "pgcode", None)
    return state


def unavailable(exc: BaseException) -> ApiError:
    """Log it, let the next request connect anew where this server is not the one; return the error."""
    if isinstance(exc, GaveWay):  # this answer is not sent
        problem = "The account is busy."
    elif _state(exc) in _TOO_LONG:
        logger.warning("a request waited too long inside the database: %s", type(exc).__name__)
        problem = "Other requests of this account keep the database busy."
    else:
        logger.error("the database does not answer: %s", _state(exc) or type(exc).__name__)
        problem = "The database does not answer at the moment."
    if _state(exc) in _ELSEWHERE:
        connection.close()
    message = (
        f"{problem} Repeat the request: with the same id or Idempotency-Key it is accepted once."
    )
    return ApiError(ErrorCode.UNAVAILABLE, message, retry_after=2)


# --- outside DRF -------------------------------------------------------------------------------------


def json_error(error: ApiError) -> JsonResponse:
    """Answer with the native error body, outside DRF."""
    http_status = error.code.status
    return JsonResponse(error.body(), status=http_status, headers=headers_of(error, http_status))


def incident() -> ApiError:
    """Log the exception that is being handled; return the error of a 500, whose id is beside it."""
    number = secrets.token_hex(6)
    logger.exception("incident %s", number)
    message = f"Something went wrong on the server; nothing was accepted. Incident {number}."
    return ApiError(ErrorCode.SERVER_ERROR, message, incident=number)
