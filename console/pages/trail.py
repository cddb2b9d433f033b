"""The audit trail: read in words, by what, whom and when, or fetched as a file."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from console import audit_words, words
from console.access import Visit, needs
from console.message_filter import Day, span
from console.pages.parts import list_page
from http_api import spreadsheets
from members import audit
from members.audit import Action
from members.models import AuditEntry, Role
from members.selectors import names

_IN_A_FILE = 100_000


class TrailForm(forms.Form):
    """A person stands by their id in the address: a name has no place there."""

    action = forms.ChoiceField(required=False, label=_("What"))
    who = forms.TypedChoiceField(required=False, coerce=int, empty_value=None, label=_("Who"))
    first = Day(label=_("From"))
    last = Day(label=_("Up to and including"))

    def __init__(self, request: HttpRequest, account_id: int) -> None:
        super().__init__(request.GET)
        self._entries = audit.entries(account_id)
        self._offer("action", words.ACTIONS.items())
        self._offer("who", audit.people(account_id).items())
        self.full_clean()

    def _offer(self, name: str, choices: Any) -> None:
        self.fields[name].choices = [("", _("all")), *choices]  # type: ignore[attr-defined]

    def entries(self) -> QuerySet[AuditEntry]:
        """Return those that were chosen; a field that was filled in wrongly chooses nothing."""
        chosen = self.cleaned_data
        since, until = span(chosen)
        wanted = {
            "action": chosen.get("action") or None,
            "user_id": chosen.get("who"),
            "at__gte": since,
            "at__lt": until,
        }
        return self._entries.filter(**{name: it for name, it in wanted.items() if it is not None})

    def query(self) -> str:
        """Return it as the query of an address."""
        chosen = {name: self.data.get(name) for name in self.fields}
        return urlencode({name: value for name, value in chosen.items() if value})


@require_safe
@needs(Role.OWNER)
def trail(request: HttpRequest, visit: Visit) -> HttpResponse:
    form = TrailForm(request, visit.account.pk)
    page = list_page(request, form.entries())
    rows = [
        (
            entry,
            words.ACTIONS.get(entry.action, entry.action),
            audit_words.place(entry.details),
            audit_words.details(entry.details),
        )
        for entry in page.rows
    ]
    context = {
        "form": form,
        "page": page,
        "rows": rows,
        "query": form.query(),
        "called": names({entry.user_id for entry in page.rows if entry.user_id is not None}),
    }
    return render(request, "console/audit.html", context)


@require_safe
@needs(Role.OWNER)
@transaction.atomic
def trail_file(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Answer the newest of the entries that were chosen, as CSV."""
    visit.record(Action.TRAIL_EXPORTED)
    rows = [
        (f"{timezone.localtime(entry.at):%Y-%m-%d %H:%M:%S}", entry.username, entry.action,
         entry.object_id, entry.count, json.dumps(entry.details, ensure_ascii=False), entry.network)
        for entry in TrailForm(request, visit.account.pk).entries()[:_IN_A_FILE]
    ]  # fmt: skip
    cells = [map(spreadsheets.as_text, row) for row in rows]
    head = ("at", "who", "action", "object_id", "count", "details", "network")
    return HttpResponse(
        spreadsheets.BOM + spreadsheets.lines([head, *cells]),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit-trail.csv"'},
    )
