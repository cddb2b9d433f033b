"""Hand messages to a phone: which, for how long, and which of them it shall give back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from licenses.lookup import WaitingPhone
from licenses.models import Device
from messaging import leases, moves
from messaging.leases import AttemptKey, LeasedMessage
from messaging.models import Message
from messaging.moves import Refused
from messaging.services import endings, failing_sims
from messaging.services.delivery_window import DeliveryWindow
from messaging.states import MessageState
from messaging.transitions import Cause, overdue_by
from protocol import constant

MAX_CAPACITY = constant("max_capacity")
MAX_UNSTARTED = constant("max_unstarted")


def lease(
    device: Device, claim_id: UUID, capacity: int, window: DeliveryWindow, now: dt.datetime
) -> list[LeasedMessage]:
    """Lease messages for a new claim; for a claim that was answered before, return the same ones again.

    A claim that gets nothing is remembered too: a copy of it that the network delivers later, with
    another capacity, would lease to a phone that has forgotten this id.
    """
    claim = leases.remember_claim(device.pk, device.license_id, claim_id, now)
    if claim is None:
        return leases.leased_before(device.pk, claim_id)
    capacity = min(capacity, MAX_CAPACITY, MAX_UNSTARTED - claim.unstarted)
    if capacity <= 0 or window.is_paused:
        return []
    if claim.has_due:
        moves.promote(now, license_id=device.license_id)
    take = partial(
        _take,
        license_id=device.license_id,
        device_id=device.pk,
        install_id=device.install_id,
        claim_pk=claim.pk,
        only_any_hour=window.is_closed,
        now=now,
        leased_until=now + dt.timedelta(seconds=device.license.lease_seconds),
    )
    tried = failing_sims.tried(device, now)
    leased: list[LeasedMessage] = []
    for sim in tried:
        leased += take(min(1, capacity - len(leased)), only_for=sim)
    leased += take(capacity - len(leased), not_for=[*device.failing_sims, *tried])
    return leases.in_order(leased)


def _take(limit: int, license_id: int, now: dt.datetime, **which: Any) -> list[LeasedMessage]:
    """Lease at most `limit` messages, looking further where opt-outs or deadlines end some of them."""
    leased: list[LeasedMessage] = []
    while len(leased) < limit:
        more, refused = moves.lease(
            limit=limit - len(leased), license_id=license_id, now=now, **which
        )
        leased += more
        if not refused:  # there is no more, or no more room
            break
        _end_refused(refused, license_id, now)
    return leased


def _end_refused(refused: Sequence[Refused], license_id: int, now: dt.datetime) -> None:
    opted_out = {one.message_id for one in refused if one.is_opted_out}
    rows = moves.lock([one.message_id for one in refused], [license_id]).values()
    endings.end_all(
        [(row, Cause.OPTED_OUT if row.id in opted_out else overdue_by(row, now)) for row in rows],
        now,
    )


def start_within(
    message: LeasedMessage, device: Device, window: DeliveryWindow, now: dt.datetime
) -> int:
    """Return the whole seconds, from when the phone asked, in which it may still start this message.

    0 says: give it back. That is what a phone gets that repeats a claim after it was paused, or
    after the message was cancelled or an earlier attempt turned out to have sent it.
    """
    may_start = window.lets_start(any_hour=message.any_hour)
    if not may_start or message.is_called_off or message.sim in device.failing_sims:
        return 0
    ends = message.leased_until, message.expires_at, window.closes_at(any_hour=message.any_hour)
    first = min(end for end in ends if end is not None)
    return max(0, int((first - now).total_seconds()))


def to_give_back(device: Device, held: Sequence[AttemptKey], now: dt.datetime) -> list[int]:
    """Return which of the messages that the phone holds, not yet started, it shall give back."""
    if not held:
        return []
    mine = Message.objects.filter(license_id=device.license_id)
    known = mine.in_bulk([message_id for message_id, _ in held])
    paused = failing_sims.paused(device, now)
    return [
        message_id
        for message_id, n in held
        if not _may_start(known.get(message_id), n) or known[message_id].sim in paused
    ]


def _may_start(message: Message | None, n: int) -> bool:
    return (
        message is not None
        and message.attempt_n == n
        and not message.cancel_requested
        and message.status in {MessageState.LEASED, MessageState.SENDING}
    )


@dataclass(frozen=True, slots=True)
class Outlook:
    """Tells whether there is something for a phone to lease, and when it is worth looking again."""

    is_ready: bool
    next_due: dt.datetime | None = None


def look_ahead(phone: WaitingPhone, now: dt.datetime, horizon: dt.timedelta) -> Outlook:
    """Return what this phone would find now, and when the next thing happens within the horizon."""
    if phone.is_asked:
        return Outlook(is_ready=True)
    window = DeliveryWindow.of_phone(phone, now)
    if window.is_paused:
        return Outlook(is_ready=False)
    ahead = leases.look_ahead(
        phone.license_id,
        before=now + horizon,
        only_any_hour=window.is_closed,
        not_for=phone.failing_sims,
    )
    if ahead.has_pending or (ahead.next_due is not None and ahead.next_due <= now):
        return Outlook(is_ready=True)
    next_opening = window.turns_at if window.is_closed else None
    moments = [moment for moment in (ahead.next_due, next_opening) if moment is not None]
    return Outlook(is_ready=False, next_due=min(moments, default=None))
