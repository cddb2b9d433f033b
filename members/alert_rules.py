"""Who is mailed when a phone is silent: of an account, or of one of its phones in place of that."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from licenses.models import Device
from members import audit
from members.audit import Action, Actor
from members.models import AlertRule, Member

MOST_MINUTES = 10_080  # a week


def rules(account_id: int) -> dict[int | None, AlertRule]:
    """Return an account's rules by phone; None: of each phone without a rule of its own."""
    return {rule.device_id: rule for rule in AlertRule.objects.filter(account_id=account_id)}


@transaction.atomic
def choose(
    account_id: int, device: Device | None, member_ids: Collection[int], minutes: int, by: Actor
) -> None:
    """Let these members be mailed, once it is silent for so many minutes; others are left out."""
    known = Member.objects.filter(account_id=account_id, pk__in=member_ids).order_by("pk")
    chosen = list(known.values_list("pk", flat=True))
    minutes = min(minutes, MOST_MINUTES)
    AlertRule.objects.update_or_create(
        account_id=account_id,
        device=device,
        defaults={"member_ids": chosen, "minutes": minutes},
    )
    _record(account_id, device, by, members=chosen, minutes=minutes)


@transaction.atomic
def as_the_account(account_id: int, device: Device, by: Actor) -> None:
    """Let the account's rule hold for this phone."""
    AlertRule.objects.filter(account_id=account_id, device=device).delete()
    _record(account_id, device, by)


def _record(account_id: int, device: Device | None, by: Actor, **details: Any) -> None:
    object_id = device.pk if device else None
    audit.record(account_id, by, Action.ALERTS_CHANGED, object_id=object_id, **details)
