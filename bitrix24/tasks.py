"""Periodic jobs of Bitrix24, for Celery."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connections

from bitrix24 import tending
from bitrix24.models import Portal
from messaging.tasks import alone, is_stopping, tick

_AT_ONCE = 8  # portals; each has a database connection meanwhile
_pool = ThreadPoolExecutor(_AT_ONCE, "bitrix24")
_under_way: dict[int, Future[None]] = {}


@tick
@alone
def tend_bitrix24() -> None:
    """Begin to look after each portal in a thread of its own, and wait for none: one that is slow is
    left out until it has answered, and holds up no other."""
    for portal_id, tended in list(_under_way.items()):
        if tended.done():
            del _under_way[portal_id]
            tended.result()  # a bug there is this task's
    for portal in tending.connected():
        if portal.pk not in _under_way:
            _under_way[portal.pk] = _pool.submit(_tend, portal)


def _tend(portal: Portal) -> None:
    try:
        if not is_stopping.is_set():
            tending.tend(portal)
    finally:
        connections.close_all()
