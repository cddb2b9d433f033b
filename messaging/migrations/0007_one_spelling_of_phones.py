"""Raw SQL: phones as they are written everywhere, before a constraint holds them (0008).

An opt-out whose number the rule reads in another way (a trunk zero that was kept) gets a second row
under that number, and stays: neither may be sent to. One that is no number at all stops nothing and goes.
A message whose phone was kept as typed gets its number; where it is none, what waits has failed, a phone
that holds it is asked to give it back, and number and text are erased.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from messaging.phone import STORED_PHONE, reread

# The second: perhaps a trunk zero behind the country's code.
_OPT_OUTS = r"""
    SELECT o.id, o.phone, a.country FROM messaging_optout AS o
    JOIN licenses_account AS a ON a.id = o.account_id
    WHERE o.phone !~ '^\+' OR o.phone ~ '^\+[1-9][0-9]{0,2}0' ORDER BY o.id
    """

_SECOND_OPT_OUT = """
    INSERT INTO messaging_optout (account_id, phone, source, created_at)
    SELECT account_id, %s, source, created_at FROM messaging_optout WHERE id = %s
    ON CONFLICT DO NOTHING
    """

_MESSAGES = """
    SELECT m.id, m.phone, a.country FROM messaging_message AS m
    JOIN licenses_account AS a ON a.id = m.account_id
    WHERE m.phone <> '' AND m.phone !~ %s
    """

_FAIL = """
    WITH ended AS (
        SELECT id, status FROM messaging_message
        WHERE id = %s AND status IN ('scheduled', 'pending', 'uncertain')),
    history AS (
        INSERT INTO messaging_statechange (message_id, from_state, to_state, at, cause)
        SELECT id, status, 'failed', now(), 'invalid_phone' FROM ended)
    UPDATE messaging_message AS m
    SET status = 'failed', failure_reason = 'invalid_phone', finished_at = now()
    FROM ended WHERE m.id = ended.id
    """

_ERASE = """
    UPDATE messaging_message SET phone = '', text = '',
        cancel_requested = cancel_requested OR status IN ('leased', 'sending')
    WHERE id = %s
    """


def rows(cursor: Any, query: str, *values: Any) -> Iterator[Any]:
    cursor.execute(query, values)
    yield from cursor.fetchall()


def forwards(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        for pk, phone, country in rows(cursor, _OPT_OUTS):
            number = reread(phone, country)
            if number not in (None, phone):
                cursor.execute(_SECOND_OPT_OUT, [number, pk])
        cursor.execute("DELETE FROM messaging_optout WHERE phone !~ %s", [STORED_PHONE])
        for pk, phone, country in rows(cursor, _MESSAGES, STORED_PHONE):
            if number := reread(phone, country):
                cursor.execute(
                    "UPDATE messaging_message SET phone = %s WHERE id = %s", [number, pk]
                )
            else:
                cursor.execute(_FAIL, [pk])
                cursor.execute(_ERASE, [pk])


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0003_webhooks_and_codes"),
        ("messaging", "0006_max_age"),
    ]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
