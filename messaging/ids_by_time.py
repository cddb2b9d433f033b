"""Raw SQL: the id at which the rows of a time begin.

Ids rise with time, and lists are walked by id: bounded by an id a list reads what it shows, bounded by a
time alone it reads all that is newer or older. A binary search along the primary key finds it; an index
of the time would cost each insert more than this costs a list.
"""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.db.models import Model

from messaging.models import Batch, InboundMessage, Message, OptOut

# When a row was made, by the server's clock.
TIME_OF: dict[type[Model], str] = {
    Message: "created_at",
    Batch: "created_at",
    InboundMessage: "received_at",
    OptOut: "created_at",
}

# Rows of one moment may have their ids in another order: of two transactions the one that drew its time
# first may draw its id last. None takes this long.
DISORDER = dt.timedelta(seconds=10)

# Halves the ids between `low` and `high` until the first row that is not before a time stands there.
_FIRST = """
    WITH RECURSIVE search AS (
        SELECT 0::bigint AS low, (SELECT coalesce(max(id), 0) + 1 FROM {table}) AS high
        UNION ALL
        SELECT CASE WHEN is_before THEN middle + 1 ELSE low END,
            CASE WHEN is_before THEN high ELSE middle END
        FROM (
            SELECT low, high, (low + high) / 2 AS middle, coalesce(
                (SELECT {time} < %(at)s FROM {table}
                    WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1), false) AS is_before
            FROM search WHERE low < high) AS probe)
    SELECT low FROM search WHERE low = high
    """


def first_id(model: type[Model], at: dt.datetime) -> int:
    """Return the lowest id that a row of this time or later can have."""
    statement = _FIRST.format(table=model._meta.db_table, time=TIME_OF[model])
    with connection.cursor() as cursor:
        cursor.execute(statement, {"at": at - DISORDER})
        return int(cursor.fetchone()[0])


def end_id(model: type[Model], at: dt.datetime) -> int:
    """Return an id that all rows before this time are below."""
    return first_id(model, at + 2 * DISORDER)
