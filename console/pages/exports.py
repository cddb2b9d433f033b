"""Exports of messages: ask for one, watch it being written, fetch it."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from console import words
from console.access import Visit, needs
from console.message_filter import FilterForm
from http_api import spreadsheets
from http_api.errors import ApiError
from members import audit
from members.audit import Action
from members.models import Role
from messaging.models import Export
from messaging.selectors import MessageFilter
from messaging.services import exports


@needs(Role.OWNER)
def export_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    is_asked = request.method == "POST" and "begin" not in request.POST  # by the page of messages
    form = FilterForm(request, visit.account)
    if is_asked and form.is_valid():
        try:
            _ask(visit, form.wanted(), _kind(request))
        except ApiError:
            form.add_error(None, _("There are as many exports as an account may have: delete one."))
        else:
            return redirect("console:exports")
    context = {
        "form": form,
        "states": words.STATES,
        "exports": exports.exports(visit.account.pk),
        "most": exports.MOST_ROWS,
    }
    return render(
        request, "console/exports.html", context, status=400 if is_asked and form.errors else 200
    )


def _kind(request: HttpRequest) -> Export.Kind:
    return Export.Kind.XLSX if request.POST.get("kind") == Export.Kind.XLSX else Export.Kind.CSV


@transaction.atomic
def _ask(visit: Visit, wanted: MessageFilter, kind: Export.Kind) -> None:
    export = exports.ask(visit.account.pk, wanted, kind)
    audit.record(visit.account.pk, visit.actor, Action.MESSAGES_EXPORTED, object_id=export.pk)


@require_safe
@needs(Role.OWNER)
@transaction.atomic
def fetch(request: HttpRequest, visit: Visit, export_id: int) -> HttpResponseBase:
    export = exports.export(visit.account.pk, export_id)
    if export.finished_at is None or export.is_too_large:
        return redirect("console:exports")
    audit.record(
        visit.account.pk, visit.actor, Action.EXPORT_FETCHED, object_id=export.pk, rows=export.rows
    )
    response = FileResponse(
        exports.Reader(export), as_attachment=True,
        filename=f"messages-{export.pk}.{export.kind}", content_type=_TYPES[export.kind],
    )  # fmt: skip
    response["Content-Length"] = export.size
    return response


_TYPES = {
    Export.Kind.CSV.value: "text/csv; charset=utf-8",
    Export.Kind.XLSX.value: spreadsheets.XLSX_TYPE,
}


@require_POST
@needs(Role.OWNER)
def delete(request: HttpRequest, visit: Visit, export_id: int) -> HttpResponse:
    with transaction.atomic():
        exports.delete(visit.account.pk, export_id)
        visit.record(Action.EXPORT_DELETED, export_id)
    messages.success(request, _("It is deleted."))
    return redirect("console:exports")
