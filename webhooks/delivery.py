"""Deliver what is due: one POST for each event and endpoint, until it is taken or given up.

The rows are the queue. At least once: the time of the next try is written down before this one, so a
worker that dies in between is followed by another, and a receiver may hear the same `webhook-id` twice.
What concerns one message goes to an endpoint in its order. How long an endpoint is tried, and when it is
switched off: webhooks.health.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.db import transaction

from http_api import clock, outgoing
from http_api.outgoing import Failure
from http_api.rendering import JsonRenderer
from messaging.models import Batch
from messaging.services import batch_ends
from outbox.models import Event
from webhooks import callbacks, due, health, publishing, signing
from webhooks.bodies import bodies
from webhooks.due import Run
from webhooks.models import Delivery

BatchBody = Callable[[Batch], Any]  # what a batch's client is told, to be sent as JSON
BatchBodies = Mapping[str, BatchBody]  # of each dialect

# Polling interval for what is new, and the pause in which answers that come together are collected.
_LOOK_SECONDS = 0.5
_GATHER_SECONDS = 0.005

# Of a run; with the last request in it shorter than the time to the second try.
_RUN_SECONDS = 20.0

logger = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """The result of a try."""

    at: dt.datetime
    duration_ms: int = 0
    status_code: int | None = None
    failure: Failure | None = None  # None: it was taken


class _Request(NamedTuple):
    url: str
    body: bytes
    headers: dict[str, str]


def deliver(
    batch_bodies: BatchBodies, *, until: float = 0, is_stopping: threading.Event | None = None
) -> int:
    """Publish what happened and POST what is due until nothing is left, but not before `until`, a time
    of `time.monotonic`; or until the worker stops. Return how many deliveries were taken up.

    May run twice at once: no try is made twice.
    """
    number, next_look = 0, 0.0
    under_way: dict[Future[list[Outcome]], Run] = {}
    with ThreadPoolExecutor(due.MOST, "webhooks") as pool:
        while True:
            is_open = not (is_stopping and is_stopping.is_set())
            if is_open and time.monotonic() >= next_look and not look():
                next_look = time.monotonic() + _LOOK_SECONDS
            runs = due.take(clock.now(), under_way.values()) if is_open else []
            number += sum(map(len, runs))
            for run, requests in _requests(runs, batch_bodies):
                under_way[pool.submit(_post_all, requests)] = run
            if under_way:
                wait(under_way, _LOOK_SECONDS, FIRST_COMPLETED)
                time.sleep(_GATHER_SECONDS)
                _record(
                    [(under_way.pop(one), one.result()) for one in list(under_way) if one.done()]
                )
            elif not runs:
                if not is_open or time.monotonic() >= until:
                    return number
                time.sleep(_LOOK_SECONDS)


def _record(ended: list[tuple[Run, list[Outcome]]]) -> None:
    """Record how the tries of these runs went; what a run did not come to is due again at once."""
    health.record([one for run, outcomes in ended for one in zip(run, outcomes, strict=False)])
    due.give_back([delivery for run, outcomes in ended for delivery in run[len(outcomes) :]])


def look() -> int:
    """Find what is to be told; return how much was found."""
    return publishing.publish_all() + _expect_batch_ends()


@transaction.atomic
def _expect_batch_ends() -> int:
    """Put batches that have ended before those who are to be told; return how many were looked at."""
    now = clock.now()
    ended, looked_at = batch_ends.take_ended(now)
    for batch in ended:
        told = callbacks.Callback(batch.callback_url, batch_id=batch.pk)
        callbacks.expect(batch.account_id, [told], now)
    return looked_at


def _requests(
    runs: Iterable[Run], batch_bodies: BatchBodies
) -> Iterator[tuple[Run, list[_Request]]]:
    """Yield what is to be posted. One that cannot be made is recorded as failed and harms no other."""
    runs = list(runs)
    rendered = _of_events([delivery for run in runs for delivery in run])
    for run in runs:
        made: dict[int, _Request] = {}
        for delivery in run:
            try:
                made[delivery.pk] = _request(delivery, rendered, batch_bodies)
            except Exception:
                logger.exception("delivery %s cannot be made", delivery.pk)
                health.record([(delivery, Outcome(clock.now(), failure=Failure.SERVER))])
        if made:
            yield [delivery for delivery in run if delivery.pk in made], list(made.values())


def _of_events(taken: Iterable[Delivery]) -> dict[int, Any]:
    """Return the bodies of these deliveries' events, by the event's id."""
    of_account: defaultdict[int, dict[int, Event]] = defaultdict(dict)
    for delivery in taken:
        if delivery.event is not None:
            of_account[delivery.account_id][delivery.event.pk] = delivery.event
    return {
        event_id: body
        for account_id, events in of_account.items()
        for event_id, body in zip(events, bodies(account_id, list(events.values())), strict=True)
    }


def _request(
    delivery: Delivery, rendered: Mapping[int, Any], batch_bodies: BatchBodies
) -> _Request:
    headers = {"Content-Type": "application/json", "User-Agent": f"smsgate/{settings.VERSION}"}
    if delivery.batch is not None:
        batch = delivery.batch
        shown, webhook_id = batch_bodies[batch.dialect](batch), f"batch_{batch.pk}"
        headers["x-batch-id"] = quote(batch.external_id or str(batch.pk))
    else:
        shown = rendered[delivery.event_id or 0]
        webhook_id = f"evt_{shown['id']}"
    body: bytes = JsonRenderer().render(shown)
    headers |= signing.signature(delivery, webhook_id, body, clock.now())
    return _Request(delivery.url or delivery.endpoint.url, body, headers)


def _post_all(requests: Iterable[_Request]) -> list[Outcome]:
    """Post one after another, and end with the first that is not taken, or when it has lasted too long.
    Runs beside others, without the database."""
    outcomes: list[Outcome] = []
    end = time.monotonic() + _RUN_SECONDS
    for request in requests:
        outcomes.append(_post(request))
        if outcomes[-1].failure or time.monotonic() > end:
            break
    return outcomes


def _post(request: _Request) -> Outcome:
    at, began = clock.now(), time.monotonic()
    status = failure = None
    try:
        status = outgoing.post(*request)
    except outgoing.Unreachable as error:
        failure = error.failure
    if status is not None and not 200 <= status < 300:
        failure = Failure.STATUS
    return Outcome(at, round((time.monotonic() - began) * 1000), status, failure)
