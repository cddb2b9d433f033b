"""Periodic jobs of Bitrix24, for Celery."""

from __future__ import annotations

from bitrix24 import statuses
from messaging.tasks import alone, tick


@tick
@alone  # it may wait for slow portals
def tell_bitrix24() -> None:
    statuses.tell_all()
