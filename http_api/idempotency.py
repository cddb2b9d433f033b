"""`Idempotency-Key`: the same request again gets the first answer again, and no second effect.

The record is written in the transaction of the work itself. "Running" is an advisory lock of that
transaction, so a crash leaves nothing behind. The answer is kept sealed, of every route: some show a
secret, most echo a number and a text. Raw SQL: the lock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from http_api import clock, sealing
from http_api.deadlocks import retry_on_deadlock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, ErrorResponse, exception_handler
from http_api.headers import header
from http_api.models import IdempotencyRecord
from http_api.rendering import JsonRenderer

MAX_LENGTH = 255
KEPT_HOURS = 24

# Statuses that are not stored, as a retry may succeed: the fault is not in the request. Of errors the
# native status counts; a vendor may answer another.
_NEVER_KEPT = frozenset({401, 403, 429})


View = TypeVar("View", bound=ViewSet)
P = ParamSpec("P")


def idempotent(
    action: Callable[Concatenate[View, Request, P], Response],
) -> Callable[Concatenate[View, Request, P], Response]:
    """Run a writing action of a view once per sender and `Idempotency-Key`, where that is given."""

    @wraps(action)
    def run(view: View, request: Request, /, *args: P.args, **kwargs: P.kwargs) -> Response:
        if request.method == "HEAD":  # asks what a GET would answer; must not do what it does
            view.http_method_not_allowed(request)
        scope: str = request.auth.scope  # type: ignore[union-attr]  # a Sender
        return run_idempotent(view, request, scope, lambda: action(view, request, *args, **kwargs))

    run.is_idempotent = True  # type: ignore[attr-defined]
    return run


def run_idempotent(
    view: ViewSet, request: Request, scope: str, work: Callable[[], Response]
) -> Response:
    """Run the work of one request, once per `Idempotency-Key` where the header is given.

    `scope` says whose key it is. A deadlock or serialisation failure is tried again.
    """
    key = header(request, "Idempotency-Key")
    if not key:
        return retry_on_deadlock(work)
    # as read: a client that repeats a multipart body draws a new boundary for it
    given = [*view.kwargs.values(), request.META.get("QUERY_STRING", ""), request.data]
    whole = JsonRenderer().render(given)
    route = f"{request.method} {view.basename}-{view.action}"

    def answered() -> Response:
        try:
            return work()
        except OperationalError:
            raise  # to be tried again below
        except Exception as error:
            response = exception_handler(error, {"view": view})
            if response is None:
                raise
            return response

    def in_one_transaction() -> Response:
        with transaction.atomic():
            return _once(scope=scope, route=route, key=key, request=whole, work=answered)

    return retry_on_deadlock(in_one_transaction)


def _once(
    *, scope: str, route: str, key: str, request: bytes, work: Callable[[], Response]
) -> Response:
    """Run `work` at most once per (scope, route, key); call inside a transaction.

    `request` is what must be the same when it comes again: what its path names, and its body.
    `work` returns a Response also when it refuses. Raise ApiError: `request_in_progress` (409) while
    the first one runs, `idempotency_key_reused` (422) for another request.
    """
    if len(key) > MAX_LENGTH:
        raise ApiError(
            ErrorCode.INVALID, f"Idempotency-Key: may have at most {MAX_LENGTH} characters"
        )
    digest = hashlib.sha256(request).digest()
    name = f"{scope} {route} {key}"
    if not _lock(name):
        raise ApiError(
            ErrorCode.REQUEST_IN_PROGRESS,
            "The first request with this key is still running; try again in 1 s.",
            retry_after=1,
        )
    record = IdempotencyRecord.objects.filter(scope=scope, route=route, key=key).first()
    if record and (clock.now() - record.created_at).total_seconds() < KEPT_HOURS * 3600:
        return _replay(record, name, digest)
    with transaction.atomic():
        response = work()
        if response.status_code >= 400:
            transaction.set_rollback(True)
    if _is_kept(response):
        IdempotencyRecord.objects.update_or_create(
            scope=scope,
            route=route,
            key=key,
            defaults={
                "body_digest": digest,
                "status": response.status_code,
                "answer": _seal(name, JsonRenderer().render(response.data).decode()),
                "created_at": clock.now(),
            },
        )
    return response


def redact(
    scopes: Collection[str], is_about: Callable[[str], bool], redacted: Callable[[Any], Any]
) -> int:
    """Let `redacted` change the answers that are kept of these scopes; return how many it changed.

    The record stays, so that a repeated request has no second effect, unless its key itself `is_about`
    what is to go.
    """
    changed = 0
    for record in IdempotencyRecord.objects.filter(scope__in=scopes).iterator(chunk_size=500):
        name = f"{record.scope} {record.route} {record.key}"
        answer = json.loads(_unseal(name, record.answer) or "null")
        kept = redacted(answer)
        if is_about(record.key):
            record.delete()
        elif kept != answer:
            record.answer = _seal(name, JsonRenderer().render(kept).decode())
            record.save(update_fields=["answer"])
        else:
            continue
        changed += 1
    return changed


def _is_kept(response: Response) -> bool:
    status = response.code.status if isinstance(response, ErrorResponse) else response.status_code
    return status < 500 and status not in _NEVER_KEPT


def _replay(record: IdempotencyRecord, name: str, digest: bytes) -> Response:
    if bytes(record.body_digest) != digest:
        raise ApiError(
            ErrorCode.IDEMPOTENCY_KEY_REUSED,
            "This Idempotency-Key was used with another request before.",
        )
    answer = _unseal(name, record.answer)
    return Response(
        json.loads(answer) if answer else None,
        status=record.status,
        headers={"Idempotent-Replayed": "true"},
    )


def _seal(name: str, answer: str) -> str:
    return sealing.seal("idempotency", name, "answer", answer)


def _unseal(name: str, stored: str) -> str:
    if not sealing.is_sealed(stored):  # by a release that did not: for a day after the upgrade
        return stored
    return sealing.unseal("idempotency", name, "answer", stored)


def _lock(name: str) -> bool:
    """Hold the name until the transaction ends; False where another transaction holds it."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])
