"""Record what happened, in the transaction of what changed. Raw SQL: recording.sql.

Messages' events are not recorded here but by the statements that move messages (messaging.moves,
messaging.inserts).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from http_api.prepared import statements
from outbox.types import EventType

_SQL = statements(__file__)


class Told(NamedTuple):
    """Something to tell of. `data` is the whole body of it, or what of it may change later."""

    type: EventType
    license_id: int | None = None  # None: of the account as a whole
    data: dict[str, Any] = {}
    inbound_id: int | None = None


def record(account_id: int, told: Sequence[Told], now: dt.datetime) -> None:
    """Record these, where the account keeps events. Call inside the transaction of the change."""
    if told:
        values = [each._asdict() for each in told]
        _SQL["record"].run({"account_id": account_id, "told": json.dumps(values), "now": now})


def begin(account_id: int) -> None:
    """Keep this account's events from now on: somebody wants to be told."""
    _SQL["begin"].run({"account_id": account_id})
