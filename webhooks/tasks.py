"""Periodic jobs of webhooks, for Celery. What delivers is in dialects.tasks, which knows all bodies."""

from __future__ import annotations

import time

from messaging.tasks import alone, is_stopping, tick
from webhooks import retention

_SECONDS = 20.0  # of each minute


@tick
@alone
def delete_old_events() -> None:
    until = time.monotonic() + _SECONDS
    retention.delete_old(lambda: time.monotonic() < until and not is_stopping.is_set())
