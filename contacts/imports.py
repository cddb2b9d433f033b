"""Imports, for who asks for one: upload a file of people, or of numbers that want no messages, say what
its columns are, have it checked and brought in (contacts.import_job), stop it, take it back.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from django.db import transaction
from django.db.models import QuerySet
from typing_extensions import TypedDict

from contacts import people, spreadsheets, undoing
from contacts.models import Import, ImportPiece, ImportProblem
from contacts.people import BadColumns, Columns
from contacts.services import Consent
from contacts.spreadsheets import AS_GUESSED, Reading
from http_api import clock
from http_api.answers import RowId
from http_api.body_limits import MIB
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, or_not_found
from messaging import locks
from outbox import recording as outbox
from outbox.types import EventType

MOST_BYTES = 10 * MIB
MOST_UNFINISHED = 5  # of an account
KEPT = dt.timedelta(days=7)  # a file that nobody imports; what was wrong with rows, after the end
UNDONE_WITHIN = dt.timedelta(hours=24)
_PIECE = MIB
_AT_ONCE = 5_000  # rows that are deleted

State: TypeAlias = Import.State
Kind: TypeAlias = Import.Kind
Known: TypeAlias = Import.Known
UNFINISHED = (State.READY, State.CHECKING, State.CHECKED, State.RUNNING)
CHANGEABLE = (State.READY, State.CHECKING, State.CHECKED)


@dataclass(frozen=True, slots=True)
class Choices:
    """As whom a file's rows are imported. `columns`: what each is (people.Columns)."""

    columns: Sequence[str]
    group: str = ""
    known: Known = Known.KEEP


def imports(account_id: int) -> QuerySet[Import]:
    return Import.objects.filter(account_id=account_id)


def find(account_id: int, import_id: int) -> Import:
    """Raise ApiError `not_found`."""
    return or_not_found(imports(account_id).filter(pk=import_id).first(), "import")


def earlier(found: Import) -> Import | None:
    """Return the last import of the same file that brought something in."""
    same = imports(found.account_id).filter(sha256=found.sha256, kind=found.kind, pk__lt=found.pk)
    return same.filter(state__in=[State.DONE, State.STOPPED]).order_by("-pk").first()


def problems(found: Import) -> QuerySet[ImportProblem]:
    """Return the rows that were refused, or would be, in their order."""
    return ImportProblem.objects.filter(of=found).order_by("row")


def upload(
    account_id: int,
    country: str,
    data: bytes,
    *,
    name: str,
    by: str,
    kind: Kind = Kind.CONTACTS,
    wanted: Reading = AS_GUESSED,
    has_header: bool | None = None,
) -> Import:
    """Keep a file, read and with a guess at its columns. Raise Unreadable; workbook.Busy; ApiError
    `too_large`, and `conflict` where there are too many that nobody has finished."""
    if len(data) > MOST_BYTES:
        raise ApiError(ErrorCode.TOO_LARGE, f"A file may have at most {MOST_BYTES // MIB} MiB.")
    look = spreadsheets.look(data, wanted)
    found = Import(
        account_id=account_id, kind=kind, name=name[:255], made_by=by[:150], made_at=clock.now(),
        sha256=hashlib.sha256(data).hexdigest(), size=len(data), country=country,
    )  # fmt: skip
    _note_look(found, look, has_header)
    with transaction.atomic():
        locks.lock_account(account_id)
        if imports(account_id).filter(state__in=UNFINISHED).count() >= MOST_UNFINISHED:
            words = f"There are {MOST_UNFINISHED} imports that are not finished: end one first."
            raise ApiError(ErrorCode.CONFLICT, words)
        found.save()
        ImportPiece.objects.bulk_create(
            (ImportPiece(of=found, data=zlib.compress(piece, 1)) for piece in _cut(data)),
            batch_size=1,
        )
    return found


def _cut(data: bytes) -> Iterator[bytes]:
    view = memoryview(data)
    return (bytes(view[at : at + _PIECE]) for at in range(0, len(data), _PIECE))


def file_of(found: Import) -> bytes:
    """Return the file; b"" where it is deleted already."""
    pieces = ImportPiece.objects.filter(of=found).order_by("pk").values_list("data", flat=True)
    return b"".join(zlib.decompress(piece) for piece in pieces.iterator(chunk_size=1))


def _note_look(found: Import, look: spreadsheets.Look, has_header: bool | None) -> None:
    """Note how a file is read, and guess what its columns are."""
    cells = [row.cells for row in look.sample]
    guess = people.guess(cells, found.country)
    found.has_header = guess.has_header if has_header is None else has_header
    found.columns = people.columns_of(cells, found.country, has_header=found.has_header)
    found.sheets, found.sheet = look.sheets, look.reading.sheet
    found.encoding, found.delimiter = look.reading.encoding, look.reading.delimiter
    found.sample = [list(row) for row in look.sample]
    found.rows = look.rows - found.has_header
    spreadsheets.check_number(found.rows)
    _begin_anew(found, State.READY)


def _begin_anew(found: Import, state: State) -> None:
    found.state, found.next_row, found.counts = state, 0, {}


def read_anew(
    account_id: int, import_id: int, wanted: Reading, *, has_header: bool | None = None
) -> Import:
    """Read a file otherwise; what its columns are is guessed anew. Raise as `upload`, and ApiError
    `not_found`, and `conflict` where it runs or ran."""
    found = find(account_id, import_id)
    _check_state(found, CHANGEABLE)
    look = spreadsheets.look(file_of(found), wanted)
    with transaction.atomic():
        found = _locked(account_id, import_id, CHANGEABLE)
        _note_look(found, look, has_header)
        found.save()
        problems(found).delete()
    return found


@transaction.atomic
def check(account_id: int, import_id: int, choices: Choices) -> Import:
    """Have the worker say what would come of it. Raise ApiError: as `read_anew`, and `invalid`."""
    found = _locked(account_id, import_id, CHANGEABLE)
    _columns(choices.columns)
    if len(choices.group) > people.LONGEST:
        raise ApiError.of_field("group", f"may have at most {people.LONGEST} characters")
    found.columns, found.group = list(choices.columns), choices.group.strip()
    found.known = choices.known
    _begin_anew(found, State.CHECKING)
    found.save()
    problems(found).delete()
    return found


def _columns(given: Sequence[str]) -> Columns:
    try:
        return Columns.of(given)
    except BadColumns as error:
        raise ApiError.of_field("columns", str(error)) from None


@transaction.atomic
def start(account_id: int, import_id: int, consent: Consent | None) -> Import:
    """Have the worker bring it in. Raise ApiError as `check`; `invalid` where people have not agreed."""
    found = _locked(account_id, import_id, CHANGEABLE)
    _columns(found.columns)
    if consent is None and found.kind == Kind.CONTACTS:
        raise ApiError.of_field("consent", "confirm that these people agreed to be written to")
    if consent is not None:
        found.consent_note, found.consent_by = consent.note[:255], consent.by[:150]
        found.consent_at = clock.now()
    _begin_anew(found, State.RUNNING)
    found.save()
    problems(found).delete()
    return found


@transaction.atomic
def stop(account_id: int, import_id: int) -> Import:
    """End an import; what is in stays. Raise ApiError `not_found`; `conflict` where it does not run."""
    found = _locked(account_id, import_id, (State.RUNNING,))
    end(found, State.STOPPED)
    return found


@transaction.atomic
def undo(account_id: int, import_id: int) -> int:
    """Delete the contacts that an import made and nobody has changed since; return how many.

    Who was put into another group meanwhile stays. Raise ApiError `not_found`; `conflict` where it
    is too late for that.
    """
    found = _locked(account_id, import_id, (State.DONE, State.STOPPED, State.FAILED))
    if not may_be_undone(found):
        raise ApiError(ErrorCode.CONFLICT, "This import cannot be undone, or not any more.")
    locks.lock_account(account_id)
    number = undoing.delete_untouched(account_id, found.pk, found.group_ids)
    found.state = State.UNDONE
    found.counts |= {"undone": number}
    found.save(update_fields=["state", "counts"])
    return number


def may_be_undone(found: Import) -> bool:
    is_ended = found.state in (State.DONE, State.STOPPED, State.FAILED)
    return bool(
        is_ended
        and found.kind == Kind.CONTACTS
        and found.ended_at
        and clock.now() - found.ended_at < UNDONE_WITHIN
    )


@transaction.atomic
def delete(account_id: int, import_id: int) -> None:
    """Delete a file that was not imported. Raise ApiError `not_found` and `conflict`."""
    _locked(account_id, import_id, CHANGEABLE).delete()


def _locked(account_id: int, import_id: int, states: Sequence[str]) -> Import:
    """Raise ApiError `not_found`, and `conflict` where it is in none of these states."""
    mine = imports(account_id).select_for_update().filter(pk=import_id)
    found = or_not_found(mine.first(), "import")
    _check_state(found, states)
    return found


def _check_state(found: Import, states: Sequence[str]) -> None:
    if found.state not in states:
        words = f"This import is {found.state}: that cannot be done now."
        raise ApiError(ErrorCode.CONFLICT, words)


class ImportEnded(TypedDict):
    """`data` of `contacts.import.finished`. The import itself says more."""

    id: RowId
    kind: Literal["contacts", "opt_outs"]
    file_name: str  # '': it came as text
    state: Literal["done", "stopped", "failed"]
    rows: int  # without the header
    done_rows: int
    counts: dict[str, int]
    error: str | None  # why it failed


def end(found: Import, state: State, error: str = "") -> None:
    """End an import: its file goes, and of its first rows all but the header. Programs are told. Call
    inside a transaction."""
    found.state, found.error, found.ended_at = state, error[:255], clock.now()
    found.sample = found.sample[: int(found.has_header)]
    found.save()
    ImportPiece.objects.filter(of=found).delete()
    data = ImportEnded(
        id=found.pk,
        kind=found.kind,  # type: ignore[typeddict-item]  # choices of the model
        file_name=found.name,
        state=found.state,  # type: ignore[typeddict-item]
        rows=found.rows,
        done_rows=found.next_row,
        counts=found.counts,
        error=found.error or None,
    )
    told = outbox.Told(EventType.IMPORT_FINISHED, data=dict(data))
    outbox.record(found.account_id, [told], found.ended_at)


@transaction.atomic
def delete_old(now: dt.datetime) -> int:
    """Delete files that nobody imported in time, and what was wrong with rows of imports long ended;
    return how much of it there was."""
    until = now - KEPT
    gone, _ = Import.objects.filter(state__in=CHANGEABLE, made_at__lt=until).delete()
    for found in Import.objects.select_for_update().filter(state=State.RUNNING, made_at__lt=until):
        end(found, State.FAILED, "it was not finished in time")
    ended = ImportProblem.objects.filter(of__ended_at__lt=until)
    return gone + ended.filter(pk__in=ended.values("pk")[:_AT_ONCE]).delete()[0]
