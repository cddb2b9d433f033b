"""Mail people that a phone is silent, and that it is back. Raw SQL: phone_alerts.sql.

What is mailed follows from how the phone is and what was told of it last, not from the moment in which
it changed: a phone that comes and goes is told of once an hour, and what nobody could be told of for a
while is told then.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from django.db import transaction

from http_api import clock
from http_api.prepared import statements
from licenses.models import Device
from members import letters, mail, selectors
from members.models import PhoneAlert
from messaging.models import Message
from messaging.states import WAITING

_SQL = statements(__file__)

PAUSE = dt.timedelta(hours=1)  # between two mails about a phone
_COUNTED = 1_000  # of what waits


class _Due(NamedTuple):
    id: int
    is_silent: bool
    member_ids: list[int]


@transaction.atomic
def tell() -> int:
    """Queue what is to be told now, and remember that; return of how many phones."""
    if not mail.is_on():
        return 0
    now = clock.now()
    due = _SQL["due"].all(_Due, {"now": now, "told_before": now - PAUSE})
    phones = Device.objects.select_related("license__account").in_bulk([each.id for each in due])
    for each in due:
        _tell(phones[each.id], each.is_silent, each.member_ids)
    PhoneAlert.objects.bulk_create(
        [PhoneAlert(device_id=each.id, is_silent=each.is_silent, at=now) for each in due],
        update_conflicts=True,
        unique_fields=["device"],
        update_fields=["is_silent", "at"],
    )
    return len(due)


def _tell(device: Device, is_silent: bool, member_ids: list[int]) -> None:
    account = device.license.account
    addresses = selectors.addresses(account.pk, member_ids)
    if not addresses:
        return
    waiting = Message.objects.filter(license=device.license, status__in=WAITING)
    count = waiting[:_COUNTED].count() if is_silent else 0
    with letters.in_language_of(account):
        letter = letters.phone_silent(device, count) if is_silent else letters.phone_back(device)
    for address in addresses:
        mail.queue(address, *letter)
