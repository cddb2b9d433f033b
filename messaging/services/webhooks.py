"""Tell a client's program what became of its batch: one POST to the URL that it gave, until it is taken.

The row is the queue. It is written with the batch and found by the clock; nothing that accepts, sends or
reports a message knows of it. A batch is told of when each of its messages, and of its mailings', is
final: an `uncertain` one is not, it waits for its owner's or its phone's word.

At least once: the time of the next try is written down before this one, so a worker that dies in
between is followed by another, and a receiver may hear the same `webhook-id` twice. Signed as Standard
Webhooks describes (docs/adr/0009-webhooks-are-signed-by-a-derived-secret.md). Raw SQL: the choice among
accounts.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from http_api import clock, outgoing
from http_api.rendering import JsonRenderer
from licenses import services as licenses
from messaging.models import Batch, Message, WebhookDelivery, WebhookReceiver
from messaging.states import MessageState

Body = Callable[[Batch], Any]  # what a batch's client is told, to be sent as JSON

# After the n-th try that failed; a day in all. The first is longer than a try can take.
RETRY_MINUTES = (1, 2, 5, 15, 30, 60, 120, 240, 480, 480)
TRIES = len(RETRY_MINUTES) + 1

# The network's word on a delivery mostly comes within seconds of `sent`: it is worth waiting for.
RECEIPT_GRACE = dt.timedelta(minutes=2)

# Re-check interval of an unfinished batch; it grows with the batch's age.
_RECHECK_SECONDS = (10, 20, 40, 80, 160, 300)

# Polling interval for newly due rows while requests are in flight.
_LOOK_SECONDS = 1.0

_MAX_HOST = WebhookReceiver._meta.get_field("host").max_length or 0

# Due rows that one claim examines.
_SCAN_BATCH = 200
_SCAN_BATCH_PER_ACCOUNT = 50

# Requests in flight. An account whose receivers are slow leaves room for the others.
_MAX_CONCURRENT = 16
_MAX_CONCURRENT_PER_ACCOUNT = 8

# Circuit breaker: after so many failures in a row a receiver gets one try at a time, after a back-off.
_FAILURES = 5
_LONGEST_REST = 15  # minutes; the first is one, each further one twice the last

logger = logging.getLogger(__name__)


def schedule(batch: Batch) -> None:
    """Schedule the webhook of a batch that has a `callback_url`. Call in the batch's transaction."""
    if batch.callback_url:
        WebhookDelivery.objects.create(
            batch=batch, created_at=batch.created_at, next_at=batch.created_at
        )


def deliver_due(bodies: Mapping[str, Body], is_stopping: threading.Event | None = None) -> int:
    """Look at what is due and POST what is final, until nothing is due, or the worker stops.

    `bodies` has each dialect's. A place that comes free is given away at once: nobody waits for the
    slowest. Returns how many were tried or put off. May run twice at once; no try is made twice.
    """
    handled = 0
    tries: dict[Future[str], WebhookDelivery] = {}
    with ThreadPoolExecutor(_MAX_CONCURRENT) as pool:
        while True:
            moved = 0
            if len(tries) < _MAX_CONCURRENT and not (is_stopping and is_stopping.is_set()):
                running = Counter(_receiver_of(delivery) for delivery in tries.values())
                taken, moved = _claim(clock.now(), running)
                for delivery in taken:
                    _begin(delivery, bodies, pool, tries)
                handled += moved
            if tries:
                done, _ = wait(tries, _LOOK_SECONDS, FIRST_COMPLETED)
                for one in done:
                    _record(tries.pop(one), one.result(), clock.now())
            elif not moved:
                return handled


def _begin(
    delivery: WebhookDelivery,
    bodies: Mapping[str, Body],
    pool: ThreadPoolExecutor,
    tries: dict[Future[str], WebhookDelivery],
) -> None:
    try:
        body, headers = _signed(delivery, bodies)
    except Exception:  # a body that fails to render must not block the others
        logger.exception("webhook of batch %s cannot be made", delivery.batch_id)
        _record(delivery, "a fault of the server", clock.now())
    else:
        tries[pool.submit(_try, delivery, body, headers)] = delivery


def try_again(rows: QuerySet[WebhookDelivery]) -> int:
    """From the first try, for those of these that were given up; answers how many."""
    given_up = rows.filter(next_at=None, delivered_at=None)
    return given_up.update(tries=0, next_at=clock.now())


Key = tuple[int, str]  # a receiver: account and host


def _receiver_of(delivery: WebhookDelivery) -> Key:
    host = urlsplit(delivery.batch.callback_url).netloc.rpartition("@")[2].lower()
    return delivery.batch.account_id, host[:_MAX_HOST]


@transaction.atomic
def _claim(now: dt.datetime, running: Counter[Key]) -> tuple[list[WebhookDelivery], int]:
    """Return what is to be tried now, and how many rows were moved to their next try or next look.

    What there is no room for stays due, in its place.
    """
    full = [
        account_id
        for account_id, count in Counter(account_id for account_id, _ in running.elements()).items()
        if count >= _MAX_CONCURRENT_PER_ACCOUNT
    ]
    due = _due(now, full)
    unfinished = _unfinished({one.batch_id for one in due}, now)
    receivers = _receivers(due)
    taken: list[WebhookDelivery] = []
    put_off: defaultdict[dt.datetime, list[UUID]] = defaultdict(list)
    busy = Counter(running)
    for delivery in due:
        key = _receiver_of(delivery)
        receiver = receivers.get(key)
        if delivery.batch_id in unfinished:
            later = dt.timedelta(seconds=_pause(now - delivery.created_at))
            put_off[now + later].append(delivery.pk)
        elif receiver and receiver.rests_until and receiver.rests_until > now:
            put_off[receiver.rests_until].append(delivery.pk)
        elif _has_room(busy, key, receiver):
            _take(delivery, now)
            busy[key] += 1
            taken.append(delivery)
    for next_at, ids in put_off.items():
        WebhookDelivery.objects.filter(pk__in=ids).update(next_at=next_at)
    _note_tries({_receiver_of(delivery) for delivery in taken}, now)
    return taken, len(taken) + sum(map(len, put_off.values()))


def _has_room(busy: Counter[Key], key: Key, receiver: WebhookReceiver | None) -> bool:
    of_account = sum(count for (account_id, _), count in busy.items() if account_id == key[0])
    is_failing = receiver is not None and receiver.failures >= _FAILURES
    return (
        busy.total() < _MAX_CONCURRENT
        and of_account < _MAX_CONCURRENT_PER_ACCOUNT
        and not (is_failing and busy[key])
    )


def _take(delivery: WebhookDelivery, now: dt.datetime) -> None:
    rest = RETRY_MINUTES[min(delivery.tries, len(RETRY_MINUTES) - 1)]
    delivery.tries += 1
    delivery.next_at = now + dt.timedelta(minutes=rest)
    delivery.save(update_fields=["tries", "next_at"])


# Round robin: the oldest due row of every account before the second of any; the account that was served
# longest ago comes first.
_FAIRLY = """
    SELECT id FROM (
        SELECT w.id, w.next_at, b.account_id,
            row_number() OVER (PARTITION BY b.account_id ORDER BY w.next_at, w.id) AS place
        FROM messaging_webhookdelivery AS w JOIN messaging_batch AS b ON b.id = w.batch_id
        WHERE w.next_at <= %(now)s AND b.account_id <> ALL(%(full)s::bigint[])
    ) AS due
    LEFT JOIN (
        SELECT account_id, max(tried_at) AS served_at FROM messaging_webhookreceiver GROUP BY 1
    ) AS account USING (account_id)
    WHERE place <= %(of_one)s
    ORDER BY place, served_at NULLS FIRST, next_at LIMIT %(of_all)s"""


def _due(now: dt.datetime, full: list[int]) -> list[WebhookDelivery]:
    """Return what is to be looked at, in fair order, locked; not of accounts that have no place left."""
    with connection.cursor() as cursor:
        cursor.execute(
            _FAIRLY,
            {"now": now, "full": full, "of_one": _SCAN_BATCH_PER_ACCOUNT, "of_all": _SCAN_BATCH},
        )
        ids = [row[0] for row in cursor.fetchall()]
    locked = (
        WebhookDelivery.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("batch__account")
        .filter(pk__in=ids, next_at__lte=now)
        .in_bulk()
    )
    return [locked[pk] for pk in ids if pk in locked]


def _receivers(due: Collection[WebhookDelivery]) -> dict[Key, WebhookReceiver]:
    account_ids = {delivery.batch.account_id for delivery in due}
    found = WebhookReceiver.objects.filter(account_id__in=account_ids)
    return {(one.account_id, one.host): one for one in found}


def _note_tries(keys: Collection[Key], now: dt.datetime) -> None:
    WebhookReceiver.objects.bulk_create(
        [
            WebhookReceiver(account_id=account_id, host=host, tried_at=now)
            for account_id, host in sorted(keys)
        ],
        update_conflicts=True,
        unique_fields=["account", "host"],
        update_fields=["tried_at"],
    )


def _pause(age: dt.timedelta) -> int:
    """Return after how many seconds to re-check an open batch: a twentieth of its age, in steps."""
    return max(
        step
        for step in _RECHECK_SECONDS
        if step <= max(age.total_seconds() / 20, _RECHECK_SECONDS[0])
    )


def _unfinished(batch_ids: Collection[int], now: dt.datetime) -> set[int]:
    """Return the batches that still have an open message, of their own or of their mailings."""
    is_open = Q(finished_at=None) | Q(status=MessageState.SENT, finished_at__gt=now - RECEIPT_GRACE)
    # With EXISTS the planner may read all messages there are for the few that are open.
    of_batch = Message.objects.filter(is_open, batch=OuterRef("pk")).values("pk")[:1]
    parts = Batch.objects.filter(Q(pk__in=batch_ids) | Q(parent__in=batch_ids))
    found = parts.alias(open=Subquery(of_batch)).filter(open__isnull=False)
    return set(found.values_list(Coalesce("parent_id", "pk"), flat=True))


def _signed(delivery: WebhookDelivery, bodies: Mapping[str, Body]) -> tuple[bytes, dict[str, str]]:
    """Render the body as of now; return it with the headers that sign it."""
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
    _judge(delivery, is_well=not error, now=now)
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


def _judge(delivery: WebhookDelivery, *, is_well: bool, now: dt.datetime) -> None:
    """Let a receiver rest that fails again and again; one that answers has a clean sheet."""
    account_id, host = _receiver_of(delivery)
    receiver = WebhookReceiver.objects.filter(account_id=account_id, host=host)
    if is_well:
        receiver.exclude(failures=0).update(failures=0, rests_until=None)
        return
    awake = receiver.filter(Q(rests_until=None) | Q(rests_until__lte=now))
    # Requests in flight that fail while it rests are not counted.
    awake.update(failures=F("failures") + 1)
    for failures in awake.filter(failures__gte=_FAILURES).values_list("failures", flat=True):
        minutes = min(2 ** min(failures - _FAILURES, 10), _LONGEST_REST)
        receiver.update(rests_until=now + dt.timedelta(minutes=minutes))
