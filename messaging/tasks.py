"""What Celery runs by the clock. Each task finds its work in rows and may run twice at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from celery import shared_task
from django.db import InterfaceError, OperationalError

from http_api.redis import attempt
from messaging.services import housekeeping

# Set by the task that runs most often, and gone a minute after the last time it ran.
HEARTBEAT = "smsgate:tick"
_HEARTBEAT_SECONDS = 60

logger = logging.getLogger(__name__)


def tick(work: Callable[[], None]) -> Any:
    """A task whose work can wait for the next tick: a database that is away is one line."""

    @wraps(work)
    def run() -> None:
        try:
            work()
        except (OperationalError, InterfaceError) as error:
            logger.error(
                "%s waits: the database does not answer (%s)", work.__name__, type(error).__name__
            )

    return shared_task(ignore_result=True)(run)


# A task that finds more than one batch goes on at once, up to this many.
_BATCHES = 100


@tick
def promote() -> None:
    attempt(
        lambda redis: redis.set(HEARTBEAT, 1, ex=_HEARTBEAT_SECONDS),
        otherwise=None,
        purpose="nobody can see that the worker is there",
    )
    for _ in range(_BATCHES):
        if not housekeeping.promote_due():
            break


@tick
def expire() -> None:
    for _ in range(_BATCHES):
        if not housekeeping.expire_overdue():
            break


@tick
def doubt_expired_leases() -> None:
    for _ in range(_BATCHES):
        if not housekeeping.doubt_expired_leases():
            break


@tick
def mark_silent_devices() -> None:
    housekeeping.mark_silent_devices()


@tick
def erase_old() -> None:
    for _ in range(_BATCHES):
        if not housekeeping.erase_old():
            break
