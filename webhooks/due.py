"""Choose what is posted next, in turns, and take it. Raw SQL: due.sql.

What goes to one endpoint is taken in runs, which one thread posts one after another. A receiver may
have so many runs under way as are free for others of its account, and an account so many as are free for
other accounts: one alone gets half, and there is always room for one more.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from django.db import transaction

from http_api.prepared import statements
from webhooks.models import Delivery, Endpoint

_SQL = statements(__file__)

# After the n-th try that failed; three days in all, each up to a quarter longer, so that what failed
# together does not come back together. The first is longer than a try can take.
RETRY_MINUTES = (1, 2, 5, 15, 30, 60, 120, 240, 480, 480, 720, 720, 720, 720)
TRIES = len(RETRY_MINUTES) + 1
_JITTER = 0.25

# Runs under way, which are requests in flight.
MOST = 64
MOST_OF_ACCOUNT = MOST // 2
MAX_RUN = 16

# Circuit breaker: after so many failures in a row an endpoint gets one try at a time, after a back-off.
FAILURES = 5

# Due rows that one choice examines.
_SCAN, _SCAN_OF_ONE = 512, 256


class _Due(NamedTuple):
    id: int


Run = list[Delivery]  # of one endpoint, and of each message at most one


@transaction.atomic
def take(now: dt.datetime, under_way: Iterable[Run]) -> list[Run]:
    """Return what is to be tried now, each delivery with its endpoint and its event; the time of its
    next try is written."""
    busy, of_account = Counter[int](), Counter[int]()
    for run in under_way:
        busy[run[0].endpoint_id] += 1
        of_account[run[0].account_id] += 1
    runs = []
    for run in _runs(_due(now, busy.keys())):
        first = run[0]
        if _has_room(first, busy, of_account):
            busy[first.endpoint_id] += 1
            of_account[first.account_id] += 1
            runs.append(run)
    _write([delivery for run in runs for delivery in run], now)
    return runs


def _runs(due: Iterable[Delivery]) -> Iterator[Run]:
    """Yield them as runs, each where its first stands. One that fails is tried with one at a time."""
    runs: list[Run] = []
    open_runs: dict[int, Run] = {}
    for delivery in due:
        run = open_runs.get(delivery.endpoint_id)
        if run is None or len(run) >= (1 if delivery.endpoint.failures else MAX_RUN):
            run = open_runs[delivery.endpoint_id] = []
            runs.append(run)
        run.append(delivery)
    yield from runs


def _has_room(delivery: Delivery, busy: Counter[int], of_account: Counter[int]) -> bool:
    its, its_accounts = busy[delivery.endpoint_id], of_account[delivery.account_id]
    if delivery.endpoint.failures >= FAILURES:
        return not its
    return its < MOST_OF_ACCOUNT - its_accounts and its_accounts < MOST - busy.total()


def _due(now: dt.datetime, busy: Collection[int]) -> list[Delivery]:
    failing = Endpoint.objects.filter(pk__in=list(busy), failures__gte=FAILURES)
    values = {"now": now, "of_one": _SCAN_OF_ONE, "of_all": _SCAN}
    values["full"] = list(failing.values_list("pk", flat=True)) if busy else []
    ids = [row.id for row in _SQL["due"].all(_Due, values)]
    found = (
        Delivery.objects.select_related("endpoint").prefetch_related("event", "batch").in_bulk(ids)
    )
    return [found[pk] for pk in ids]


def _write(taken: Collection[Delivery], now: dt.datetime) -> None:
    if not taken:
        return
    for delivery in taken:
        delivery.next_at = now + _rest(delivery.tries)
        delivery.tries += 1
    rows = [{"id": each.pk, "next_at": str(each.next_at)} for each in taken]
    _SQL["take"].run({"taken": json.dumps(rows)})
    free = Endpoint.objects.select_for_update(skip_locked=True, no_key=True).filter(
        pk__in={each.endpoint_id for each in taken}
    )  # who locks an endpoint may wait for these deliveries
    Endpoint.objects.filter(pk__in=list(free.values_list("pk", flat=True))).update(tried_at=now)


def give_back(deliveries: Collection[Delivery]) -> None:
    """Let these, which were taken and not tried, be due as before."""
    rows = [{"id": each.pk, "next_at": str(each.created_at)} for each in deliveries]
    if rows:
        _SQL["give_back"].run({"taken": json.dumps(rows)})


def _rest(tries: int) -> dt.timedelta:
    """Return after what time it is tried again that was tried so often before."""
    minutes = RETRY_MINUTES[min(tries, len(RETRY_MINUTES) - 1)]
    return dt.timedelta(minutes=minutes * random.uniform(1, 1 + _JITTER))
