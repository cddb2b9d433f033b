"""Is it alive, is it ready: for supervisors and load balancers.

Raw SQL: does the database take writes?
"""

from __future__ import annotations

import datetime as dt

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Count, Q
from django.http import HttpRequest, JsonResponse
from redis import Redis

from http_api import clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, json_error
from http_api.redis import with_redis
from licenses.models import Device, Timeline
from messaging.tasks import BEHIND, FAILING, HEARTBEAT

LOSS_IS_SAID = dt.timedelta(days=1)


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while this process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 while the database answers too, and takes writes; 503 otherwise.

    What is missing beside it degrades the service and does not take it down: messages are accepted
    and kept. No numbers: everybody may read this.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only')")
            (is_read_only,) = cursor.fetchone()
        if is_read_only == "on":  # failover: reconnect by name
            connection.close()
            return json_error(
                ApiError(ErrorCode.UNAVAILABLE, "The database takes no writes.", retry_after=2)
            )
        parts = {"database": _database(), **_redis_and_worker(), "phones": _phones()}
    except (OperationalError, InterfaceError):
        return json_error(
            ApiError(ErrorCode.UNAVAILABLE, "The database does not answer.", retry_after=2)
        )
    is_well = set(parts.values()) <= {"ok", "none paired"}
    return JsonResponse({"status": "ok" if is_well else "degraded", **parts})


def _database() -> str:
    since = clock.now() - LOSS_IS_SAID
    lost = Timeline.objects.filter(is_loss_shown=True, noticed_at__gt=since).exists()
    return "went back in time" if lost else "ok"


def _redis_and_worker() -> dict[str, str]:
    def look(redis: Redis) -> dict[str, str]:
        worker = "failing" if redis.exists(FAILING) else "ok"
        return {
            "redis": "ok",
            "worker": worker if redis.exists(HEARTBEAT) else "silent",
            "retention": "behind" if redis.exists(BEHIND) else "ok",
        }

    gone = {"redis": "gone", "worker": "unknown", "retention": "unknown"}
    return with_redis(look, otherwise=gone, purpose="is the service ready?")


def _phones() -> str:
    phones = Device.objects.filter(revoked_at=None).aggregate(
        paired=Count("pk"),
        silent=Count("pk", filter=Q(silent_since__isnull=False)),
        failing=Count("pk", filter=~Q(failing_sims=[])),
    )
    if not phones["paired"]:
        return "none paired"
    if not phones["silent"]:
        return "a SIM cannot send" if phones["failing"] else "ok"
    return "all silent" if phones["silent"] == phones["paired"] else "some silent"
