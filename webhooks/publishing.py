"""Publish what was recorded: give each event its number, and put it before those who are to be told.

After the commit of what it tells of, since ids are drawn before it: a feed by id would miss what is
committed late. Whoever wants events publishes them, a worker as well as who reads the feed; the rows are
the queue and nothing is lost with a process. Raw SQL: publishing.sql.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from django.db import transaction

from http_api import clock
from http_api.prepared import statements
from messaging.locks import FEED
from messaging.models import Batch
from outbox.types import EventType
from webhooks import announcing, callbacks

_SQL = statements(__file__)
PIECE = 1_000
_ACCOUNTS = 100


class _Account(NamedTuple):
    account_id: int


class _Flag(NamedTuple):
    is_so: bool


class _Published(NamedTuple):
    """A row of `publish`."""

    event_id: int
    number: int
    message_id: int | None
    url: str | None  # where its send asked to be told


def publish_all() -> int:
    """Publish what there is of all accounts, at most a piece of each; return how much."""
    return sum(
        publish(row.account_id) for row in _SQL["accounts"].all(_Account, {"most": _ACCOUNTS})
    )


def publish(account_id: int) -> int:
    """Publish at most a piece of an account's events; 0 also where another publishes them right now."""
    has_new = _SQL["has_new"].one(_Flag, {"account_id": account_id})
    return _publish_new(account_id) if has_new else 0


@transaction.atomic
def _publish_new(account_id: int) -> int:
    lock = _SQL["try_lock"].one(_Flag, {"kind": FEED, "account_id": account_id})
    if lock is None or not lock.is_so:
        return 0
    now = clock.now()
    rows = _publish(account_id, now)
    if rows:
        announcing.after_commit(account_id)
    named = [row for row in rows if row.url]
    callbacks.expect(
        account_id,
        [callbacks.Callback(row.url or "", row.message_id, event_id=row.event_id) for row in named],
        now,
    )
    return len(rows)


def _publish(account_id: int, now: dt.datetime) -> list[_Published]:
    return _SQL["publish"].all(
        _Published,
        {
            "account_id": account_id,
            "piece": PIECE,
            "now": now,
            "test": EventType.WEBHOOK_TEST.value,
            "native": Batch.NATIVE,
        },
    )
