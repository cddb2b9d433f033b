"""Delete events, and what was delivered of them, when their time is over. Raw SQL: retention.sql."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.conf import settings
from django.db import transaction

from http_api import clock
from http_api.prepared import statements
from http_api.shapes import MAX_ID

_SQL = statements(__file__)
PIECE = 2_000


def delete_old(may_go_on: Callable[[], bool]) -> None:
    """Delete what is older than EVENT_DAYS, piece by piece, until there is no more or time is up."""
    before = clock.now() - dt.timedelta(days=settings.EVENT_DAYS)
    while may_go_on() and _delete(before):
        pass


@transaction.atomic
def _delete(before: dt.datetime) -> int:
    return _SQL["delete_old"].run({"before": before, "piece": PIECE, "highest": MAX_ID})
