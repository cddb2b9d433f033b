"""Periodic jobs of privacy, for Celery."""

from __future__ import annotations

from http_api import clock
from messaging.tasks import alone, tick
from privacy import erasing


@tick
@alone
def erase_people() -> None:
    erasing.go_on()
    erasing.delete_old(clock.now())
