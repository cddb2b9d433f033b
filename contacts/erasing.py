"""Erase a person from contacts, and from the files of imports and their refused rows."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import TextField
from django.db.models.functions import Cast

from contacts import spreadsheets
from contacts.imports import CHANGEABLE, State, end, file_of, imports
from contacts.models import Contact, Import, ImportProblem, UnreadableContact
from contacts.spreadsheets import Reading, Unreadable
from messaging.written_numbers import WrittenNumber


def erase_rows(account_id: int, number: WrittenNumber, until: dt.datetime) -> Counter[str]:
    """Delete who has had this number until then; return how many. The caller holds the lock."""
    mine = Contact.objects.filter(
        account_id=account_id, phone__in=number.phones, created_at__lte=until
    )
    ids = list(mine.values_list("pk", flat=True))
    _forget_names(Contact, ids)
    mine.delete()
    return Counter(contacts=len(ids))


def _forget_names(model: type[Contact | UnreadableContact], ids: list[int]) -> None:
    """Django's log of what operators did in the admin has the names of what they did it to."""
    kind = ContentType.objects.get_for_model(model)
    names = LogEntry.objects.filter(content_type=kind, object_id__in=map(str, ids))
    names.update(object_repr="")


def erase_mentions(account_id: int, number: WrittenNumber) -> Counter[str]:
    """Erase it from the files of imports: from refused rows, and from the rows that are shown of a file.

    A file that holds it is deleted: an import that runs is stopped, and one that is not begun is gone.
    Return how many files and refused rows there were.
    """
    unread = UnreadableContact.objects.filter(account_id=account_id, phone__regex=number.pattern)
    ids = list(unread.values_list("pk", flat=True))
    _forget_names(UnreadableContact, ids)
    unread.delete()
    problems = ImportProblem.objects.filter(of__account_id=account_id)
    problems = problems.annotate(written=Cast("cells", TextField()))
    refused, _ = problems.filter(written__regex=number.pattern).delete()
    for one in imports(account_id).filter(sample__isnull=False):
        kept = [row for row in one.sample if not number.is_in_any(row[1])]
        if len(kept) < len(one.sample):
            Import.objects.filter(account_id=account_id, pk=one.pk).update(sample=kept)
    return Counter(refused_rows=refused, files=_delete_files(account_id, number))


def _delete_files(account_id: int, number: WrittenNumber) -> int:
    gone = 0
    unfinished = imports(account_id).filter(pieces__isnull=False).distinct()
    for one in unfinished.order_by("pk"):
        if not _holds(one, number):
            continue
        gone += 1
        locked = imports(account_id).select_for_update().get(pk=one.pk)
        if locked.state in CHANGEABLE:
            locked.delete()
        elif locked.state == State.RUNNING:
            end(locked, State.STOPPED)
    return gone


def _holds(one: Import, number: WrittenNumber) -> bool:
    data = file_of(one)
    try:
        with spreadsheets.opened(data, Reading(one.sheet, one.encoding, one.delimiter)) as table:
            return any(number.is_in_any(row.cells) for row in table.rows)
    except Unreadable:  # it cannot be imported either
        return number.is_in(data.decode("latin-1"))
