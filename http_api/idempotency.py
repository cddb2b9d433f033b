"""`Idempotency-Key`: the same request again gets the first answer again, and no second effect.

The record is written in the transaction of the work itself. "Running" is an advisory lock of that
transaction, so a crash leaves nothing behind. Raw SQL: the lock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from django.db import connection, transaction
from rest_framework.response import Response

from http_api import clock
from http_api.errors import Refusal
from http_api.models import IdempotencyRecord
from http_api.rendering import JsonRenderer

MAX_LENGTH = 255
KEPT_HOURS = 24

# Answers that say nothing about the request itself: trying again may well succeed.
_NEVER_KEPT = frozenset({401, 403, 429})


def once(
    *, scope: str, route: str, key: str, request: bytes, work: Callable[[], Response]
) -> Response:
    """Run `work` at most once per (scope, route, key); call inside a transaction.

    `request` is what must be the same when it comes again: what its path names, and its body.
    `work` answers with a Response also when it refuses. Raises Refusal: `request_in_progress` (409)
    while the first one runs, `idempotency_key_reused` (422) for another request.
    """
    if len(key) > MAX_LENGTH:
        raise Refusal("invalid", f"Idempotency-Key: may have at most {MAX_LENGTH} characters")
    digest = hashlib.sha256(request).digest()
    if not _lock(f"{scope} {route} {key}"):
        raise Refusal(
            "request_in_progress",
            "The first request with this key is still running; try again in 1 s.",
            retry_after=1,
        )
    record = IdempotencyRecord.objects.filter(scope=scope, route=route, key=key).first()
    if record and (clock.now() - record.created_at).total_seconds() < KEPT_HOURS * 3600:
        return _replay(record, digest)
    with transaction.atomic():
        response = work()
        if response.status_code >= 400:
            transaction.set_rollback(True)
    if response.status_code < 500 and response.status_code not in _NEVER_KEPT:
        IdempotencyRecord.objects.update_or_create(
            scope=scope,
            route=route,
            key=key,
            defaults={
                "body_digest": digest,
                "status": response.status_code,
                "answer": JsonRenderer().render(response.data).decode(),
                "created_at": clock.now(),
            },
        )
    return response


def _replay(record: IdempotencyRecord, digest: bytes) -> Response:
    if bytes(record.body_digest) != digest:
        raise Refusal(
            "idempotency_key_reused", "This Idempotency-Key was used with another request before."
        )
    answer = json.loads(record.answer) if record.answer else None
    return Response(answer, status=record.status, headers={"Idempotent-Replayed": "true"})


def _lock(name: str) -> bool:
    """Hold the name until the transaction ends; False where another transaction holds it."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])
