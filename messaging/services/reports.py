"""Store what a phone reports, once, and apply it. What cannot be applied is quarantined."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import DatabaseError, OperationalError, transaction

from licenses.models import Device
from messaging import event_log, locks, moves
from messaging.event_log import ReportedAttempt
from messaging.events import REPORT_TYPES, Quarantine
from messaging.leases import AttemptKey
from messaging.models import Event, InboundMessage
from messaging.moves import LockedMessage
from messaging.services import inbound
from messaging.services.reconcile import settle
from messaging.states import FINAL
from protocol import constant

logger = logging.getLogger(__name__)

MAX_QUARANTINED = constant("max_quarantined")

Reported = Event | InboundMessage  # unsaved
Attempts = Mapping[AttemptKey, ReportedAttempt]


def apply(device: Device, events: Sequence[Reported], now: dt.datetime) -> None:
    """Store and apply reports. One that cannot be applied is quarantined and holds nothing up.

    All together in the usual case; where the database refuses one of them, each on its own. A
    deadlock or a full disk is no refusal: it raises, and the phone's repetition is applied whole.
    """
    if not events:
        return
    received = [event.event_id for event in events if isinstance(event, InboundMessage)]
    known = event_log.known(device.pk, received)
    new: dict[UUID, Reported] = {}
    for event in events:
        if event.event_id not in known:
            event.device_id, event.received_at = device.pk, now
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
        refused = Event(
            device=device,
            event_id=event.event_id,
            quarantine=Quarantine.REFUSED.value,
            received_at=now,
        )
        event_log.store(_kept(device, [refused]))


def _apply(device: Device, events: Sequence[Reported], now: dt.datetime) -> None:
    received = [event for event in events if isinstance(event, InboundMessage)]
    if received:  # before any message is locked: another phone's STOP may wait for one
        locks.lock_inbox(device.license.account_id)
    _apply_reports(device, [event for event in events if isinstance(event, Event)], now)
    for message in received:
        inbound.receive(message, device)


def _apply_reports(device: Device, reports: Sequence[Event], now: dt.datetime) -> None:
    """Read once, under the lock, all that is known of the messages; add what is new; let them follow."""
    concerned = {report.message_id for report in reports if report.message_id is not None}
    messages = moves.lock(concerned, [device.license_id])
    attempts = event_log.attempts(messages)
    mine = _attempts_of(device, attempts)
    new = _new(reports, mine)
    _judge(new, mine, _ended(messages, attempts))
    stored = event_log.store(_kept(device, new))
    told: set[AttemptKey] = set()
    for report in new:
        if report.event_id in stored and not report.quarantine:
            attempts[_key(report)].tell(report)
            told.add(_key(report))
    settle(messages, attempts, told, now)


def _attempts_of(device: Device, attempts: Attempts) -> Attempts:
    """Return those attempts that were handed to this phone."""
    return {key: one for key, one in attempts.items() if one.device_id == device.pk}


def _key(report: Event) -> AttemptKey:
    """Return what it is about; ids and attempts count from 1."""
    return AttemptKey(report.message_id or 0, report.attempt or 0)


def _new(reports: Sequence[Event], mine: Attempts) -> list[Event]:
    """Leave out what was said before, of the same part of an attempt in other words. A phone that says
    one thing twenty thousand times has said it once."""
    told: set[tuple[AttemptKey, str, int | None]] = {
        (key, report.type, report.part) for key, one in mine.items() for report in one.reports
    }
    new = []
    for report in reports:
        word = _key(report), report.type, report.part
        if word in told:
            continue
        if report.type in REPORT_TYPES and not report.quarantine:
            told.add(word)
        new.append(report)
    return new


def _ended(messages: Mapping[int, LockedMessage], attempts: Attempts) -> set[int]:
    """Return which of these messages' details have ended (messaging.details)."""
    with_attempts = {key.message_id for key in attempts}
    return {
        message.id
        for message in messages.values()
        if message.status in FINAL and message.attempt_n and message.id not in with_attempts
    }


def _judge(reports: Sequence[Event], mine: Attempts, ended: set[int]) -> None:
    """Quarantine what is of no known type, of an attempt that this phone was not handed, or too late."""
    for report in reports:
        if report.quarantine:
            continue
        if report.type not in REPORT_TYPES:
            report.quarantine = Quarantine.UNKNOWN_TYPE.value
        elif report.message_id in ended:
            report.quarantine = Quarantine.DETAILS_ENDED.value
        elif _key(report) not in mine:
            report.quarantine = Quarantine.UNKNOWN_ATTEMPT.value


def _kept(device: Device, rows: Sequence[Event]) -> list[Event]:
    """Return all rows but the quarantined ones that are beyond MAX_QUARANTINED."""
    quarantined = sum(1 for row in rows if row.quarantine)
    if not quarantined:
        return list(rows)
    kept = Event.objects.filter(device=device).exclude(quarantine="")
    room = MAX_QUARANTINED - kept.count()
    if quarantined > room:
        logger.warning("phone %s has more quarantined reports than are kept", device.pk)
    places = itertools.count()
    return [row for row in rows if not row.quarantine or next(places) < room]
