"""Imports: upload a file, say how it is read and what its columns are, look at what would come of it,
run it, and fetch the rows that were refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from console import words
from console.access import Visit, needs
from console.pages.parts import line, list_page
from contacts import imports, people, refused_rows, spreadsheets, workbook
from contacts.imports import Choices, Kind, Known, State
from contacts.models import Import
from contacts.people import Columns, Person, Problem
from contacts.services import Consent
from contacts.spreadsheets import Reading, Unreadable
from http_api.body_limits import MIB
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from members import audit
from members.audit import Action
from members.models import Role

_SHOWN = 20  # rows of a preview
_LISTED = 20  # refused rows


@needs(Role.OPERATOR)
def import_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    status = 200
    if request.method == "POST":
        with _told(request):
            found = _upload(request, visit)
            return redirect("console:import", found.pk)
        status = 400
    context = {
        "page": list_page(request, imports.imports(visit.account.pk)),
        "states": words.IMPORT_STATES,
        "most_rows": spreadsheets.MOST_ROWS,
        "most_bytes": imports.MOST_BYTES,
        "text": request.POST.get("text", ""),
    }
    return render(request, "console/imports.html", context, status=status)


def _upload(request: HttpRequest, visit: Visit) -> Import:
    """Raise as imports.upload."""
    file, text = request.FILES.get("file"), request.POST.get("text", "").strip()
    data = file.read() if file else text.encode()
    kind = Kind.OPT_OUTS if request.POST.get("kind") == Kind.OPT_OUTS else Kind.CONTACTS
    name = (file.name or "") if file else ""
    by = visit.user.get_username()
    return imports.upload(
        visit.account.pk, visit.account.country, data, name=name, by=by, kind=kind
    )


@contextmanager
def _told(request: HttpRequest) -> Iterator[None]:
    """Tell what is wrong with a file, or with a choice; let `not_found` be the page for that."""
    try:
        yield
    except Unreadable as error:
        messages.error(request, words.unreadable(error))
    except workbook.Busy:
        messages.error(request, _("The server has too much to do; try again in a few seconds."))
    except ApiError as error:
        if error.code == ErrorCode.NOT_FOUND:
            raise
        messages.error(request, _refusal(error))


def _refusal(error: ApiError) -> str:
    if error.code == ErrorCode.TOO_LARGE:
        most = imports.MOST_BYTES // MIB
        return _("The file is larger than %(most)s MiB.") % {"most": most}
    if error.code == ErrorCode.CONFLICT:
        return _("That cannot be done now: look at its state, or end another import first.")
    problem = next(iter(error.errors.values()))[0]
    return _(problem)


class Shown(NamedTuple):
    """A row of the preview, as it will be."""

    number: int
    person: Person | None
    problem: str


@require_safe
@needs(Role.OPERATOR)
def one_import(request: HttpRequest, visit: Visit, import_id: int) -> HttpResponse:
    found = imports.find(visit.account.pk, import_id)
    is_changeable = found.state in (State.READY, State.CHECKING, State.CHECKED)
    context: dict[str, Any] = {
        "import": found,
        "state": words.IMPORT_STATES[found.state],
        "counts": words.import_counts(found.counts),
        "earlier": imports.earlier(found),
        "may_be_undone": imports.may_be_undone(found),
        "problems": [
            (problem, words.row_problem(problem.reason, problem.words, problem.other_row))
            for problem in imports.problems(found)[:_LISTED]
        ],
        "is_changeable": is_changeable,
    }
    if is_changeable:
        context |= _changing(found)
    return render(request, "console/import.html", context)


def _changing(found: Import) -> dict[str, Any]:
    """Return what the forms offer, and the first rows as they will be."""
    width = max((len(cells) for _number, cells in found.sample), default=0)
    header = found.sample[0][1] if found.has_header and found.sample else []
    rows = found.sample[int(found.has_header) :][:_SHOWN]
    columns = [
        {
            "title": header[place] if place < len(header) else "",
            "chosen": found.columns[place] if place < len(found.columns) else "",
            "examples": [cells[place] for _number, cells in rows[:3] if place < len(cells)],
            "field": f"{people.FIELD}{_field_name(header, place)}",
        }
        for place in range(width)
    ]
    return {
        "columns": columns,
        "roles": words.COLUMNS,
        "encodings": spreadsheets.ENCODINGS,
        "delimiters": words.DELIMITERS,
        "known": words.KNOWN,
        "shown": _shown(found, rows),
    }


def _field_name(header: list[str], place: int) -> str:
    title = header[place].strip() if place < len(header) else ""
    return title if title and not people.field_problem(title) else f"{_('column')} {place + 1}"


def _shown(found: Import, rows: list[Any]) -> list[Shown]:
    try:
        columns = Columns.of(found.columns)
    except people.BadColumns:
        return []
    shown = []
    for number, cells in rows:
        try:
            shown.append(Shown(number, columns.person(cells, found.country), ""))
        except Problem as problem:
            shown.append(Shown(number, None, words.row_problem(problem.reason, problem.words)))
    return shown


@require_POST
@needs(Role.OPERATOR)
def read_anew(request: HttpRequest, visit: Visit, import_id: int) -> HttpResponse:
    with _told(request):
        wanted = Reading(
            sheet=line(request, "sheet", 255),
            encoding=_one_of(request.POST.get("encoding"), spreadsheets.ENCODINGS),
            delimiter=_one_of(request.POST.get("delimiter"), spreadsheets.DELIMITERS),
        )
        has_header = bool(request.POST.get("has_header"))
        imports.read_anew(visit.account.pk, import_id, wanted, has_header=has_header)
    return redirect("console:import", import_id)


def _one_of(given: str | None, known: Any) -> str:
    return given if given and given in known else ""


@require_POST
@needs(Role.OPERATOR)
def check(request: HttpRequest, visit: Visit, import_id: int) -> HttpResponse:
    known = request.POST.get("known", "")
    with _told(request):
        choices = Choices(
            columns=[one.replace("\0", "") for one in request.POST.getlist("column")],
            group=line(request, "group", people.LONGEST),
            known=Known(known) if known in Known.values else Known.KEEP,
        )
        imports.check(visit.account.pk, import_id, choices)
    return redirect("console:import", import_id)


@require_POST
@needs(Role.OPERATOR)
def start(request: HttpRequest, visit: Visit, import_id: int) -> HttpResponse:
    consent = None
    if request.POST.get("consent"):
        consent = Consent(line(request, "consent_note", 255), visit.user.get_username())
    with _told(request), transaction.atomic():
        found = imports.start(visit.account.pk, import_id, consent)
        audit.record(
            visit.account.pk, visit.actor, Action.IMPORT_STARTED, object_id=found.pk,
            count=found.rows, kind=found.kind,
        )  # fmt: skip
    return redirect("console:import", import_id)


@require_POST
@needs(Role.OPERATOR)
def stop(request: HttpRequest, visit: Visit, import_id: int) -> HttpResponse:
    with _told(request), transaction.atomic():
        imports.stop(visit.account.pk, import_id)
        visit.record(Action.IMPORT_STOPPED, import_id)
        messages.success(request, _("It is stopped; what is in stays."))
    return redirect("console:import", import_id)


@require_POST
@needs(Role.OPERATOR)
def undo(request: HttpRequest, visit: Visit, import_id: int) -> HttpResponse:
    with _told(request), transaction.atomic():
        done = imports.undo(visit.account.pk, import_id)
        audit.record(
            visit.account.pk, visit.actor, Action.IMPORT_UNDONE, object_id=import_id, count=done
        )
        told = ngettext("%(number)s contact is deleted.", "%(number)s contacts are deleted.", done)
        messages.success(request, told % {"number": done})
    return redirect("console:import", import_id)


@require_POST
@needs(Role.OPERATOR)
def delete(request: HttpRequest, visit: Visit, import_id: int) -> HttpResponse:
    with _told(request), transaction.atomic():
        imports.delete(visit.account.pk, import_id)
        visit.record(Action.IMPORT_DELETED, import_id)
        messages.success(request, _("It is deleted."))
        return redirect("console:imports")
    return redirect("console:import", import_id)


@require_safe
@needs(Role.OPERATOR)
@transaction.atomic
def refused(request: HttpRequest, visit: Visit, import_id: int) -> HttpResponse:
    """Send the rows that were refused as they came, each with its reason: to be put right."""
    found = imports.find(visit.account.pk, import_id)
    visit.record(Action.REFUSED_FETCHED, import_id)
    content = refused_rows.as_file(found, _("reason"), words.row_problem)
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="refused-{found.pk}.csv"'
    return response
