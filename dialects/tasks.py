"""Periodic jobs of the dialects, for Celery."""

from __future__ import annotations

import time

from dialects.registry import DIALECTS
from messaging.tasks import alone, is_stopping, tick
from webhooks import delivery

# Who tells its clients of the end of a batch, and what.
BODIES: delivery.BatchBodies = {
    dialect.name: dialect.webhook_body for dialect in DIALECTS if dialect.webhook_body is not None
}

# Until the next tick, so that an event is told of at once.
_STAY_SECONDS = 9.5


@tick
@alone  # it may wait for slow receivers
def deliver_webhooks() -> None:
    until = time.monotonic() + _STAY_SECONDS
    delivery.deliver(BODIES, until=until, is_stopping=is_stopping)
