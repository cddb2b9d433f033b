"""Find the batches that have come to their end, for their clients to be told (webhooks).

A row is written with a batch that has a `callback_url`, and found by the clock; nothing that accepts,
sends or reports a message knows of it. A batch is at its end when each of its messages, and of its
mailings', is final: an `uncertain` one is not, it waits for its owner's or its phone's word.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection

from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from messaging.models import AwaitedBatch, Batch, Message
from messaging.states import MessageState

# The network's word on a delivery mostly comes within seconds of `sent`: it is worth waiting for.
RECEIPT_GRACE = dt.timedelta(minutes=2)

# Re-check interval of an unfinished batch; it grows with the batch's age.
_RECHECK_SECONDS = (10, 20, 40, 80, 160, 300)

PIECE = 200


def schedule(batch: Batch) -> None:
    """Await the end of a batch that has a `callback_url`. Call in the batch's transaction."""
    if is_awaited(batch):
        AwaitedBatch.objects.create(batch=batch, look_at=batch.created_at)


def is_awaited(batch: Batch) -> bool:
    """Return whether its client is to be told of its end, and not of each of its messages."""
    return bool(batch.callback_url) and batch.dialect != Batch.NATIVE


def take_ended(now: dt.datetime) -> tuple[list[Batch], int]:
    """Return batches that have ended, and are not awaited any more, and how many were looked at.

    Call inside a transaction, which also writes that they are told of.
    """
    due = AwaitedBatch.objects.select_for_update(skip_locked=True).filter(look_at__lte=now)
    ids = list(due.order_by("look_at").values_list("pk", flat=True)[:PIECE])
    if not ids:
        return [], 0
    batches = list(Batch.objects.filter(pk__in=ids).order_by("pk"))
    unfinished = _unfinished(ids, now)
    ended = [batch for batch in batches if batch.pk not in unfinished]
    AwaitedBatch.objects.filter(pk__in=[batch.pk for batch in ended]).delete()
    later: defaultdict[dt.datetime, list[int]] = defaultdict(list)
    for batch in batches:
        if batch.pk in unfinished:
            later[now + _pause(now - batch.created_at)].append(batch.pk)
    for look_at, batch_ids in later.items():
        AwaitedBatch.objects.filter(pk__in=batch_ids).update(look_at=look_at)
    return ended, len(ids)


def _pause(age: dt.timedelta) -> dt.timedelta:
    """Return after what time to re-check an open batch: a twentieth of its age, in steps."""
    longest = max(age.total_seconds() / 20, _RECHECK_SECONDS[0])
    return dt.timedelta(seconds=max(step for step in _RECHECK_SECONDS if step <= longest))


def _unfinished(batch_ids: Collection[int], now: dt.datetime) -> set[int]:
    """Return the batches that still have an open message, of their own or of their mailings."""
    is_open = Q(finished_at=None) | Q(status=MessageState.SENT, finished_at__gt=now - RECEIPT_GRACE)
    # With EXISTS the planner may read all messages there are for the few that are open.
    of_batch = Message.objects.filter(is_open, batch=OuterRef("pk")).values("pk")[:1]
    parts = Batch.objects.filter(Q(pk__in=batch_ids) | Q(parent__in=batch_ids))
    found = parts.alias(open=Subquery(of_batch)).filter(open__isnull=False)
    return set(found.values_list(Coalesce("parent_id", "pk"), flat=True))
