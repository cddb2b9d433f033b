"""Recipients who want no more messages."""

from __future__ import annotations

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


def opt_in(account_id: int, phone: str) -> bool:
    """Take an opt-out back; answers whether there was one."""
    deleted, _ = OptOut.objects.filter(account_id=account_id, phone=phone).delete()
    return deleted > 0
