"""Erase a person from what is told: the number in an opt-out's event, or in a URL of a send.

Events of messages and received SMS hold neither number nor text; their bodies are made of the rows.
"""

from __future__ import annotations

from collections import Counter

from messaging.written_numbers import WrittenNumber
from outbox.models import Event
from outbox.types import EventType
from webhooks.models import Delivery


def erase_mentions(account_id: int, number: WrittenNumber) -> Counter[str]:
    """Return how many events there were."""
    of_opt_outs = Event.objects.filter(
        account_id=account_id,
        type__in=[EventType.OPT_OUT_CREATED, EventType.OPT_OUT_REMOVED],
        data__phone__in=sorted(number.phones),
    )
    events = list(of_opt_outs)
    for event in events:
        mine = Event.objects.filter(account_id=account_id, pk=event.pk)
        mine.update(data=event.data | {"phone": ""})
    told = Delivery.objects.filter(account_id=account_id, url__regex=number.pattern)
    told.update(url="", next_at=None)
    return Counter(events=len(events))
