"""One sync of a phone as data: what it brings, and what it gets (docs/protocol.md)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from messaging.leases import AttemptKey, LeasedMessage, Sim
from messaging.models import Event, InboundMessage


@dataclass(frozen=True, slots=True)
class SyncRequest:
    capacity: int
    claim_id: UUID | None
    held: Sequence[AttemptKey] = ()
    # Unsaved. An event that can move nothing says why in its `quarantine`.
    events: Sequence[Event | InboundMessage] = ()
    health: Mapping[str, Any] | None = None
    failing_sims: Sequence[Sim] = ()  # for which the phone takes nothing
    last_sync_number: int | None = (
        None  # of the last answer that the phone has; None: it does not count
    )


@dataclass(frozen=True, slots=True)
class SyncAnswer:
    messages: list[tuple[LeasedMessage, int]]  # with the seconds within which each must be started
    cancel: list[int]
    is_paused: bool
    sync_number: int
    next_sync_seconds: int
    server_time: dt.datetime
    forget: bool = False  # the phone: recipients whose messages the radio has answered
