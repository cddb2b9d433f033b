"""When messages may be started: the account's sending hours, and whether a phone may send at all."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from http_api.errors import ApiError
from licenses.lookup import WaitingPhone, sender_of_license
from licenses.models import Device
from licenses.sender import Sender


@dataclass(frozen=True, slots=True)
class DeliveryWindow:
    """The messages that may be started at a moment."""

    is_paused: bool = False  # nothing: by the phone's owner, or since the licence may not send
    is_closed: bool = False  # outside the sending hours: only what may go at any hour
    turns_at: dt.datetime | None = None  # when the hours close, or open again; None: never

    @classmethod
    def of_sender(
        cls, sender: Sender, now: dt.datetime, *, is_paused: bool = False
    ) -> DeliveryWindow:
        """Return what this account's sending hours let start now."""
        hours = sender.hours
        if hours is None:
            return cls(is_paused)
        return cls(is_paused, not hours.is_open(now), hours.next_turn(now))

    @classmethod
    def of_phone(cls, device: Device | WaitingPhone, now: dt.datetime) -> DeliveryWindow:
        """Return what this phone may start now. One whose licence is inactive or expired keeps
        reporting, but gets nothing to send."""
        try:
            sender = sender_of_license(device.license_id)
        except ApiError:
            return cls(is_paused=True)
        return cls.of_sender(sender, now, is_paused=device.is_paused)

    def lets_start(self, *, any_hour: bool) -> bool:
        """Tell whether a message may be started now."""
        return not self.is_paused and (any_hour or not self.is_closed)

    def closes_at(self, *, any_hour: bool) -> dt.datetime | None:
        """Return when a message that may be started now may not any more; None: that does not end."""
        return None if any_hour else self.turns_at
