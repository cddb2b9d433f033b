"""The form by which messages are chosen, for a list and for an export: a state and days."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from console import words
from messaging.selectors import MessageFilter
from messaging.states import MessageState


class FilterForm(forms.Form):
    """Days are the account's; both ends are meant."""

    state = forms.ChoiceField(required=False)
    first = forms.DateField(
        required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    last = forms.DateField(
        required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        states = [(state, label.words) for state, label in words.STATES.items()]
        self.fields["state"].choices = [("", _("all")), *states]  # type: ignore[attr-defined]

    def wanted(self) -> MessageFilter:
        """Return what was chosen; of a field that was filled in wrongly nothing."""
        chosen = self.cleaned_data
        state, last = chosen.get("state"), chosen.get("last")
        return MessageFilter(
            status=MessageState(state) if state else None,
            since=_midnight(chosen.get("first")),
            until=_midnight(last + dt.timedelta(days=1)) if last else None,
        )

    def query(self) -> str:
        """Return it as the query of an address."""
        chosen = {name: self.data.get(name) for name in self.fields}
        return urlencode({name: value for name, value in chosen.items() if value})


def _midnight(day: dt.date | None) -> dt.datetime | None:
    return timezone.make_aware(dt.datetime.combine(day, dt.time())) if day else None
