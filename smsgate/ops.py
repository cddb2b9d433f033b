"""Is it alive, is it ready, how is it doing: for supervisors, load balancers and Prometheus."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator
from functools import cache

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import Redis

from http_api import clock
from http_api.errors import json_error
from http_api.headers import header
from http_api.metrics import REGISTRY
from http_api.redis import attempt
from licenses.models import Device
from messaging import figures
from messaging.tasks import HEARTBEAT
from smsgate import config
from smsgate.version import VERSION

logger = logging.getLogger(__name__)


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while this process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 while the database answers too; 503 otherwise.

    What is missing beside it degrades the service and does not take it down: messages are accepted
    and kept. No numbers: everybody may read this.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        parts = {"database": "ok", **_redis_and_worker(), "phones": _phones()}
    except (OperationalError, InterfaceError):
        return json_error(503, "unavailable", "The database does not answer.")
    is_well = set(parts.values()) <= {"ok", "none paired"}
    return JsonResponse({"status": "ok" if is_well else "degraded", **parts})


def _redis_and_worker() -> dict[str, str]:
    def look(redis: Redis) -> dict[str, str]:
        return {"redis": "ok", "worker": "ok" if redis.exists(HEARTBEAT) else "silent"}

    gone = {"redis": "gone", "worker": "unknown"}
    return attempt(look, otherwise=gone, purpose="is the service ready?")


def _phones() -> str:
    phones = Device.objects.filter(revoked_at=None).aggregate(
        paired=Count("pk"), silent=Count("pk", filter=Q(silent_since__isnull=False))
    )
    if not phones["paired"]:
        return "none paired"
    if not phones["silent"]:
        return "ok"
    return "all silent" if phones["silent"] == phones["paired"] else "some silent"


# --- metrics -------------------------------------------------------------------------------------


def metrics(request: HttpRequest) -> HttpResponse:
    """For whoever has the token (docs/adr/0006-metrics-need-a-token.md)."""
    scheme, _, given = header(request, "Authorization").partition(" ")
    token = metrics_token()
    if (
        not token
        or scheme.lower() != "bearer"
        or not secrets.compare_digest(given.encode(), token.encode())
    ):
        return json_error(401, "invalid_key", "Metrics need the token METRICS_TOKEN.", **_BEARER)
    try:
        return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
    except (OperationalError, InterfaceError):
        return json_error(503, "unavailable", "The database does not answer.")


_BEARER = {"WWW-Authenticate": "Bearer"}


@cache
def metrics_token() -> str:
    """METRICS_TOKEN, else one made in the data folder; '' where neither can be had."""
    try:
        return config.secret("METRICS_TOKEN", settings.CONFIG)
    except config.ConfigError:
        logger.warning("there are no metrics: set METRICS_TOKEN")
        return ""


class _Queue(Collector):
    """What is asked of the database when somebody looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # two looks at once would count the same rows twice
        self._accepted, self._changes = figures.accepted(), figures.changes()
        self._totals = {"accepted": 0}

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: registering must not ask the database."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        yield from self._depths()
        with self._lock:
            yield self._counters()
        yield from self._devices()
        yield GaugeMetricFamily("smsgate_up", "1.", value=1)
        version = GaugeMetricFamily("smsgate_version_info", "The version.", labels=["version"])
        version.add_metric([VERSION], 1)
        yield version

    def _depths(self) -> Iterator[GaugeMetricFamily]:
        messages = GaugeMetricFamily(
            "smsgate_messages",
            f"Messages that are not finished, by state; {figures.MOST} means so many or more.",
            labels=["state"],
        )
        for state in figures.WATCHED:
            messages.add_metric([state.value], figures.depth(state))
        yield messages
        since = figures.oldest_due()
        yield GaugeMetricFamily(
            "smsgate_oldest_pending_seconds",
            "How long the message at the head of a queue has waited for a phone.",
            value=max(0.0, (clock.now() - since).total_seconds()) if since else 0.0,
        )

    def _counters(self) -> CounterMetricFamily:
        now = clock.now()
        for tail in (self._accepted, self._changes):
            for label, number in tail.read(now).items():
                self._totals[label] = self._totals.get(label, 0) + number
        reached = CounterMetricFamily(
            "smsgate_messages_reached",
            "Messages that reached a state, in all processes, since this one looked first.",
            labels=["state"],
        )
        for label, number in self._totals.items():
            reached.add_metric([label], number)
        return reached

    def _devices(self) -> Iterator[GaugeMetricFamily]:
        synced = GaugeMetricFamily(
            "smsgate_device_last_sync_timestamp_seconds",
            "When each paired phone was last heard of; 0: never.",
            labels=["device", "license"],
        )
        silent = GaugeMetricFamily(
            "smsgate_device_silent", "1 where it missed three syncs.", labels=["device", "license"]
        )
        for device in Device.objects.filter(revoked_at=None).only(
            "pk", "license_id", "last_sync_at", "silent_since"
        ):
            labels = [str(device.pk), str(device.license_id)]
            at = device.last_sync_at
            synced.add_metric(labels, at.timestamp() if at else 0)
            silent.add_metric(labels, device.silent_since is not None)
        yield synced
        yield silent


REGISTRY.register(_Queue())
