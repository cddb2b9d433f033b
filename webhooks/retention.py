"""Delete events, and what was delivered of them, when their time is over; and endpoints that are no
more. Raw SQL: retention.sql."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import transaction

from http_api import clock
from http_api.prepared import statements
from http_api.shapes import MAX_ID

_SQL = statements(__file__)
PIECE = 2_000


def delete_old(may_go_on: Callable[[], bool]) -> None:
    """Delete what is older than EVENT_DAYS or of deleted endpoints, piece by piece, until there is no
    more or time is up."""
    now = clock.now()
    before = now - dt.timedelta(days=settings.EVENT_DAYS)
    for name, values in (
        ("delete_old", {"before": before, "piece": PIECE, "highest": MAX_ID}),
        ("delete_of_deleted", {"now": now, "piece": PIECE}),
    ):
        while may_go_on() and _delete(name, values):
            pass
    if may_go_on():
        _delete("delete_idle", {"now": now, "before": before})


@transaction.atomic
def _delete(name: str, values: dict[str, Any]) -> int:
    return _SQL[name].run(values)
