"""Record what befell a phone, for programs to be told of."""

from __future__ import annotations

import datetime as dt

from licenses import responses
from licenses.models import Device
from outbox import recording as outbox
from outbox.types import EventType


def tell(device: Device, event: EventType, now: dt.datetime) -> None:
    """Record it in the transaction of the change; `device` has changed already."""
    told = outbox.Told(event, device.license_id, dict(responses.device(device)))
    outbox.record(device.license.account_id, [told], now)
