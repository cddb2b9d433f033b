"""The account's settings, by their own rules; each change stands in the audit trail, old and new."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from console.access import Visit, needs
from console.hours_field import WeekField, WeekGrid
from http_api import clock
from licenses.models import Account
from licenses.sending_hours import sending_hours
from members import audit
from members.audit import Action
from members.models import Role


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Account
        fields: ClassVar = [
            "name", "country", "time_zone", "sending_hours", "max_age_hours", "retention_days",
            "kept_sms", "stop_words", "start_words", "needs_second_factor",
        ]  # fmt: skip
        field_classes: ClassVar = {"sending_hours": WeekField}
        help_texts: ClassVar = {
            "sending_hours": _(
                "On your account's clock. A day without times is closed; none at all: always open."
                " What waits keeps its start, and no phone starts it outside these hours."
            )
        }
        widgets: ClassVar = {
            "sending_hours": WeekGrid,
            "stop_words": forms.Textarea(attrs={"rows": 2}),
            "start_words": forms.Textarea(attrs={"rows": 2}),
        }


@needs(Role.OWNER)
def settings(request: HttpRequest, visit: Visit) -> HttpResponse:
    account = Account.objects.get(pk=visit.account.pk)
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=account)
    if form.is_valid():
        with transaction.atomic():
            locked = Account.objects.select_for_update().get(pk=account.pk)
            changes = _changes(locked, form)
            form.save()
            if changes:
                audit.record(visit.account.pk, visit.actor, Action.SETTINGS_CHANGED, **changes)
        messages.success(request, _("Saved."))
        return redirect("console:settings")
    context = {"form": form, "account": account, "turn": _next_turn(visit.account)}
    return render(request, "console/settings.html", context, status=400 if form.errors else 200)


def _next_turn(account: Account) -> tuple[bool, dt.datetime] | None:
    """Return whether it sends now, and until when that is so; None: always."""
    hours, now = sending_hours(account.sending_hours, account.zone), clock.now()
    if hours is None:
        return None
    return hours.is_open(now), hours.next_turn(now)


def _changes(before: Account, form: SettingsForm) -> dict[str, Any]:
    """Return what differs, by field, as it was and as it is to be."""
    return {
        name: {"from": str(getattr(before, name) or ""), "to": str(form.cleaned_data[name] or "")}
        for name in form.fields
        if getattr(before, name) != form.cleaned_data[name]
    }
