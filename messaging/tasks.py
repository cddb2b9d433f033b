"""Periodic tasks, for Celery. Each task finds its work in rows and may run twice at once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from celery import shared_task
from django.db import connection

from http_api.errors import is_database_away
from http_api.postgres import may_take
from http_api.redis import with_redis
from messaging.services import housekeeping

# Set by the task that runs most often, and gone a minute after the last time it ran.
HEARTBEAT = "smsgate:tick"
_HEARTBEAT_SECONDS = 60

# A hash: the tasks whose last run met a bug, until the next that does not.
FAILING = "smsgate:failing"

_UNSEEN = "nobody can see how the worker is"

logger = logging.getLogger(__name__)


def tick(work: Callable[[], None]) -> Any:
    """Make a task of work that can wait for the next tick: a lost database is one line in the log."""

    @wraps(work)
    def run() -> None:
        name = work.__name__
        try:
            work()
        except Exception as error:
            if is_database_away(error):
                connection.close()
                words = "%s waits: the database does not answer (%s)"
                logger.error(words, name, type(error).__name__)
                return
            # a bug, which Celery logs
            with_redis(lambda redis: redis.hset(FAILING, name, 1), None, _UNSEEN)
            raise
        else:
            with_redis(lambda redis: redis.hdel(FAILING, name), None, _UNSEEN)

    return shared_task(ignore_result=True)(run)


_ERASE_SECONDS = 600.0  # a statement of the hourly task, which may meet a day's rows

# A task that finds more than one batch goes on at once, up to this many.
_BATCHES = 100


@tick
def promote() -> None:
    with_redis(
        lambda redis: redis.set(HEARTBEAT, 1, ex=_HEARTBEAT_SECONDS),
        otherwise=None,
        purpose=_UNSEEN,
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
    failed: dict[int, Exception] = {}
    with may_take(_ERASE_SECONDS):
        for _ in range(_BATCHES):
            if not housekeeping.erase_old(failed):
                break
    if failed:
        raise ExceptionGroup("retention skipped some accounts", list(failed.values()))
