"""The daily limit of an account, exact under concurrency. Raw SQL: the conditional upsert.

A usage row is locked from the moment it is counted up until the transaction ends, so that two
requests can never both take the last place. Accounts without a limit never touch their rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import connection

from http_api import clock
from http_api.errors import Refusal
from http_api.prepared import Prepared
from licenses.auth import Sender


def limit_exceeded(sender: Sender) -> Refusal:
    return Refusal(
        "daily_limit_exceeded",
        f"The daily limit of {sender.max_daily_sms} messages would be exceeded;"
        " nothing of this request was accepted.",
    )


def count(sender: Sender, wanted: Mapping[dt.date, int]) -> None:
    """Take `wanted` messages a day from the account's allowance, all or none of them.

    Call inside the transaction that creates the messages. Raises `daily_limit_exceeded`.
    """
    if sender.max_daily_sms is None or not wanted:
        return
    days = sorted(wanted)  # one order: two bulks never wait for each other in a circle
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO licenses_dailyusage AS usage (account_id, day, used)
            SELECT %(account)s, day, number
            FROM unnest(%(days)s::date[], %(numbers)s::int[]) AS wanted(day, number)
            WHERE number <= %(limit)s ORDER BY day
            ON CONFLICT (account_id, day) DO UPDATE SET used = usage.used + EXCLUDED.used
            WHERE usage.used + EXCLUDED.used <= %(limit)s
            """,
            {
                "account": sender.account_id,
                "days": days,
                "numbers": [wanted[day] for day in days],
                "limit": sender.max_daily_sms,
            },
        )
        if cursor.rowcount != len(days):
            raise limit_exceeded(sender)


def remaining(sender: Sender, known: tuple[dt.date, int] | None = None) -> int | None:
    """How many more messages this account may have accepted for today; None: no limit.

    `known` is what a day has used, for a caller who has just been told: it saves the look-up.
    """
    if sender.max_daily_sms is None:
        return None
    today = clock.now().astimezone(sender.zone).date()
    spent = known[1] if known and known[0] == today else used(sender.account_id, today)
    return max(0, sender.max_daily_sms - spent)


_USED = Prepared(
    "used",
    "SELECT used FROM licenses_dailyusage WHERE account_id = %(account)s AND day = %(day)s",
    {"account": "bigint", "day": "date"},
)


def used(account_id: int, day: dt.date) -> int:
    """How many messages were accepted for this local day."""
    row = _USED.fetchone({"account": account_id, "day": day})
    return row[0] if row else 0
