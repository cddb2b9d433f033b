"""What Celery runs by the clock. Each task finds its work in rows and may run twice at once."""

from __future__ import annotations

from celery import shared_task

from http_api.redis import attempt
from messaging.services import housekeeping

# Set by the task that runs most often, and gone a minute after the last time it ran.
HEARTBEAT = "smsgate:tick"
_HEARTBEAT_SECONDS = 60

# A task that finds more than one batch goes on at once, up to this many.
_BATCHES = 100


@shared_task(ignore_result=True)
def promote() -> None:
    attempt(
        lambda redis: redis.set(HEARTBEAT, 1, ex=_HEARTBEAT_SECONDS),
        otherwise=None,
        purpose="nobody can see that the worker is there",
    )
    for _ in range(_BATCHES):
        if not housekeeping.promote_due():
            break


@shared_task(ignore_result=True)
def expire() -> None:
    for _ in range(_BATCHES):
        if not housekeeping.expire_overdue():
            break


@shared_task(ignore_result=True)
def doubt_expired_leases() -> None:
    for _ in range(_BATCHES):
        if not housekeeping.doubt_expired_leases():
            break


@shared_task(ignore_result=True)
def mark_silent_devices() -> None:
    housekeeping.mark_silent_devices()


@shared_task(ignore_result=True)
def erase_old() -> None:
    for _ in range(_BATCHES):
        if not housekeeping.erase_old():
            break
