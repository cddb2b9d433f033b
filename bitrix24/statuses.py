"""Tell portals what became of their messages: the newest state alone, as the rows say it.

The rows are the queue, and a status that is told twice does no harm: what a worker that died may have
told is told again. One batch of a portal at each look keeps far below the two requests a second that a
portal allows. Raw SQL: statuses.sql.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import F

from bitrix24 import calling, portals
from bitrix24.models import Portal, StatusPush
from http_api import clock
from http_api.prepared import statements
from messaging.states import FINAL, MessageState

_SQL = statements(__file__)

# `uncertain` is told as nothing: it is resolved one day.
WORDS: Mapping[MessageState, str] = {
    MessageState.SCHEDULED: "queued",
    MessageState.PENDING: "queued",
    MessageState.LEASED: "queued",
    MessageState.SENDING: "queued",
    MessageState.SENT: "sent",
    MessageState.DELIVERED: "delivered",
    MessageState.UNDELIVERED: "undelivered",
    MessageState.FAILED: "failed",
    MessageState.EXPIRED: "failed",
    MessageState.CANCELLED: "failed",
}
_REFUSED = "failed"
_UNKNOWN = "unknown"  # to a workflow alone, which would wait for ever
_LAST = frozenset({WORDS[MessageState.DELIVERED]})  # any other may be followed by a late report
_MOST = 50  # commands of a batch
_MAX_TRIES = 10
_FOLLOWED = dt.timedelta(days=7)  # from when it was accepted: reports may come late
_RETRY = dt.timedelta(minutes=15)


class _Due(NamedTuple):
    """A row of `due`."""

    id: int
    remote_id: str
    event_token: str
    message_id: int | None
    tries: int
    status: str


def tell(portal: Portal) -> int:
    """Tell a portal what is new, at most one batch; return how many statuses were taken. Raise as
    calling.call."""
    due = _due(portal)
    return _push(portal, due) if due else 0


def _due(portal: Portal) -> list[_Due]:
    now = clock.now()
    portal.pushes.filter(created_at__lt=now - _FOLLOWED, event_token="").delete()
    values = {
        "portal_id": portal.pk,
        "license_id": portal.license_id,
        "words": json.dumps(WORDS),
        "refused": _REFUSED,
        "final": [state.value for state in FINAL],
        "given_up": now - _FOLLOWED,
        "unknown": _UNKNOWN,
        "now": now,
        "most": _MOST,
    }
    return _SQL["due"].all(_Due, values)


def _push(portal: Portal, due: list[_Due]) -> int:
    commands = {f"s{row.id}": _command(row) for row in due}
    answer = calling.call(portal, "batch", {"halt": 0, "cmd": commands})
    errors = answer.get("result_error") if isinstance(answer, dict) else None
    failed = errors if isinstance(errors, dict) else {}  # an empty one is PHP's `[]`
    taken = 0
    for row in due:
        taken += _note(portal, row, failed.get(f"s{row.id}"))
    return taken


def _command(row: _Due) -> str:
    if row.event_token:
        told = {
            "event_token": row.event_token,
            "return_values[status]": row.status,
            "return_values[id]": str(row.message_id or ""),
        }
        return f"bizproc.event.send?{urlencode(told)}"
    values = {"CODE": portals.CODE, "MESSAGE_ID": row.remote_id, "STATUS": row.status}
    return f"messageservice.message.status.update?{urlencode(values)}"


def _note(portal: Portal, row: _Due, error: Any) -> bool:
    """Write down how it went; say whether the portal took it."""
    push = StatusPush.objects.filter(pk=row.id, portal_id=portal.pk)
    if error is None:
        if row.status in _LAST or row.message_id is None or row.event_token:
            push.delete()
        else:
            push.update(told=row.status, tries=0)
        return True
    code = error.get("error") if isinstance(error, dict) else None
    if code == "ERROR_MESSAGE_NOT_FOUND" or row.tries >= _MAX_TRIES:
        push.delete()
    else:
        push.update(tries=F("tries") + 1, next_at=clock.now() + _RETRY)
    return False
