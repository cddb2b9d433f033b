"""Recipients who want no more messages."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from http_api import clock
from messaging import queue
from messaging.models import OptOut

Source = OptOut.Source


@transaction.atomic
def opt_out(account_id: int, phone: str, source: Source) -> tuple[OptOut, bool]:
    """No more messages to this number: what waits is cancelled. Answers the row and if it is new."""
    now = clock.now()
    row, is_new = OptOut.objects.get_or_create(
        account_id=account_id, phone=phone, defaults={"source": source, "created_at": now}
    )
    queue.cancel_for_opt_out(account_id, phone, now)
    return row, is_new


@transaction.atomic
def opt_out_all(account_id: int, phones: Iterable[str], source: Source) -> int:
    """The same for several numbers, all or none; answers how many."""
    distinct = sorted(set(phones))  # one order: two requests never wait for each other in a circle
    for phone in distinct:
        opt_out(account_id, phone, source)
    return len(distinct)


def opt_in(account_id: int, phone: str) -> bool:
    """Take an opt-out back; answers whether there was one."""
    deleted, _ = OptOut.objects.filter(account_id=account_id, phone=phone).delete()
    return deleted > 0
