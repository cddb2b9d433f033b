"""Periodic jobs of the dialects, for Celery."""

from __future__ import annotations

from collections.abc import Mapping

from dialects.registry import DIALECTS
from messaging.services import webhooks
from messaging.tasks import alone, is_stopping, tick

# Who tells its clients of the end of a batch, and what.
BODIES: Mapping[str, webhooks.Body] = {
    dialect.name: dialect.webhook_body for dialect in DIALECTS if dialect.webhook_body is not None
}


@tick
@alone  # it may wait for slow receivers
def deliver_webhooks() -> None:
    webhooks.deliver_due(BODIES, is_stopping)
