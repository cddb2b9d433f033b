"""Counters of requests, for Prometheus. `smsgate.operations.metrics` shows it.

Of this process, or of all that were forked together: whoever forks them sets PROMETHEUS_MULTIPROC_DIR to
a new folder before this is imported, in which each keeps its figures. What a dead one has counted stays.
"""

from __future__ import annotations

from django.conf import settings
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

REGISTRY = CollectorRegistry()

REQUESTS = Histogram(
    "smsgate_request_seconds",
    "How long requests took, long polls aside.",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
    registry=None if settings.METRICS_ARE_SHARED else REGISTRY,
)

if settings.METRICS_ARE_SHARED:
    MultiProcessCollector(REGISTRY)  # type: ignore[no-untyped-call]  # reads the folder at each look
