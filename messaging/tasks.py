"""Periodic tasks, for Celery. Each task finds its work in rows and may run twice at once."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down
from django.db import connection

from http_api import clock
from http_api.errors import is_database_away
from http_api.redis import with_redis
from members import mail
from messaging import daily_counts
from messaging.services import exports, housekeeping, phone_alerts, timelines

# Set by the task that runs most often, and gone a minute after the last time it ran.
HEARTBEAT = "smsgate:tick"
_HEARTBEAT_SECONDS = 60

# A hash: the tasks whose last run met a bug, until the next that does not.
FAILING = "smsgate:failing"

# Set while what should have been erased waits for longer than LATE.
BEHIND = "smsgate:behind"
LATE = dt.timedelta(hours=1)

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


is_stopping = threading.Event()


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    is_stopping.set()


def alone(work: Callable[[], None]) -> Callable[[], None]:
    """Keep work that may take long to one of the worker's threads, which are one more than such work."""
    is_running = threading.Lock()

    @wraps(work)
    def run() -> None:
        if is_running.acquire(blocking=False):
            try:
                work()
            finally:
                is_running.release()

    return run


# A task that finds more than one batch goes on at once, up to this many.
_BATCHES = 100


@tick
def look_at_timeline() -> None:
    """Note how far the database is, by which a process that starts sees that it went back."""
    timelines.look()


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
    phone_alerts.tell()


_MAIL_SECONDS = 20.0  # what is slow goes on at the next tick


@tick
@alone
def send_mail() -> None:
    until = time.monotonic() + _MAIL_SECONDS
    mail.send_due(lambda: time.monotonic() < until and not is_stopping.is_set())


# Of each three.
_EXPORT_SECONDS = 1.0


@tick
@alone
def write_exports() -> None:
    until = time.monotonic() + _EXPORT_SECONDS
    while exports.write_piece() and time.monotonic() < until and not is_stopping.is_set():
        pass


_COUNT_SECONDS = 5.0  # of each ten; only an upgrade finds that much


@tick
def count_states() -> None:
    until = time.monotonic() + _COUNT_SECONDS
    while daily_counts.count() and time.monotonic() < until and not is_stopping.is_set():
        pass


# Of each minute, so that one tick is over before the next.
_ERASE_SECONDS = 50.0


@tick
@alone
def erase_old() -> None:
    """Go on for as long as there is something, and say whether it is too late with it."""
    until = time.monotonic() + _ERASE_SECONDS
    try:
        housekeeping.erase_old(lambda: time.monotonic() < until and not is_stopping.is_set())
    finally:
        is_late = housekeeping.late(clock.now()) > LATE
        with_redis(
            lambda redis: redis.set(BEHIND, 1) if is_late else redis.delete(BEHIND), None, _UNSEEN
        )
