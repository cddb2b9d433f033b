"""Raw SQL: phones as they are written everywhere, before a constraint holds them (0004).

A contact whose phone was kept as typed gets its number. Where the account has a contact of that number
already they are one person: that contact stays, and is in the groups of both. Who has no number is kept
apart as an UnreadableContact, with the names of the groups, for its owner to see.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from messaging.phone import STORED_PHONE, reread

# The last: perhaps a trunk zero behind the country's code.
_CONTACTS = r"""
    SELECT c.id, c.account_id, c.phone, a.country FROM contacts_contact AS c
    JOIN licenses_account AS a ON a.id = c.account_id
    WHERE c.phone !~ %s OR c.phone !~ '^\+' OR c.phone ~ '^\+[1-9][0-9]{0,2}0' ORDER BY c.id
    """

# A contact of another account's group has been sent nothing through it; nobody can say whose it is.
_NO_STRANGERS = """
    DELETE FROM contacts_contact_groups AS m USING contacts_contact AS c, contacts_contactgroup AS g
    WHERE c.id = m.contact_id AND g.id = m.contactgroup_id AND c.account_id <> g.account_id
    """

_PARK = """
    INSERT INTO contacts_unreadablecontact (account_id, phone, name, groups, created_at)
    SELECT account_id, phone, name, coalesce((
        SELECT string_agg(g.name, E'\\n' ORDER BY g.name) FROM contacts_contact_groups AS m
        JOIN contacts_contactgroup AS g ON g.id = m.contactgroup_id WHERE m.contact_id = c.id), ''),
        created_at
    FROM contacts_contact AS c WHERE id = %s
    """

_JOIN_GROUPS = """
    INSERT INTO contacts_contact_groups (contact_id, contactgroup_id)
    SELECT %s, contactgroup_id FROM contacts_contact_groups WHERE contact_id = %s
    ON CONFLICT DO NOTHING
    """


def forwards(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_NO_STRANGERS)
        cursor.execute(_CONTACTS, [STORED_PHONE])
        for pk, account_id, phone, country in cursor.fetchall():
            number = reread(phone, country)
            if number == phone:
                continue
            if number is None:
                cursor.execute(_PARK, [pk])
                remove(cursor, pk)
                continue
            cursor.execute(
                "SELECT id FROM contacts_contact WHERE account_id = %s AND phone = %s",
                [account_id, number],
            )
            if same := cursor.fetchone():
                cursor.execute(_JOIN_GROUPS, [same[0], pk])
                remove(cursor, pk)
            else:
                cursor.execute("UPDATE contacts_contact SET phone = %s WHERE id = %s", [number, pk])


def remove(cursor: Any, pk: int) -> None:
    cursor.execute("DELETE FROM contacts_contact_groups WHERE contact_id = %s", [pk])
    cursor.execute("DELETE FROM contacts_contact WHERE id = %s", [pk])


class Migration(migrations.Migration):
    dependencies = [("contacts", "0002_unreadablecontact")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
