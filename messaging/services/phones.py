"""Pair and pause phones: what a licence's own services do not know of their messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from http_api import clock
from licenses import services as licenses
from licenses.models import Device
from messaging import wakeup
from messaging.services import phone_events
from messaging.services.housekeeping import doubt_install
from outbox.types import EventType


@transaction.atomic
def pair(code: str, *, install_id: str, **facts: Any) -> licenses.Paired:
    """Redeem a pairing code; what the install that it replaces holds is in doubt from now on.

    `facts` are fields of Device. Raise `pairing_code_invalid`.
    """
    paired = licenses.pair(code, install_id=install_id, **facts)
    if paired.replaced_install is not None:
        doubt_install(paired.device, paired.replaced_install)
    phone_events.tell(paired.device, EventType.DEVICE_PAIRED, clock.now())
    return paired


@transaction.atomic
def pause(devices: Iterable[Device]) -> int:
    """Let these phones take no new messages; return how many did until now."""
    count = 0
    for device in devices:
        if Device.objects.filter(pk=device.pk, is_paused=False).update(is_paused=True):
            device.is_paused = True
            phone_events.tell(device, EventType.DEVICE_PAUSED, clock.now())
            count += 1
    return count


@transaction.atomic
def resume(devices: Iterable[Device]) -> int:
    """Let these phones take messages again, and return how many; forget what their SIMs could not do."""
    count = 0
    for device in devices:
        mine = Device.objects.filter(pk=device.pk)
        count += mine.update(is_paused=False, failing_sims=[], refusals={})
        wakeup.after_commit(device.license_id)
    return count
