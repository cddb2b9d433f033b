"""Tell who waits for an account's events that there are new ones: a Redis publish after the commit."""

from __future__ import annotations

from functools import partial

import redis
from django.db import transaction

from http_api.redis import with_redis

CHANNEL = "smsgate:events"  # the payload is an account id

_UNHEARD = "who waits for events looks every 5 s"


def after_commit(account_id: int) -> None:
    """Announce them once the running transaction has committed."""
    transaction.on_commit(partial(with_redis, partial(_publish, account_id), None, _UNHEARD))


def _publish(account_id: int, connection: redis.Redis) -> None:
    connection.publish(CHANNEL, account_id)
