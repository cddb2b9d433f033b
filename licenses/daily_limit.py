"""The daily limit of an account, exact under concurrency. Raw SQL: daily_limit.sql.

A usage row is locked from the moment it is counted up until the transaction ends, so that two
requests can never both take the last place. Accounts without a limit never touch their rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple

from http_api import clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.prepared import statements
from licenses.sender import Sender

_SQL = statements(__file__)


class _Usage(NamedTuple):
    """A row of daily_limit.sql: what an account has used of a local day."""

    day: dt.date
    used: int


def limit_exceeded(sender: Sender) -> ApiError:
    return ApiError(
        ErrorCode.DAILY_LIMIT_EXCEEDED,
        f"The daily limit of {sender.max_daily_sms} messages would be exceeded;"
        " nothing of this request was accepted.",
    )


def reserve(sender: Sender, wanted: Mapping[dt.date, int]) -> list[dt.date]:
    """Take `wanted` messages a day from the account's allowance, all or none of them; return the days
    that are used up by it.

    Call inside the transaction that creates the messages. Raise `daily_limit_exceeded`.
    """
    if sender.max_daily_sms is None or not wanted:
        return []
    days = sorted(wanted)  # one order: two bulks never wait for each other in a circle
    reserved = _SQL["reserve"].all(
        _Usage,
        {
            "account_id": sender.account_id,
            "days": days,
            "numbers": [wanted[day] for day in days],
            "max_daily_sms": sender.max_daily_sms,
        },
    )
    if len(reserved) < len(days):
        raise limit_exceeded(sender)
    return [usage.day for usage in reserved if usage.used == sender.max_daily_sms]


def remaining(sender: Sender, known: tuple[dt.date, int] | None = None) -> int | None:
    """Return how many more messages this account may have accepted for today; None: no limit.

    `known` is what a day has used, for a caller who has just been told: it saves the look-up.
    """
    return room(sender, clock.now().astimezone(sender.zone).date(), known)


def room(sender: Sender, day: dt.date, known: tuple[dt.date, int] | None = None) -> int | None:
    """As `remaining`, for any local day."""
    if sender.max_daily_sms is None:
        return None
    spent = known[1] if known and known[0] == day else used(sender.account_id, day)
    return max(0, sender.max_daily_sms - spent)


def used(account_id: int, day: dt.date) -> int:
    """Return how many messages were accepted for this local day."""
    usage = _SQL["used"].one(_Usage, {"account_id": account_id, "day": day})
    return usage.used if usage else 0
