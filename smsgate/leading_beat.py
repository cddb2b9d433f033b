"""The schedule of a beat that may not be the only one: one of them publishes, the others stand by.

Whoever leads says so in Redis and says it again with each task. What it says ends soon after it has
stopped, and another beat goes on. Tasks may run twice at once, so two leaders for a moment harm nothing.
"""

from __future__ import annotations

import secrets
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from redis import Redis

from http_api.redis import with_redis
from smsgate.celery import watch

LEADER = "smsgate:beat"
# Longer than the longest rest between two tasks that are due, and than a pause of the machine.
LEADS_SECONDS = 20


class LeadingScheduler(Scheduler):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._name = secrets.token_hex(8).encode()

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Publish it, or let another one do so."""
        if with_redis(self._leads, otherwise=False, purpose="the clock's tasks wait"):
            super().apply_entry(entry, producer)
        else:
            watch.is_at_work()

    def _leads(self, redis: Redis) -> bool:
        if redis.set(LEADER, self._name, ex=LEADS_SECONDS, nx=True):
            return True
        is_mine = redis.get(LEADER) == self._name
        return is_mine and bool(redis.expire(LEADER, LEADS_SECONDS))
