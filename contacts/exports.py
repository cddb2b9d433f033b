"""Contacts as CSV, read while it is sent: a piece of them is held at a time.

Raw SQL: the keys of a column of JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import connection

from contacts import selectors
from contacts.models import Contact
from contacts.selectors import ContactFilter
from http_api import spreadsheets

PIECE = 2_000
MOST_COLUMNS = 100  # of fields; an account has few, the rest is in its contacts


def field_names(account_id: int) -> list[str]:
    """Return the names of the fields that the account's contacts have."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT jsonb_object_keys(fields) FROM contacts_contact"
            " WHERE account_id = %s AND fields <> '{}' ORDER BY 1 LIMIT %s",
            [account_id, MOST_COLUMNS],
        )
        return [name for (name,) in cursor.fetchall()]


class Reader:
    """All contacts of an account, or those of a group, as a file, in the order of their ids."""

    def __init__(self, account_id: int, group_id: int | None = None) -> None:
        self._account_id, self._group_id = account_id, group_id
        self._fields = field_names(account_id)
        head = ["phone", "name", "groups", "opted_out", "consent_note", "consent_at", *self._fields]
        self._left = (spreadsheets.BOM + spreadsheets.lines([head])).encode()
        self._pieces = self._rows()

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes, b"" at the end."""
        if not self._left:
            self._left = next(self._pieces, b"")
        end = len(self._left) if size < 0 else size
        taken, self._left = self._left[:end], self._left[end:]
        return taken

    def close(self) -> None:
        self._pieces, self._left = iter(()), b""

    def _rows(self) -> Iterator[bytes]:
        after = 0
        while True:
            wanted = ContactFilter(group=self._group_id)
            found = selectors.found_contacts(self._account_id, wanted)
            try:
                rows = list(found.filter(pk__gt=after).order_by("pk")[:PIECE])
            finally:
                connection.close()  # the server reads files in threads that ask nothing else
            if not rows:
                return
            after = rows[-1].pk
            yield spreadsheets.lines(self._cells(row) for row in rows).encode()

    def _cells(self, contact: Contact) -> Sequence[object]:
        texts = [
            contact.name,
            ";".join(group.name for group in contact.groups.all()),
            "yes" if contact.opt_out_id is not None else "",  # type: ignore[attr-defined]
            contact.consent_note,
            contact.consent_at.isoformat(timespec="seconds") if contact.consent_at else "",
            *(contact.fields.get(name, "") for name in self._fields),
        ]
        return [contact.phone, *map(spreadsheets.as_text, texts)]
