"""What only time brings about. Each function finds its work in rows, does a bounded piece of it,
answers how much, and may run twice at once."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, Value

from http_api import clock
from http_api.idempotency import KEPT_HOURS
from http_api.models import IdempotencyRecord
from licenses import tokens
from licenses.models import Device, PairingCode
from messaging import queue
from messaging.models import Attempt, Claim, Event, InboundMessage, Message
from messaging.services.settle import AttemptKey, expiry, settle
from messaging.states import AttemptState, MessageState

BATCH = 500

# A lease means "do not start after"; the phone's clock and the network get this much on top.
LEASE_GRACE = dt.timedelta(seconds=60)
# One that was started: the phone itself says `unknown` after 15 minutes without an answer.
SENDING_GRACE = dt.timedelta(minutes=20)

MISSED_SYNCS = 3
_PATIENCE = dt.timedelta(seconds=MISSED_SYNCS)  # for each second between two syncs


def promote_due() -> int:
    """scheduled → pending, so that a claim finds what became due without having to look for it."""
    return queue.promote(clock.now())


@transaction.atomic
def expire_overdue() -> int:
    """What waits and was not sent before its `send_before` ends as expired."""
    now = clock.now()
    overdue = (
        Message.objects.select_for_update(skip_locked=True)
        .filter(
            status__in=[MessageState.SCHEDULED, MessageState.PENDING],
            send_before__isnull=False,
            send_before__lte=now,
        )
        .order_by("send_before")[:BATCH]
    )
    changes = [expiry(message, now) for message in overdue]
    return len(queue.change(changes, now))


@transaction.atomic
def doubt_expired_leases() -> int:
    """A lease that ran out with no word from its phone makes the message uncertain.

    Never pending again by time alone: the phone may have sent it.
    """
    now = clock.now()
    silent = Attempt.objects.filter(
        Q(state=AttemptState.LEASED, leased_until__lt=now - LEASE_GRACE)
        | Q(state=AttemptState.SENDING, leased_until__lt=now - SENDING_GRACE)
    ).order_by("leased_until")
    return _doubt(list(silent.values_list("message_id", "n")[:BATCH]), now)


def doubt_install(device: Device, install_id: str) -> int:
    """All that was leased to an install that is gone becomes uncertain. Inside a transaction."""
    held = Attempt.objects.filter(
        device=device,
        install_id=install_id,
        state__in=[AttemptState.LEASED, AttemptState.SENDING],
    )
    return _doubt(list(held.values_list("message_id", "n")), clock.now())


def _doubt(attempts: list[AttemptKey], now: dt.datetime) -> int:
    Event.objects.bulk_create(
        Event(
            event_id=uuid4(),
            type="lease_expired",
            message_id=message_id,
            attempt=n,
            received_at=now,
        )
        for message_id, n in attempts
    )
    settle(attempts, now)
    return len(attempts)


def mark_silent_devices() -> int:
    """A phone that missed three syncs is marked; its next sync takes the mark off."""
    now = clock.now()
    silent = Device.objects.filter(
        revoked_at=None,
        silent_since=None,
        last_sync_at__lt=ExpressionWrapper(
            Value(now) - F("next_sync_seconds") * Value(_PATIENCE), DateTimeField()
        ),
    )
    return silent.update(silent_since=now)


def erase_old() -> int:
    """Retention: erase phones and texts, and forget what serves only for a while."""
    now = clock.now()
    erased = queue.erase_finished(now)
    IdempotencyRecord.objects.filter(created_at__lt=now - dt.timedelta(hours=KEPT_HOURS)).delete()
    tokens.forget_expired()
    PairingCode.objects.filter(expires_at__lt=now - dt.timedelta(days=1)).delete()
    Claim.objects.filter(claimed_at__lt=now - dt.timedelta(days=30), attempts=None).delete()
    for account_id, days in InboundMessage.objects.values_list(
        "account_id", "account__retention_days"
    ).distinct():
        InboundMessage.objects.filter(
            account_id=account_id, received_at__lt=now - dt.timedelta(days=days)
        ).delete()
    return erased
