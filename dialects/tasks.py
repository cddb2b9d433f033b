"""Periodic jobs of the dialects, for Celery."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from celery.signals import worker_shutting_down

from dialects.registry import DIALECTS
from messaging.services import webhooks
from messaging.tasks import tick

# Who tells its clients of the end of a batch, and what.
BODIES: Mapping[str, webhooks.Body] = {
    dialect.name: dialect.webhook_body for dialect in DIALECTS if dialect.webhook_body is not None
}

# It may wait for slow receivers, so it runs in one of the worker's two threads at most.
_is_running = threading.Lock()
_is_stopping = threading.Event()


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    _is_stopping.set()


@tick
def deliver_webhooks() -> None:
    if not _is_running.acquire(blocking=False):
        return
    try:
        webhooks.deliver_due(BODIES, _is_stopping)
    finally:
        _is_running.release()
