"""The form by which messages are chosen, for a list and for an export."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from console import words
from console.pages.parts import plausible
from contacts import selectors as contacts
from contacts.models import Contact
from licenses.models import Account
from licenses.selectors import phones
from messaging.phone import InvalidPhone, parse_phone
from messaging.selectors import MessageFilter
from messaging.states import MessageState

_SOUGHT = "sought"  # a number or a name, which has no place in an address: it comes by POST alone


class Day(forms.DateField):
    def __init__(self, **kwargs: Any) -> None:
        shown = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(required=False, widget=shown, validators=[plausible], **kwargs)


class FilterForm(forms.Form):
    """Days are the account's; both ends are meant. `sought` is a number, an external id, or how the name
    of contacts begins, who are `people` then."""

    state = forms.ChoiceField(required=False)
    device = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)
    first = Day()
    last = Day()
    sought = forms.CharField(
        required=False, max_length=255, widget=forms.TextInput(attrs={"type": "search"})
    )

    def __init__(self, request: HttpRequest, account: Account) -> None:
        asked = {**request.GET.dict(), **request.POST.dict()}
        super().__init__(asked | {_SOUGHT: request.POST.get(_SOUGHT, "")})
        self._account = account
        self.people: list[Contact] = []
        states = [(state, label.words) for state, label in words.STATES.items()]
        self._offer("state", states)
        self._offer("device", [(phone.pk, phone.name) for phone in phones(account.pk)])
        self.full_clean()

    def _offer(self, name: str, choices: list[Any]) -> None:
        self.fields[name].choices = [("", _("all")), *choices]  # type: ignore[attr-defined]

    def wanted(self) -> MessageFilter:
        """Return what was chosen; of a field that was filled in wrongly nothing."""
        chosen = self.cleaned_data
        state = chosen.get("state")
        since, until = span(chosen)
        return MessageFilter(
            status=MessageState(state) if state else None,
            since=since,
            until=until,
            device=chosen.get("device"),
            **self._looked_for(chosen.get(_SOUGHT, "")),
        )

    def _looked_for(self, sought: str) -> dict[str, Any]:
        if not sought:
            return {}
        try:
            return {"phones": (parse_phone(sought, self._account.country, allow_short_codes=True),)}
        except InvalidPhone:
            self.people = contacts.named_like(self._account.pk, sought)
        if self.people:
            return {"phones": tuple(person.phone for person in self.people)}
        return {"external_id": sought}

    def query(self) -> str:
        """Return it as the query of an address."""
        chosen = {name: self.data.get(name) for name in self.fields if name != _SOUGHT}
        return urlencode({name: value for name, value in chosen.items() if value})


def span(chosen: Mapping[str, Any]) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return when the days `first` to `last` of a form begin and have ended, on the account's clock."""
    last = chosen.get("last")
    return _midnight(chosen.get("first")), _midnight(last + dt.timedelta(days=1)) if last else None


def _midnight(day: dt.date | None) -> dt.datetime | None:
    return timezone.make_aware(dt.datetime.combine(day, dt.time())) if day else None
