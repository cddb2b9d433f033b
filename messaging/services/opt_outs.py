"""Recipients who want no more messages: under each spelling of their number that can be sent to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Set

from django.db import transaction

from http_api import clock
from licenses.models import License
from messaging import opt_out_rows
from messaging.models import Message, OptOut
from messaging.opt_out_rows import OptOutRow
from messaging.phone import spellings
from messaging.services import endings
from messaging.states import WAITING, MessageState
from messaging.transitions import Cause
from outbox import recording as outbox
from outbox.types import EventType

Source = OptOut.Source


@transaction.atomic
def opt_out(account_id: int, phone: str, source: Source) -> tuple[OptOut, bool]:
    """No more messages to this number: what waits is cancelled. Return the row and whether it is new.

    What the recipient asked for by SMS and the owner asks for too is the owner's from then on: the
    recipient's START does not take it back.
    """
    now = clock.now()
    is_new = bool(_opt_out_exactly(account_id, {phone}, source, now))
    if others := spellings(phone) - {phone}:
        _opt_out_exactly(account_id, others, source, now)
    return OptOut.objects.get(account_id=account_id, phone=phone), is_new


@transaction.atomic
def opt_out_all(
    account_id: int, phones: Iterable[str], source: Source, said_at: dt.datetime | None = None
) -> int:
    """Opt several numbers out, all or none; return how many. `said_at`: when they said it, if known."""
    distinct = set(phones)
    every = {spelling for phone in distinct for spelling in spellings(phone)}
    _opt_out_exactly(account_id, every, source, clock.now())
    if said_at is not None:
        mine = OptOut.objects.filter(account_id=account_id, phone__in=every)
        mine.exclude(said_at__gte=said_at).update(said_at=said_at)
    return len(distinct)


def _opt_out_exactly(
    account_id: int, phones: Set[str], source: Source, now: dt.datetime
) -> list[OptOutRow]:
    """Return those that are new."""
    new = opt_out_rows.insert(account_id, phones, source, now)
    _tell(account_id, EventType.OPT_OUT_CREATED, new, now)
    _make_owners(account_id, phones, source)
    _call_off(account_id, phones, now)
    return new


def _tell(account_id: int, event: EventType, rows: Iterable[OptOutRow], now: dt.datetime) -> None:
    told = [
        outbox.Told(event, data=row._asdict() | {"created_at": row.created_at.isoformat()})
        for row in rows
    ]
    outbox.record(account_id, told, now)


def _call_off(account_id: int, phones: Collection[str], now: dt.datetime) -> None:
    """Cancel all that waits for these recipients; ask phones to give back what they hold.

    Locked first: what a claim or a release is moving meanwhile is judged by where it ends.
    """
    rows = Message.objects.select_for_update().filter(
        license_id__in=License.objects.filter(account_id=account_id).values("pk"),
        phone__in=phones,
        status__in=[*WAITING, MessageState.LEASED],
    )
    endings.call_off_all(list(rows.order_by("pk")), Cause.OPTED_OUT, now)


def _make_owners(account_id: int, phones: Collection[str], source: Source) -> None:
    """Note that the owner asks for what these recipients asked for by SMS."""
    if source != Source.SMS:
        by_sms = OptOut.objects.filter(account_id=account_id, phone__in=phones, source=Source.SMS)
        by_sms.update(source=source)


@transaction.atomic
def opt_in(account_id: int, phone: str) -> bool:
    """Take an opt-out back for its owner; return whether there was one."""
    removed = opt_out_rows.delete(account_id, spellings(phone))
    _tell(account_id, EventType.OPT_OUT_REMOVED, removed, clock.now())
    return bool(removed)


@transaction.atomic
def opt_in_by_sms(account_id: int, phone: str, said_at: dt.datetime | None = None) -> None:
    """Take back what this recipient asked for by SMS before; never what the API or the owner has set.

    Phones tell what came in any order, and may tell it again: where the network's clock is known for
    both, it decides which was said last.
    """
    removed = opt_out_rows.delete(account_id, spellings(phone), source=Source.SMS, said_at=said_at)
    _tell(account_id, EventType.OPT_OUT_REMOVED, removed, clock.now())
