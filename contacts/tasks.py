"""Periodic jobs of contacts, for Celery: imports, and their end."""

from __future__ import annotations

import time
from functools import partial

from contacts import import_job, imports
from http_api import clock
from messaging.tasks import alone, is_stopping, tick

_SECONDS = 50.0  # at a time; what takes longer goes on at the next tick
_TURN = 10.0  # of one import; then those that have got less have theirs


@tick
@alone
def run_imports() -> None:
    until = time.monotonic() + _SECONDS
    while _is_before(until):
        turn = min(until, time.monotonic() + _TURN)
        if not import_job.go_on(partial(_is_before, turn)):
            break


def _is_before(until: float) -> bool:
    return time.monotonic() < until and not is_stopping.is_set()


@tick
def delete_old_imports() -> None:
    imports.delete_old(clock.now())
