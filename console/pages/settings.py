"""The account's settings, by their own rules; each change stands in the audit trail, old and new."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from console.access import Visit, needs
from console.hours_field import WeekField, WeekGrid
from http_api import clock
from licenses.models import Account
from licenses.sending_hours import sending_hours
from licenses.services import Changed, change_settings
from members import audit
from members.audit import Action
from members.models import Role
from messaging.moved_starts import COUNTED, moved_starts


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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():  # by what `changed_data` knows what the page showed
            field.show_hidden_initial = True


@needs(Role.OWNER)
def settings(request: HttpRequest, visit: Visit) -> HttpResponse:
    account = Account.objects.get(pk=visit.account.pk)
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=account)
    if form.is_valid():
        try:
            changed = _save(visit, form)
        except ValidationError as error:  # together with what somebody else has changed meanwhile
            form.add_error(None, error)
        else:
            messages.success(request, _said_of(changed))
            return redirect("console:settings")
    context = {"form": form, "account": account, "turn": _next_turn(visit.account)}
    return render(request, "console/settings.html", context, status=400 if form.errors else 200)


@transaction.atomic
def _save(visit: Visit, form: SettingsForm) -> Changed:
    """Save what was changed on the page, with its old value in the trail. Raise ValidationError."""
    wanted = {name: form.cleaned_data[name] for name in form.changed_data}
    changed = change_settings(visit.account.pk, wanted)
    if changed.fields:
        old_and_new: dict[str, Any] = {
            name: {"from": _text(changed.before, name), "to": _text(changed.after, name)}
            for name in changed.fields
        }
        audit.record(visit.account.pk, visit.actor, Action.SETTINGS_CHANGED, **old_and_new)
    return changed


def _text(account: Account, name: str) -> str:
    return str(getattr(account, name) or "")


def _said_of(changed: Changed) -> str:
    number = moved_starts(changed.before, changed.after)
    if not number:
        return gettext("Saved.")
    words = ngettext(
        "Saved. %(number)s waiting message moves to another time.",
        "Saved. %(number)s waiting messages move to another time.",
        number,
    )
    return words % {"number": f"{number}+" if number == COUNTED else number}


def _next_turn(account: Account) -> tuple[bool, dt.datetime] | None:
    """Return whether it sends now, and until when that is so; None: always."""
    hours, now = sending_hours(account.sending_hours, account.zone), clock.now()
    if hours is None:
        return None
    return hours.is_open(now), hours.next_turn(now)
