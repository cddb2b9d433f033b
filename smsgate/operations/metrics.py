"""Metrics of the service for Prometheus: its queue, its phones, its version."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from bitrix24.models import Portal
from http_api import clock
from http_api.addresses import client_network
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, json_error
from http_api.headers import header
from http_api.metrics import REGISTRY
from http_api.redis import with_redis
from http_api.throttles import record_failed_key
from licenses.models import Device
from members import mail
from messaging import daily_counts, queue_metrics, retention
from messaging.services import housekeeping
from messaging.tasks import FAILING


def metrics(request: HttpRequest) -> HttpResponse:
    """For whoever has the token (docs/adr/0006-metrics-need-a-token.md)."""
    try:
        _check_token(request)
        return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
    except ApiError as error:
        return json_error(error)
    except (OperationalError, InterfaceError):
        words = "The database does not answer."
        return json_error(ApiError(ErrorCode.UNAVAILABLE, words, retry_after=2))


def _check_token(request: HttpRequest) -> None:
    """Raise ApiError: `invalid_key`, `too_many_requests` where an address has guessed too often."""
    scheme, _, given = header(request, "Authorization").partition(" ")
    token: str = settings.METRICS_TOKEN
    is_right = secrets.compare_digest(given.encode(), token.encode())
    if not (token and scheme.lower() == "bearer" and is_right):
        record_failed_key(client_network(request.META))
        raise ApiError(ErrorCode.INVALID_KEY, "Metrics need the token METRICS_TOKEN.")


class _Queue(Collector):
    """The figures that are asked of the database when somebody looks."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: registering must not ask the database."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        yield from self._depths()
        yield from self._overdue()
        yield self._counters()
        yield from self._devices()
        yield self._portals()
        yield GaugeMetricFamily(
            "smsgate_mail_waiting_seconds",
            "Age of the oldest mail that no mail server has taken; 0: none waits.",
            value=mail.waiting(clock.now()).total_seconds(),
        )
        yield GaugeMetricFamily(
            "smsgate_tasks_failing",
            "Tasks of the clock whose last run met an error; the log says which.",
            value=with_redis(
                lambda redis: redis.hlen(FAILING), 0, "metrics do not know the worker"
            ),
        )
        yield GaugeMetricFamily("smsgate_up", "1.", value=1)
        version = GaugeMetricFamily("smsgate_version_info", "The version.", labels=["version"])
        version.add_metric([settings.VERSION], 1)
        yield version

    def _depths(self) -> Iterator[GaugeMetricFamily]:
        messages = GaugeMetricFamily(
            "smsgate_messages",
            f"Messages that are not finished, by state; {queue_metrics.MOST} means so many or more.",
            labels=["state"],
        )
        for state in queue_metrics.WATCHED:
            messages.add_metric([state.value], queue_metrics.depth(state))
        yield messages
        since = queue_metrics.oldest_due()
        yield GaugeMetricFamily(
            "smsgate_oldest_pending_seconds",
            "How long the message at the head of a queue has waited for a phone.",
            value=max(0.0, (clock.now() - since).total_seconds()) if since else 0.0,
        )

    def _overdue(self) -> Iterator[GaugeMetricFamily]:
        number, late = retention.overdue(clock.now())
        yield GaugeMetricFamily(
            "smsgate_erasing_overdue",
            "Messages whose number and text should have been erased;"
            f" {queue_metrics.MOST} means so many or more.",
            value=number,
        )
        yield GaugeMetricFamily(
            "smsgate_erasing_overdue_seconds",
            "For how long the oldest of them should have been.",
            value=late.total_seconds(),
        )
        yield GaugeMetricFamily(
            "smsgate_details_overdue_seconds",
            "For how long the oldest details of messages should have ended.",
            value=housekeeping.details_late(clock.now()).total_seconds(),
        )

    def _counters(self) -> CounterMetricFamily:
        reached = CounterMetricFamily(
            "smsgate_messages_reached", "Messages that reached a state, ever.", labels=["state"]
        )
        for state, number in daily_counts.totals().items():
            reached.add_metric([state], number)
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
        failing = GaugeMetricFamily(
            "smsgate_device_failing_sims",
            "How many of its SIMs cannot send; what names no SIM counts as one.",
            labels=["device", "license"],
        )
        for device in Device.objects.filter(revoked_at=None).only(
            "pk", "license_id", "last_sync_at", "silent_since", "failing_sims"
        ):
            labels = [str(device.pk), str(device.license_id)]
            at = device.last_sync_at
            synced.add_metric(labels, at.timestamp() if at else 0)
            silent.add_metric(labels, device.silent_since is not None)
            failing.add_metric(labels, len(device.failing_sims))
        yield synced
        yield silent
        yield failing

    def _portals(self) -> GaugeMetricFamily:
        broken = GaugeMetricFamily(
            "smsgate_bitrix24_portal_broken",
            "1 where a portal of Bitrix24 refuses us until a person has acted.",
            labels=["portal", "license"],
        )
        for portal in Portal.objects.exclude(state=Portal.State.UNINSTALLED).only(
            "pk", "license_id", "state"
        ):
            labels = [str(portal.pk), str(portal.license_id)]
            broken.add_metric(labels, portal.state == Portal.State.BROKEN)
        return broken


REGISTRY.register(_Queue())
