"""One call of a phone: what it reports is applied first, then it gets its next messages."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from http_api import clock
from licenses.lookup import lock_device
from licenses.models import Device
from messaging.events import PART_EVENTS
from messaging.events import EventType as ReportType
from messaging.exchange import SyncAnswer, SyncRequest
from messaging.leases import LeasedMessage
from messaging.models import Event
from messaging.services import failing_sims, leasing, phone_events, reports, timelines
from messaging.services.delivery_window import DeliveryWindow
from outbox.types import EventType
from protocol import constant

BUSY_SYNC_SECONDS = constant("busy_sync_seconds")
IDLE_SYNC_SECONDS = constant("idle_sync_seconds")


@transaction.atomic
def sync(device: Device, request: SyncRequest) -> SyncAnswer:
    """Apply the events, then lease messages to this phone. Every event counts as acknowledged.

    The device's row is locked: two syncs of one phone (a request that the network repeated) run
    one after the other, and the second gets what its `claim_id` got the first time. Raises
    `device_unknown` where the phone was revoked or paired anew meanwhile.
    """
    now = clock.now()
    phone = lock_device(device)
    reports.apply(device, request.events, now)
    _look_at_sims(device, request, now)
    window = DeliveryWindow.of_phone(device, now)
    sync_number, may_lease = timelines.hear(device, phone, request.last_sync_number, now)
    leased: list[LeasedMessage] = []
    if request.claim_id is not None:
        capacity = request.capacity if may_lease else 0
        leased = leasing.lease(device, request.claim_id, capacity, window, now)
    is_busy = bool(leased or request.held or not may_lease)
    next_sync_seconds = BUSY_SYNC_SECONDS if is_busy else IDLE_SYNC_SECONDS
    forget = bool(device.forgets)
    _remember(device, request, next_sync_seconds, now)
    return SyncAnswer(
        messages=[
            (message, leasing.start_within(message, device, window, now)) for message in leased
        ],
        cancel=leasing.to_give_back(device, request.held, now),
        is_paused=window.is_paused,
        sync_number=sync_number,
        next_sync_seconds=next_sync_seconds,
        server_time=now,
        forget=forget,
    )


def _look_at_sims(device: Device, request: SyncRequest, now: dt.datetime) -> None:
    of_parts = [
        event for event in request.events if isinstance(event, Event) and event.type in PART_EVENTS
    ]
    has_failed = any(event.type == ReportType.PART_FAILED for event in of_parts)
    if has_failed or request.failing_sims or device.refusals or device.failing_sims:
        before = device.failing_sims, device.refusals
        outcomes = [event.message_id for event in of_parts]
        failing_sims.observe(device, request.failing_sims, outcomes, now)
        if (device.failing_sims, device.refusals) != before:
            device.save(update_fields=["failing_sims", "refusals"])
        if set(device.failing_sims) - set(before[0]):
            phone_events.tell(device, EventType.DEVICE_PAUSED, now)


def _remember(
    device: Device, request: SyncRequest, next_sync_seconds: int, now: dt.datetime
) -> None:
    was_silent = device.silent_since is not None
    device.last_sync_at = now
    device.silent_since = None
    device.next_sync_seconds = next_sync_seconds
    changed = [
        "last_sync_at", "silent_since", "next_sync_seconds", "sync_number", "settled_timeline",
    ]  # fmt: skip
    if device.forgets:
        device.forgets -= 1
        changed.append("forgets")
    if request.health is not None:
        device.health = dict(request.health)
        changed.append("health")
    device.save(update_fields=changed)
    if was_silent:
        phone_events.tell(device, EventType.DEVICE_BACK, now)
