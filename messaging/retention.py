"""Raw SQL: erase what was kept for its time.

Time always comes in as a parameter: the database's clock is never asked (http_api.clock).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

# Texts of batches without an open message. Their age counts from `created_at`: a batch is accepted
# before any of its messages finishes.
ERASE_BATCHES = """
    UPDATE messaging_batch AS b SET text = '' FROM licenses_account AS a
    WHERE a.id = b.account_id AND b.text <> ''
        AND a.retention_days = %(days)s AND b.created_at < %(before)s
        AND NOT EXISTS (SELECT FROM messaging_message AS m
            WHERE m.batch_id = b.id AND m.finished_at IS NULL)
    """

# Phone and text of at most 1,000 messages. The row stays: its external_id is remembered for ever.
ERASE_MESSAGES = """
    WITH old AS (
        SELECT m.id FROM messaging_message AS m
        JOIN licenses_account AS a ON a.id = m.account_id
        WHERE a.retention_days = %(days)s AND m.finished_at < %(before)s AND m.phone <> ''
        ORDER BY m.finished_at LIMIT 1000 FOR UPDATE OF m SKIP LOCKED)
    UPDATE messaging_message AS m SET phone = '', text = '' FROM old WHERE m.id = old.id
    """


def erase_finished(retention_days: int, before: dt.datetime) -> int:
    """Erase what finished before then, of the accounts that keep it for so many days; return how many
    messages that were."""
    parameters: dict[str, Any] = {"days": retention_days, "before": before}
    with connection.cursor() as cursor:
        cursor.execute(ERASE_BATCHES, parameters)
        cursor.execute(ERASE_MESSAGES, parameters)
        return int(cursor.rowcount)
