"""What Celery runs by the clock for the dialects."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from dialects import sms_by
from messaging.services import webhooks
from messaging.tasks import tick

# Who tells its clients of the end of a batch, and what.
BODIES: Mapping[str, webhooks.Body] = {sms_by.DIALECT.name: sms_by.webhook_body}

_ROUNDS = 5

# A round may wait for slow receivers: of a worker's two threads it keeps one free for all else.
_is_running = threading.Lock()


@tick
def deliver_webhooks() -> None:
    if not _is_running.acquire(blocking=False):
        return
    try:
        for _ in range(_ROUNDS):
            if not webhooks.deliver_due(BODIES):
                break
    finally:
        _is_running.release()
