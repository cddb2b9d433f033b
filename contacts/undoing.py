"""Take an import back. Raw SQL: contacts and memberships go in one statement; as objects, 100,000 of
them would be read for their ids.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

_DELETE = """
    WITH gone AS (
        DELETE FROM contacts_contact AS c
        WHERE c.account_id = %(account_id)s AND c.made_by = %(import_id)s
        AND NOT EXISTS (
            SELECT FROM contacts_contact_groups AS m
            WHERE m.contact_id = c.id AND m.contactgroup_id <> ALL (%(group_ids)s::bigint[])
        )
        RETURNING c.id
    ), left_groups AS (
        DELETE FROM contacts_contact_groups AS m USING gone
        WHERE m.account_id = %(account_id)s AND m.contact_id = gone.id
    )
    SELECT count(*) FROM gone
"""


def delete_untouched(account_id: int, import_id: int, group_ids: Sequence[int]) -> int:
    """Delete the contacts that are this import's still and in no group but these; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            _DELETE,
            {"account_id": account_id, "import_id": import_id, "group_ids": list(group_ids)},
        )
        return int(cursor.fetchone()[0])
