"""Contacts as CSV or XLSX, read while they are sent: a piece of them is held at a time.

Raw SQL: the keys of a column of JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Literal

from django.db import connection

from contacts import selectors
from contacts.models import Contact
from contacts.selectors import ContactFilter
from http_api import spreadsheets

Kind = Literal["csv", "xlsx"]

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

    def __init__(self, account_id: int, group_id: int | None = None, kind: Kind = "csv") -> None:
        self._account_id, self._group_id = account_id, group_id
        self._fields = field_names(account_id)
        head = ["phone", "name", "groups", "opted_out", "consent_note", "consent_at", *self._fields]
        rows = chain([[head]], self._rows())
        self._left = b""
        self._pieces: Iterator[bytes] = _as_xlsx(rows) if kind == "xlsx" else _as_csv(rows)

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes, b"" at the end."""
        if not self._left:
            self._left = next(filter(None, self._pieces), b"")
        end = len(self._left) if size < 0 else size
        taken, self._left = self._left[:end], self._left[end:]
        return taken

    def close(self) -> None:
        self._pieces, self._left = iter(()), b""

    def _rows(self) -> Iterator[list[list[str]]]:
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
            yield [self._cells(row) for row in rows]

    def _cells(self, contact: Contact) -> list[str]:
        return [
            contact.phone,
            contact.name,
            ";".join(group.name for group in contact.groups.all()),
            "yes" if contact.opt_out_id is not None else "",  # type: ignore[attr-defined]
            contact.consent_note,
            contact.consent_at.isoformat(timespec="seconds") if contact.consent_at else "",
            *(contact.fields.get(name, "") for name in self._fields),
        ]


def _as_csv(pieces: Iterable[list[list[str]]]) -> Iterator[bytes]:
    """A number begins with `+` and is no formula; what people typed may be one."""
    yield spreadsheets.BOM.encode()
    for rows in pieces:
        safe = ([row[0], *map(spreadsheets.as_text, row[1:])] for row in rows)
        yield spreadsheets.lines(safe).encode()


def _as_xlsx(pieces: Iterable[list[list[str]]]) -> Iterator[bytes]:
    """Every cell is a text: a spreadsheet eats the `+` of a number in CSV."""
    return spreadsheets.xlsx(spreadsheets.xlsx_rows(rows).encode() for rows in pieces)
