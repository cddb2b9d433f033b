"""When a queue is done: how long phones take for it at their pace, within the sending hours. Pure."""

from __future__ import annotations

import datetime as dt

from licenses.sending_hours import SendingHours
from protocol import constant

_PACE = constant("pace_seconds")
_PARTS_PER_MINUTE = constant("segments_per_minute")

_LONGEST = dt.timedelta(days=366)  # of what is worth telling


def queue_end(
    now: dt.datetime, messages: int, parts: int, phones: int, hours: SendingHours | None
) -> dt.datetime | None:
    """Return when so many phones have started that many messages; None: not within a year.

    A phone starts one message in `pace_seconds`, and as many parts a minute as Android lets an app send.
    """
    if not phones:
        return None
    seconds = max(_PACE * messages, 60 / _PARTS_PER_MINUTE * parts) / phones
    left, at = dt.timedelta(seconds=seconds), now
    if hours is None:
        return at + left if left <= _LONGEST else None
    while at - now <= _LONGEST:
        at = hours.next_opening(at)
        closes = hours.closes_at(at)
        if left <= closes - at:
            return at + left
        left -= closes - at
        at = closes
    return None
