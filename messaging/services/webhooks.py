"""Tell a client's program what became of its batch: one POST to the URL that it gave, until it is taken.

The row is the queue. It is written with the batch and found by the clock; nothing that accepts, sends or
reports a message knows of it. A batch is told of when each of its messages, and of its mailings', is
final: an `uncertain` one is not, it waits for its owner's or its phone's word.

At least once: the time of the next try is written down before this one, so a worker that dies in
between is followed by another, and a receiver may hear the same `webhook-id` twice. Signed as Standard
Webhooks describes (docs/adr/0009-webhooks-are-signed-by-a-derived-secret.md).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from http_api import clock, outgoing
from http_api.rendering import JsonRenderer
from licenses import services as licenses
from messaging.models import Batch, Message, WebhookDelivery
from messaging.states import MessageState

Body = Callable[[Batch], Any]  # what a batch's client is told, to be sent as JSON

# After the n-th try that failed; a day in all. The first is longer than a try can take.
RETRY_MINUTES = (1, 2, 5, 15, 30, 60, 120, 240, 480, 480)
TRIES = len(RETRY_MINUTES) + 1

# The network's word on a delivery mostly comes within seconds of `sent`: it is worth waiting for.
RECEIPT_GRACE = dt.timedelta(minutes=2)

# Seconds between two looks at a batch that is not final: the longer it has been waited for, the more.
_PAUSES = (10, 20, 40, 80, 160, 300)

_LOOKED_AT = 200
_AT_ONCE = 16
_OF_ONE_ACCOUNT = 8  # its receivers may be slow: there is room for others'

logger = logging.getLogger(__name__)


def expect(batch: Batch) -> None:
    """Have the batch's `callback_url`, if it has one, called when all is final. In its transaction."""
    if batch.callback_url:
        WebhookDelivery.objects.create(
            batch=batch, created_at=batch.created_at, next_at=batch.created_at
        )


def deliver_due(bodies: Mapping[str, Body]) -> int:
    """One round: look at what is due, and POST what is final. Answers how many were looked at.

    `bodies` has each dialect's. May run twice at once; no try is made twice.
    """
    taken, looked_at = _claim(clock.now())
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        tries = {}
        for delivery in taken:
            try:
                body, headers = _signed(delivery, bodies)
            except Exception:  # one that cannot be told holds up no other
                logger.exception("webhook of batch %s cannot be made", delivery.batch_id)
                _record(delivery, "a fault of the server", clock.now())
            else:
                tries[pool.submit(_try, delivery, body, headers)] = delivery
        for done in as_completed(tries):
            _record(tries[done], done.result(), clock.now())
    return looked_at


def try_again(rows: QuerySet[WebhookDelivery]) -> int:
    """From the first try, for those of these that were given up; answers how many."""
    given_up = rows.filter(next_at=None, delivered_at=None)
    return given_up.update(tries=0, next_at=clock.now())


@transaction.atomic
def _claim(now: dt.datetime) -> tuple[list[WebhookDelivery], int]:
    """What is to be tried now. All that was due is put off: this one's next try, or the next look."""
    due = list(
        WebhookDelivery.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("batch__account")
        .filter(next_at__lte=now)
        .order_by("next_at")[:_LOOKED_AT]
    )
    unfinished = _unfinished({one.batch_id for one in due}, now)
    taken: list[WebhookDelivery] = []
    put_off: defaultdict[int, list[UUID]] = defaultdict(list)
    of_account: Counter[int] = Counter()
    for delivery in due:
        account_id = delivery.batch.account_id
        if delivery.batch_id in unfinished:
            put_off[_pause(now - delivery.created_at)].append(delivery.pk)
        elif len(taken) < _AT_ONCE and of_account[account_id] < _OF_ONE_ACCOUNT:
            rest = RETRY_MINUTES[min(delivery.tries, len(RETRY_MINUTES) - 1)]
            delivery.tries += 1
            delivery.next_at = now + dt.timedelta(minutes=rest)
            delivery.save(update_fields=["tries", "next_at"])
            of_account[account_id] += 1
            taken.append(delivery)
        else:  # no room
            put_off[_PAUSES[0]].append(delivery.pk)
    for seconds, ids in put_off.items():
        next_at = now + dt.timedelta(seconds=seconds)
        WebhookDelivery.objects.filter(pk__in=ids).update(next_at=next_at)
    return taken, len(due)


def _pause(age: dt.timedelta) -> int:
    """How many seconds a batch of this age is left alone: a twentieth of it, in steps."""
    return max(step for step in _PAUSES if step <= max(age.total_seconds() / 20, _PAUSES[0]))


def _unfinished(batch_ids: Collection[int], now: dt.datetime) -> set[int]:
    """Those of these batches of which, or of whose mailings, a message may still come to something."""
    is_open = Q(finished_at=None) | Q(status=MessageState.SENT, finished_at__gt=now - RECEIPT_GRACE)
    # With EXISTS the planner may read all messages there are for the few that are open.
    of_batch = Message.objects.filter(is_open, batch=OuterRef("pk")).values("pk")[:1]
    parts = Batch.objects.filter(Q(pk__in=batch_ids) | Q(parent__in=batch_ids))
    found = parts.alias(open=Subquery(of_batch)).filter(open__isnull=False)
    return set(found.values_list(Coalesce("parent_id", "pk"), flat=True))


def _signed(delivery: WebhookDelivery, bodies: Mapping[str, Body]) -> tuple[bytes, dict[str, str]]:
    """The body as of now, and the headers that prove whose it is."""
    batch = delivery.batch
    body: bytes = JsonRenderer().render(bodies[batch.dialect](batch))
    timestamp = str(int(clock.now().timestamp()))
    secret = licenses.webhook_key(batch.account)
    signed = b".".join([str(delivery.pk).encode(), timestamp.encode(), body])
    signature = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    return body, {
        "Content-Type": "application/json",
        "User-Agent": f"smsgate/{settings.VERSION}",
        "webhook-id": str(delivery.pk),
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
        "x-batch-id": quote(batch.external_id or str(batch.pk)),
    }


def _try(delivery: WebhookDelivery, body: bytes, headers: Mapping[str, str]) -> str:
    """'' where it was taken, else why not. Runs beside others, without the database."""
    try:
        status = outgoing.post(delivery.batch.callback_url, body, headers)
    except outgoing.Unreachable as error:
        return str(error)
    return "" if 200 <= status < 300 else f"it answered {status}"


def _record(delivery: WebhookDelivery, error: str, now: dt.datetime) -> None:
    """Only the newest try can fail a delivery; any can be the one that was taken."""
    mine = WebhookDelivery.objects.filter(pk=delivery.pk, delivered_at=None)
    if not error:
        mine.update(delivered_at=now, next_at=None, error="")
        return
    is_last = delivery.tries >= TRIES
    ended = {"next_at": None} if is_last else {}
    mine.filter(tries=delivery.tries).update(error=error, **ended)
    logger.warning(
        "webhook of batch %s, try %s of %s: %s%s",
        delivery.batch_id, delivery.tries, TRIES, error, "; given up" if is_last else "",
    )  # fmt: skip
