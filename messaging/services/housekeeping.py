"""Periodic jobs: promotion, expiry, lease time-outs, retention.

Each function finds its work in rows, does a bounded piece of it, returns how much, and may run twice
at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value

from http_api import clock
from http_api.idempotency import KEPT_HOURS
from http_api.models import IdempotencyRecord
from licenses import tokens
from licenses.models import Device, PairingCode
from members import audit
from messaging import details, event_log, moves, retention
from messaging.events import EventType as ReportType
from messaging.leases import AttemptKey
from messaging.models import Attempt, Event, Export, Message
from messaging.retention import PIECE
from messaging.services import endings, exports, phone_events
from messaging.services.reconcile import reconcile
from messaging.states import AttemptState, MessageState
from messaging.transitions import overdue_by
from outbox.types import EventType
from protocol import constant

BATCH = 500

# A lease means "do not start after"; the phone's clock and the network get this much on top.
LEASE_GRACE = dt.timedelta(seconds=constant("lease_grace_seconds"))
# Of a started message the phone itself says `unknown` first.
SENDING_GRACE = dt.timedelta(seconds=constant("answer_seconds"), minutes=5)

# Deduplication window: a claim that is repeated later than this counts as a new one.
CLAIM_KEPT = dt.timedelta(days=2)
QUARANTINE_KEPT = dt.timedelta(days=30)

MISSED_SYNCS = constant("missed_syncs")
_PATIENCE = dt.timedelta(seconds=MISSED_SYNCS)  # for each second between two syncs


def promote_due() -> int:
    """scheduled → pending, so that a claim finds what became due without having to look for it."""
    return moves.promote(clock.now())


@transaction.atomic
def expire_overdue() -> int:
    """End as expired what waits past its `send_before`, or is too old."""
    now = clock.now()
    overdue = (
        Message.objects.select_for_update(skip_locked=True)
        .filter(
            status__in=[MessageState.SCHEDULED, MessageState.PENDING],
            expires_at__isnull=False,
            expires_at__lte=now,
        )
        .order_by("expires_at")[:BATCH]
    )
    return len(endings.end_all([(message, overdue_by(message, now)) for message in overdue], now))


@transaction.atomic
def doubt_expired_leases() -> int:
    """Mark messages uncertain whose lease expired without a report from the phone; return how many.

    Never pending again by time alone: the phone may have sent it.
    """
    now = clock.now()
    silent = Attempt.objects.filter(
        Q(state=AttemptState.LEASED, leased_until__lt=now - LEASE_GRACE)
        | Q(state=AttemptState.SENDING, leased_until__lt=now - SENDING_GRACE)
    ).order_by("leased_until")
    return _mark_uncertain(silent[:BATCH], now)


def doubt_install(device: Device, install_id: str) -> int:
    """Mark uncertain all that is leased to an install that is gone. Call inside a transaction."""
    held = Attempt.objects.filter(
        device=device,
        install_id=install_id,
        state__in=[AttemptState.LEASED, AttemptState.SENDING],
    )
    return _mark_uncertain(held, clock.now())


def _mark_uncertain(silent: QuerySet[Attempt], now: dt.datetime) -> int:
    """Note that these attempts' leases are over, and let their messages follow."""
    rows = list(silent.values_list("message_id", "n", "message__license_id"))
    keys = [AttemptKey(message_id, n) for message_id, n, _ in rows]
    event_log.store(
        [
            Event(
                type=ReportType.LEASE_EXPIRED.value,
                message_id=key.message_id,
                attempt=key.n,
                received_at=now,
            )
            for key in keys
        ]
    )
    reconcile(keys, {license_id for _, _, license_id in rows}, now)
    return len(keys)


@transaction.atomic
def mark_silent_devices() -> int:
    """Mark phones silent that missed three syncs; the next sync clears the mark. Return how many."""
    now = clock.now()
    missed = Device.objects.filter(
        revoked_at=None,
        silent_since=None,
        last_sync_at__lt=ExpressionWrapper(
            Value(now) - F("next_sync_seconds") * Value(_PATIENCE), DateTimeField()
        ),
    )
    silent = list(
        missed.select_for_update(skip_locked=True, of=["self"]).select_related("license")[:BATCH]
    )
    Device.objects.filter(pk__in=[device.pk for device in silent]).update(silent_since=now)
    for device in silent:
        device.silent_since = now
        phone_events.tell(device, EventType.DEVICE_SILENT, now)
    return len(silent)


def _short_lived(now: dt.datetime) -> list[QuerySet[Any]]:
    """Return what serves only for a while, and has served."""
    return [
        IdempotencyRecord.objects.filter(created_at__lt=now - dt.timedelta(hours=KEPT_HOURS)),
        tokens.expired(now),
        audit.ended(now),
        Export.objects.filter(asked_at__lte=now - exports.KEPT),
        PairingCode.objects.filter(expires_at__lt=now - dt.timedelta(days=1)),
        Event.objects.filter(received_at__lt=now - QUARANTINE_KEPT).exclude(quarantine=""),
    ]


def _delete_short_lived(now: dt.datetime) -> int:
    return sum(
        rows.model.objects.filter(pk__in=rows.values("pk")[:PIECE]).delete()[0]
        for rows in _short_lived(now)
    )


def _end_details(now: dt.datetime) -> int:
    return details.end_details(now - _details_kept()) if settings.DETAIL_DAYS else 0


def details_late(now: dt.datetime) -> dt.timedelta:
    """Return for how long the oldest details should have ended."""
    return details.late(now - _details_kept()) if settings.DETAIL_DAYS else dt.timedelta()


def _details_kept() -> dt.timedelta:
    """Return how long: not less than a claim is remembered, which ends with its attempts."""
    return max(dt.timedelta(days=settings.DETAIL_DAYS), CLAIM_KEPT)


# What is erased or deleted when its time is over: each a function that does a bounded piece, in a
# transaction of its own, and returns how much that was.
ERASERS: tuple[Callable[[dt.datetime], int], ...] = (
    retention.erase_messages,
    retention.erase_batches,
    retention.delete_inbound,
    retention.delete_threads,
    lambda now: retention.delete_claims(now - CLAIM_KEPT),
    _end_details,
    _delete_short_lived,
)


def late(now: dt.datetime) -> dt.timedelta:
    """Return for how long something should have been erased or deleted."""
    return max(retention.overdue(now).late, details_late(now))


def erase_old(may_go_on: Callable[[], bool]) -> None:
    """Erase and delete what is over its time, piece by piece, until there is no more or time is up.

    What cannot be done holds up nothing else: it is raised at the end, as an ExceptionGroup.
    """
    now = clock.now()
    left = list(ERASERS)
    failed: list[Exception] = []
    while left and may_go_on():
        for erase in tuple(left):
            try:
                is_done = not erase(now)
            except (OperationalError, InterfaceError):
                raise
            except Exception as error:
                failed.append(error)
                is_done = True
            if is_done:
                left.remove(erase)
    if failed:
        raise ExceptionGroup("some of what is old was not erased", failed)
