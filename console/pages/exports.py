"""Exports of messages: ask for one, watch it being written, fetch it."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from console import words
from console.access import Visit, needs
from http_api.errors import ApiError
from members import audit
from members.audit import Action
from members.models import Role
from messaging.selectors import MessageFilter
from messaging.services import exports
from messaging.states import MessageState


class ExportForm(forms.Form):
    """Days are the account's; both ends are meant."""

    state = forms.ChoiceField(required=False)
    first = forms.DateField(required=False)
    last = forms.DateField(required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        states = [(state, label.words) for state, label in words.STATES.items()]
        self.fields["state"].choices = [("", _("all")), *states]  # type: ignore[attr-defined]

    def wanted(self) -> MessageFilter:
        state, last = self.cleaned_data["state"], self.cleaned_data["last"]
        return MessageFilter(
            status=MessageState(state) if state else None,
            since=_midnight(self.cleaned_data["first"]),
            until=_midnight(last + dt.timedelta(days=1)) if last else None,
        )


def _midnight(day: dt.date | None) -> dt.datetime | None:
    return timezone.make_aware(dt.datetime.combine(day, dt.time())) if day else None


@needs(Role.OWNER)
def export_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    form = ExportForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            _ask(visit, form.wanted())
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
    return render(request, "console/exports.html", context, status=400 if form.errors else 200)


@transaction.atomic
def _ask(visit: Visit, wanted: MessageFilter) -> None:
    export = exports.ask(visit.account.pk, wanted)
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
        exports.Reader(export), as_attachment=True, filename=f"messages-{export.pk}.csv",
        content_type="text/csv; charset=utf-8",
    )  # fmt: skip
    response["Content-Length"] = export.size
    return response


@require_POST
@needs(Role.OWNER)
def delete(request: HttpRequest, visit: Visit, export_id: int) -> HttpResponse:
    exports.delete(visit.account.pk, export_id)
    messages.success(request, _("It is deleted."))
    return redirect("console:exports")
