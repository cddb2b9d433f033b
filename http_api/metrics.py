"""Counters of this process's requests, for Prometheus. `smsgate.operations.metrics` shows it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Histogram

REGISTRY = CollectorRegistry()

REQUESTS = Histogram(
    "smsgate_request_seconds",
    "How long requests took, long polls aside.",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
    registry=REGISTRY,
)
