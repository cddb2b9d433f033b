"""Imports, as the worker does them: so many rows at a time; what came of them, what was wrong with them
and the place where the next begin are committed together.

After a `kill -9` it goes on with the row at which it was; a file that comes again changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from django.db import transaction
from django.db.models import QuerySet

from contacts import people, spreadsheets
from contacts.imports import Kind, Known, State, end, file_of
from contacts.models import Contact, Import, ImportProblem
from contacts.people import Columns, Person, Problem, Reason
from contacts.services import Consent, save_people
from contacts.spreadsheets import Reading, Row, Unreadable
from messaging import locks
from messaging.models import OptOut
from messaging.services import opt_outs

CHUNK = 500  # rows of a transaction

_DOUBLE = Problem(Reason.DOUBLE, people.DOUBLE)
_NO_VALUE = Problem(Reason.MISSING, people.NO_VALUE)
_FULL = Problem(Reason.TOO_MANY_FIELDS, people.TOO_MANY_FIELDS)


@dataclass(slots=True)
class _Chunk:
    """Rows that were read: whom they are about, what is wrong with the others, and how many they are."""

    people: list[tuple[Row, Person]] = field(default_factory=list)
    problems: list[ImportProblem] = field(default_factory=list)
    rows: int = 0

    @property
    def counts(self) -> Counter[str]:
        return Counter(problem.reason for problem in self.problems)


class _Reader:
    """Reads the rows of an import from its next one on."""

    def __init__(self, found: Import, rows: Iterator[Row]) -> None:
        self._import, self._columns = found, Columns.of(found.columns)
        self._rows = islice(rows, int(found.has_header), None)
        self._seen: dict[str, int] = {}
        left = found.next_row
        while left and (
            number := self.read(min(left, CHUNK)).rows
        ):  # for the numbers that they have
            left -= number

    def read(self, most: int) -> _Chunk:
        """Return the next rows; fewer than `most` are the last."""
        chunk = _Chunk()
        for row in islice(self._rows, most):
            chunk.rows += 1
            try:
                person = self._columns.person(row.cells, self._import.country)
            except Problem as problem:
                is_formula = problem.reason == Reason.MISSING and self._import.sheet
                why = _NO_VALUE if is_formula else problem
                chunk.problems.append(_problem(self._import, row, why))
                continue
            first = self._seen.setdefault(person.phone, row.number)
            if first == row.number:
                chunk.people.append((row, person))
            else:
                chunk.problems.append(_problem(self._import, row, _DOUBLE, first))
        return chunk


def _problem(found: Import, row: Row, problem: Problem, other: int | None = None) -> ImportProblem:
    return ImportProblem(
        of=found,
        row=row.number,
        reason=problem.reason.value,
        words=problem.words,
        other_row=other,
        cells=row.cells,
    )


def go_on(may_go_on: Callable[[], bool]) -> bool:
    """Work on the import that has got least so far; return whether there was any."""
    one = _next()
    if one is None:
        return False
    reading = Reading(one.sheet, one.encoding, one.delimiter)
    try:
        with spreadsheets.opened(file_of(one), reading) as table:
            _work(one, _Reader(one, table.rows), may_go_on)
    except Unreadable as error:
        _fail(one, error)
    return True


def _next() -> Import | None:
    found = Import.objects.filter(state__in=[State.CHECKING, State.RUNNING])
    return found.order_by("next_row", "pk").first()


def _work(found: Import, reader: _Reader, may_go_on: Callable[[], bool]) -> None:
    at = found.next_row
    while may_go_on():
        chunk = reader.read(CHUNK)
        if not _take(found, at, chunk):
            return
        at += chunk.rows


@transaction.atomic
def _take(one: Import, at: int, chunk: _Chunk) -> bool:
    """Check a chunk, or bring it in; say whether there may be more for this worker."""
    found = _locked(one).filter(next_row=at).first()
    if found is None:  # somebody stopped or changed it, or another worker has gone on with it
        return False
    counts = Counter(found.counts)
    if found.state == State.CHECKING:
        counts += _looked_up(found, chunk)
    elif found.kind == Kind.CONTACTS:
        counts += _saved(found, chunk)
    else:
        counts += _opted_out(found, chunk)
    ImportProblem.objects.bulk_create(chunk.problems)
    found.counts, found.next_row = counts + chunk.counts, at + chunk.rows
    is_last = chunk.rows < CHUNK
    if is_last and found.state == State.RUNNING:
        end(found, State.DONE)
    else:
        found.state = State.CHECKED if is_last else found.state
        found.save(update_fields=["state", "next_row", "counts", "group_ids"])
    return not is_last


def _looked_up(found: Import, chunk: _Chunk) -> Counter[str]:
    phones = [person.phone for _, person in chunk.people]
    opted_out = OptOut.objects.filter(account_id=found.account_id, phone__in=phones).count()
    known = opted_out
    if found.kind == Kind.CONTACTS:
        known = Contact.objects.filter(account_id=found.account_id, phone__in=phones).count()
    doubts = Counter(people.doubt_of(person, found.country) for _, person in chunk.people)
    doubts.pop("", None)
    counts = {"new": len(phones) - known, "known": known, "opted_out": opted_out}
    return Counter(counts) + doubts


def _saved(found: Import, chunk: _Chunk) -> Counter[str]:
    everybody = (found.group,) if found.group else ()
    given = [
        Person(one.phone, one.name, (*one.groups, *everybody), one.fields)
        for _, one in chunk.people
    ]
    consent = Consent(found.consent_note, found.consent_by)
    locks.lock_account(found.account_id)
    saved = save_people(
        found.account_id,
        given,
        known=Known(found.known),
        consents=dict.fromkeys((person.phone for person in given), consent),
        made_by=found.pk,
    )
    found.group_ids = sorted({*found.group_ids, *saved.group_ids})
    chunk.problems += (
        _problem(found, row, _FULL) for row, person in chunk.people if person.phone in saved.full
    )
    new, changed = len(saved.new), len(saved.changed)
    unchanged = len(given) - new - changed - len(saved.full)
    return Counter(new=new, changed=changed, unchanged=unchanged)


def _opted_out(found: Import, chunk: _Chunk) -> Counter[str]:
    phones = [person.phone for _, person in chunk.people]
    known = OptOut.objects.filter(account_id=found.account_id, phone__in=phones).count()
    opt_outs.opt_out_all(found.account_id, phones, opt_outs.Source.ADMIN)
    return Counter(new=len(phones) - known, unchanged=known)


def _locked(one: Import) -> QuerySet[Import]:
    """Return it where it is in the state still in which it was begun."""
    mine = Import.objects.select_for_update().filter(account_id=one.account_id, pk=one.pk)
    return mine.filter(state=one.state)


@transaction.atomic
def _fail(found: Import, error: Unreadable) -> None:
    locked = _locked(found).first()
    if locked is not None:
        end(locked, State.FAILED, str(error))
