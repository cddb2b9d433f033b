"""One call of a phone: what it reports is applied first, then it gets its next messages."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DatabaseError, OperationalError, transaction

from http_api import clock
from http_api.errors import Refusal
from licenses.auth import lock_device, sender_of_license
from licenses.models import Device
from messaging import intake, queue
from messaging.drafts import sending_hours
from messaging.models import Attempt, Claim, Event, InboundMessage, Message
from messaging.queue import Claimed
from messaging.services import inbound
from messaging.services.settle import AttemptKey, settle
from messaging.states import MessageState

logger = logging.getLogger(__name__)

PACE_SECONDS = 10
SEGMENTS_PER_MINUTE = 24
MAX_CAPACITY = 50
BUSY_SYNC_SECONDS = 60
IDLE_SYNC_SECONDS = 900

MESSAGE_EVENTS = frozenset(
    {
        "released",
        "started",
        "part_sent",
        "part_failed",
        "part_delivered",
        "part_undelivered",
        "unknown",
    }
)


@dataclass(frozen=True, slots=True)
class Reported:
    """One event as a phone sent it. `quarantine` says why it can move nothing, if so."""

    event_id: UUID
    type: str = ""
    wall_time: str = ""
    message_id: int | None = None
    attempt: int | None = None
    part: int | None = None
    parts: int | None = None
    code: str = ""
    sender: str = ""
    text: str = ""
    sim: int | None = None
    quarantine: str = ""


@dataclass(frozen=True, slots=True)
class SyncRequest:
    capacity: int
    claim_id: UUID | None
    held: Sequence[AttemptKey] = ()
    events: Sequence[Reported] = ()
    health: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SyncAnswer:
    messages: list[tuple[Claimed, int]]  # with the seconds within which each must be started
    cancel: list[int]
    is_paused: bool
    next_sync_seconds: int
    server_time: dt.datetime


@dataclass(frozen=True, slots=True)
class _Window:
    """What this phone may start now."""

    is_paused: bool = False  # by its owner, or since the licence may not send
    is_closed: bool = False  # outside the sending hours
    closes_in: float | None = None  # seconds to the end of the sending hours; None: no end


@transaction.atomic
def sync(device: Device, request: SyncRequest) -> SyncAnswer:
    """Apply the events, then lease messages to this phone. Every event counts as acknowledged.

    The device's row is locked: two syncs of one phone (a request that the network repeated) run
    one after the other, and the second gets what its `claim_id` got the first time. Raises
    `device_unknown` where the phone was revoked or paired anew meanwhile.
    """
    now = clock.now()
    lock_device(device)
    apply_events(device, request.events, now)
    window = _window(device, now)
    claimed: list[Claimed] = []
    if request.claim_id is not None:
        claimed = _claim(device, request.claim_id, request.capacity, window, now)
    is_busy = bool(claimed or request.held)
    next_sync_seconds = BUSY_SYNC_SECONDS if is_busy else IDLE_SYNC_SECONDS
    _remember(device, request, next_sync_seconds, now)
    return SyncAnswer(
        messages=[(message, _start_within(message, window, now)) for message in claimed],
        cancel=_to_cancel(device, request.held),
        is_paused=window.is_paused,
        next_sync_seconds=next_sync_seconds,
        server_time=now,
    )


def _remember(
    device: Device, request: SyncRequest, next_sync_seconds: int, now: dt.datetime
) -> None:
    device.last_sync_at = now
    device.silent_since = None
    device.next_sync_seconds = next_sync_seconds
    changed = ["last_sync_at", "silent_since", "next_sync_seconds"]
    if request.health is not None:
        device.health = dict(request.health)
        changed.append("health")
    device.save(update_fields=changed)


# --- claiming ----------------------------------------------------------------------------------


def _window(device: Device, now: dt.datetime) -> _Window:
    try:
        hours = sending_hours(sender_of_license(device.license))
    except Refusal:  # inactive or expired: the phone keeps reporting, but gets nothing to send
        return _Window(is_paused=True)
    if hours is None:
        return _Window(device.is_paused)
    if not hours.is_open(now):
        return _Window(device.is_paused, is_closed=True)
    return _Window(device.is_paused, closes_in=(hours.closes_at(now) - now).total_seconds())


def _claim(
    device: Device, claim_id: UUID, capacity: int, window: _Window, now: dt.datetime
) -> list[Claimed]:
    """New messages for a new claim; for a claim that was answered before, the same ones again."""
    before = Claim.objects.filter(device=device, claim_id=claim_id).first()
    if before is not None:
        return queue.claimed_before(before.pk)
    capacity = min(capacity, MAX_CAPACITY)
    if capacity <= 0 or window.is_paused:
        return []
    claim = Claim.objects.create(device=device, claim_id=claim_id, claimed_at=now)
    queue.promote(now, license_id=device.license_id)
    claimed: list[Claimed] = []
    while len(claimed) < capacity:
        leased, looked_at = queue.claim(
            license_id=device.license_id,
            device_id=device.pk,
            install_id=device.install_id,
            claim_pk=claim.pk,
            limit=capacity - len(claimed),
            only_any_hour=window.is_closed,
            now=now,
            leased_until=now + dt.timedelta(seconds=device.license.lease_seconds),
        )
        claimed += leased
        if looked_at == len(leased):  # nothing was refused: there is no more, or no more room
            break
    return claimed


def _start_within(message: Claimed, window: _Window, now: dt.datetime) -> int:
    """Whole seconds, from when the phone asked, in which it may still start this message.

    0 says: give it back. That is what a phone gets that repeats a claim after it was paused, or
    after the message was cancelled or an earlier attempt turned out to have sent it.
    """
    is_closed = window.is_closed and not message.any_hour
    if window.is_paused or is_closed or message.is_called_off:
        return 0
    limits = [(message.leased_until - now).total_seconds()]
    if message.send_before is not None:
        limits.append((message.send_before - now).total_seconds())
    if window.closes_in is not None and not message.any_hour:
        limits.append(window.closes_in)
    return max(0, int(min(limits)))


def _to_cancel(device: Device, held: Sequence[AttemptKey]) -> list[int]:
    """Which of the messages that the phone holds, not yet started, it shall give back."""
    if not held:
        return []
    known = {
        message.pk: message
        for message in Message.objects.filter(
            license_id=device.license_id, pk__in=[message_id for message_id, _ in held]
        )
    }
    return [message_id for message_id, n in held if not _may_start(known.get(message_id), n)]


def _may_start(message: Message | None, n: int) -> bool:
    return (
        message is not None
        and message.attempt_n == n
        and not message.cancel_requested
        and message.status in {MessageState.LEASED, MessageState.SENDING}
    )


# --- events ------------------------------------------------------------------------------------


def apply_events(device: Device, events: Sequence[Reported], now: dt.datetime) -> None:
    """Store and apply reports. One that cannot be applied is quarantined and holds nothing up.

    All together in the usual case; where the database refuses one of them, each on its own. A
    deadlock or a full disk is no refusal: it raises, and the phone's repetition is applied whole.
    """
    known = queue.known_events(device.pk, [event.event_id for event in events]) if events else set()
    new: dict[UUID, Reported] = {}
    for event in events:
        if event.event_id not in known:
            new.setdefault(event.event_id, event)
    try:
        with transaction.atomic():
            _apply(device, list(new.values()), now)
    except OperationalError:
        raise
    except DatabaseError as error:
        logger.warning("a batch of events was refused (%s): one by one", type(error).__name__)
        for event in new.values():
            _apply_alone(device, event, now)


def _apply_alone(device: Device, event: Reported, now: dt.datetime) -> None:
    try:
        with transaction.atomic():
            _apply(device, [event], now)
    except OperationalError:
        raise
    except DatabaseError as error:
        logger.warning("an event was quarantined: %s", type(error).__name__)
        Event.objects.create(
            device=device, event_id=event.event_id, quarantine="refused", received_at=now
        )


def _apply(device: Device, events: Sequence[Reported], now: dt.datetime) -> None:
    received = [event for event in events if event.type == "received" and not event.quarantine]
    reports = [event for event in events if event.type != "received" or event.quarantine]
    if received:  # before any message is locked: another phone's STOP may wait for one
        intake.lock_inbox(device.license.account_id)
    mine = _attempts_of(device, reports)
    rows = [_row(device, event, mine, now) for event in reports]
    Event.objects.bulk_create(rows)
    settle({(row.message_id, row.attempt) for row in rows if not row.quarantine}, now)  # type: ignore[misc]
    for event in received:
        inbound.receive(
            InboundMessage(
                account_id=device.license.account_id,
                device=device,
                event_id=event.event_id,
                sender=event.sender,
                text=event.text,
                sim=event.sim,
                wall_time=event.wall_time,
                received_at=now,
            ),
            country=device.license.account.country,
        )


def _attempts_of(device: Device, reports: Sequence[Reported]) -> set[AttemptKey]:
    """The attempts among those reported that were handed to this phone."""
    ids = {report.message_id for report in reports if report.message_id is not None}
    if not ids:
        return set()
    return set(
        Attempt.objects.filter(device=device, message_id__in=ids).values_list("message_id", "n")
    )


def _row(device: Device, event: Reported, mine: set[AttemptKey], now: dt.datetime) -> Event:
    quarantine = event.quarantine
    if not quarantine and event.type not in MESSAGE_EVENTS:
        quarantine = "unknown_type"
    if not quarantine and (event.message_id, event.attempt) not in mine:
        quarantine = "unknown_attempt"
    return Event(
        device=device,
        event_id=event.event_id,
        type=event.type,
        message_id=event.message_id,
        attempt=event.attempt,
        part=event.part,
        parts=event.parts,
        code=event.code,
        wall_time=event.wall_time,
        quarantine=quarantine,
        received_at=now,
    )
