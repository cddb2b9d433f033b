"""Tell waiting phones that their licence has something new: a Redis publish after the commit.

Not LISTEN/NOTIFY, which serialises commits. One thread publishes for the whole process, rests a
moment, and folds what piles up meanwhile: a request never waits for Redis, and a thousand of them cost
fifty wake-ups. A lost wake-up costs five seconds: waiters also look by themselves.
"""

from __future__ import annotations

import threading
import time
from functools import partial

import redis
from django.db import transaction

from http_api.redis import with_redis

CHANNEL = "smsgate:wake"  # the payload is a licence id

_REST_SECONDS = 0.02

_new: set[int] = set()
_changed = threading.Condition()
_publisher: threading.Thread | None = None


def after_commit(license_id: int) -> None:
    """Wake this licence's phones once the running transaction has committed."""
    transaction.on_commit(partial(_notify, license_id))


def _notify(license_id: int) -> None:
    global _publisher
    with _changed:
        _new.add(license_id)
        if _publisher is None or not _publisher.is_alive():
            _publisher = threading.Thread(target=_publish_forever, name="wakeup", daemon=True)
            _publisher.start()
        _changed.notify()


def _publish_forever() -> None:
    while True:
        with _changed:
            _changed.wait_for(lambda: _new)
            license_ids = sorted(_new)
            _new.clear()
        with_redis(partial(_publish, license_ids), otherwise=None, purpose="phones look every 5 s")
        time.sleep(_REST_SECONDS)


def _publish(license_ids: list[int], connection: redis.Redis) -> None:
    with connection.pipeline(transaction=False) as pipeline:
        for license_id in license_ids:
            pipeline.publish(CHANNEL, license_id)
        pipeline.execute()
