"""Send one SMS: to a number, or to a contact found by name; now or later."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from console import words
from console.access import Visit, needs
from console.pages.filling import filling
from console.pages.parts import counter_context, line, names_for, number, plausible
from contacts import selectors as contacts
from contacts.models import Contact
from http_api import clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from licenses import daily_limit, lookup
from licenses.selectors import active_licenses, paired_devices
from licenses.sender import Sender
from members import audit
from members.audit import Action
from members.models import Role
from messaging import selectors
from messaging.drafts import ClientTime, Draft
from messaging.phone import InvalidPhone, parse_phone
from messaging.services import accept, threads

ONCE_PREFIX = "console-"  # of external ids that a form here gives
_ONCE = re.compile(f"{ONCE_PREFIX}[0-9a-f-]{{36}}")


class SendForm(forms.Form):
    """`once` is a form's own id, so that a second click, or a reload, sends nothing again."""

    once = forms.CharField(widget=forms.HiddenInput)
    phone = forms.CharField(label=_("To"), max_length=64)
    text = forms.CharField(label=_("Text"), widget=forms.Textarea, max_length=20_000, strip=False)
    at = forms.DateTimeField(label=_("When"), required=False, validators=[plausible])
    sim = forms.TypedChoiceField(
        label="SIM", required=False, coerce=int, empty_value=None, choices=()
    )

    def __init__(self, sender: Sender, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sender = sender
        self.people: list[Contact] = []  # who may be meant by a name in place of a number
        self.fields["sim"].choices = [("", _("any")), *_sims(sender)]  # type: ignore[attr-defined]

    def clean_once(self) -> str:
        return as_once(self.cleaned_data["once"])

    def clean_phone(self) -> str:
        try:
            return parse_phone(
                self.cleaned_data["phone"],
                self._sender.country,
                allow_short_codes=self._sender.allow_short_codes,
            )
        except InvalidPhone as error:
            typed = self.cleaned_data["phone"]
            self.people = contacts.named_like(self._sender.account_id, typed)
            raise forms.ValidationError(self._asked(typed, error)) from None

    def _asked(self, typed: str, error: InvalidPhone) -> str:
        if self.people:
            return gettext("Whom do you mean?")
        if any(letter.isalpha() for letter in typed):
            return gettext("No contact has a name like this; a number has only digits.")
        return words.invalid_phone(error)

    def draft(self) -> Draft:
        at: dt.datetime | None = self.cleaned_data["at"]
        start = ClientTime(at.astimezone(dt.UTC), at.isoformat(timespec="seconds")) if at else None
        return Draft(
            phone=self.cleaned_data["phone"],
            text=self.cleaned_data["text"].replace("\r\n", "\n"),
            external_id=self.cleaned_data["once"],
            send_after=start,
            sim=self.cleaned_data["sim"],
        )


def _sims(sender: Sender) -> list[tuple[int, str]]:
    """Return the SIMs that messages can name, where one of the phones has several."""
    slots = max((len(phone.sims) for phone in paired_devices(sender)), default=0)
    return [(slot, f"SIM {slot + 1}") for slot in range(slots)] if slots > 1 else []


def _opening(sender: Sender) -> dt.datetime | None:
    """Return when the sending hours open; None: they are open now, or always."""
    hours, now = sender.hours, clock.now()
    return None if hours is None or hours.is_open(now) else hours.next_opening(now)


def new_once() -> str:
    return f"{ONCE_PREFIX}{uuid.uuid4()}"


def as_once(given: str) -> str:
    """Return a form's own id; a new one where this is none."""
    return given if _ONCE.fullmatch(given) else new_once()


@needs(Role.OPERATOR)
def send(request: HttpRequest, visit: Visit) -> HttpResponse:
    try:
        sender = sender_of(visit.account.pk, number(request.POST.get("license", "")))
    except ApiError as error:
        return render(request, "console/send.html", {"refusal": words.refusal(error)})
    # By a form of another page, by the choice of a person or a template: to be completed here.
    is_begun = any(name in request.POST for name in ("begin", "chosen", "fill"))
    form = SendForm(sender, request.POST if request.method == "POST" and not is_begun else None)
    if is_begun:
        form.initial = {name: request.POST.get(name, "") for name in ("text", "at", "sim")}
        form.initial["phone"] = line(request, "chosen", 64) or line(request, "phone", 64)
    filled = filling(request, visit.account.pk, _number(form.initial.get("phone"), sender))
    if filled.text is not None:
        form.initial["text"] = filled.text
    preview, is_used = None, False
    if form.is_valid() and "preview" in request.POST:
        preview = accept.preview(sender, form.draft())
    elif form.is_valid():
        try:
            message_id = accept_by_hand(visit, sender, form.draft())
        except ApiError as error:
            is_used = error.code == ErrorCode.DUPLICATE_EXTERNAL_ID
            form.add_error(_FIELDS.get(next(iter(error.errors), "")), str(words.refusal(error)))
        else:
            messages.success(request, _("It is accepted."))
            return redirect("console:message", message_id)
    context = counter_context() | {
        "form": form,
        "names": _names(visit, form),
        "filling": filled,
        "licenses": active_licenses(visit.account.pk),
        "license_id": sender.license_id,
        "preview": preview,
        "preview_refusal": words.refusal(preview.refusal) if preview and preview.refusal else "",
        "once": new_once() if is_used else form.data.get("once") or new_once(),
        "remaining": daily_limit.remaining(sender),
        "limit": sender.max_daily_sms,
        "zone": timezone.get_current_timezone_name(),
        "opens_at": _opening(sender),
    }
    return render(request, "console/send.html", context, status=400 if form.errors else 200)


def _number(typed: str | None, sender: Sender) -> str | None:
    """Return the number that was typed, where it is one."""
    try:
        return parse_phone(typed or "", sender.country, allow_short_codes=sender.allow_short_codes)
    except InvalidPhone:
        return None


def _names(visit: Visit, form: SendForm) -> dict[str, str]:
    """Return the name of whom the form is for, where that is known."""
    phone = form.cleaned_data.get("phone") if form.is_bound else form.initial.get("phone")
    return names_for(visit, [phone]) if phone else {}


_FIELDS = {"phone": "phone", "message": "text", "send_after": "at"}


def accept_by_hand(visit: Visit, sender: Sender, draft: Draft) -> int:
    """Queue it, and return its id; that of the same form's first message where it was sent before.

    Raise ApiError, `duplicate_external_id` where what it sent before was another message.
    """
    try:
        with transaction.atomic():
            message = accept.accept(sender, [draft], accept.REFUSE).only
            threads.said(message)
            audit.record(visit.account.pk, visit.actor, Action.MESSAGE_SENT, object_id=message.pk)
            return int(message.pk)
    except ApiError as error:
        if error.code != ErrorCode.DUPLICATE_EXTERNAL_ID or draft.external_id is None:
            raise
        first = selectors.message_of_license(sender.license_id, draft.external_id)
        if (first.phone, first.text) != (draft.phone, draft.text):
            raise
    return int(first.pk)


def sender_of(account_id: int, license_id: int | None = None) -> Sender:
    """Return whom the console sends as: this licence, or the account's first. Raise ApiError."""
    mine = active_licenses(account_id)
    if license_id is not None:
        mine = mine.filter(pk=license_id)
    return lookup.sender_of_license(mine.values_list("pk", flat=True).first() or 0)
