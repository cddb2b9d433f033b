"""All that there is of one person, by their number: handed over when they ask for it, and erased."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from console import words
from console.access import Visit, needs
from console.pages.parts import line
from contacts import personal_data
from contacts.personal_data import Kept
from members.audit import Action
from members.models import Role
from messaging.phone import InvalidPhone, parse_phone


@needs(Role.OWNER)
def person(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show how much there is, of a number that is posted: it has no place in an address."""
    return _page(request, visit)


@require_POST
@needs(Role.OWNER)
def export(request: HttpRequest, visit: Visit) -> HttpResponse:
    try:
        phone = _number(request, visit, "phone")
    except InvalidPhone:
        return _page(request, visit)
    with transaction.atomic():
        content = personal_data.as_zip(visit.account.pk, phone)
        visit.record(Action.PERSON_EXPORTED)
    response = HttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = 'attachment; filename="person.zip"'
    return response


@require_POST
@needs(Role.OWNER)
def erase(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Erase it, where the number was typed once more to confirm that."""
    try:
        phone = _number(request, visit, "phone")
        is_confirmed = _number(request, visit, "confirmed") == phone
    except InvalidPhone:
        is_confirmed = False
    if not is_confirmed:
        messages.error(request, _("Type the number once more to erase it."))
        return _page(request, visit, status=400)
    with transaction.atomic():
        left = personal_data.erase(visit.account.pk, phone)
        visit.record(Action.PERSON_ERASED)
    messages.success(request, _("It is erased."))
    return _page(request, visit, left)


def _number(request: HttpRequest, visit: Visit, name: str) -> str:
    """Raise InvalidPhone."""
    return parse_phone(line(request, name, 64), visit.account.country, allow_short_codes=True)


def _page(
    request: HttpRequest, visit: Visit, kept: Kept | None = None, status: int = 200
) -> HttpResponse:
    problem = ""
    if kept is None and request.POST.get("phone"):
        try:
            kept = personal_data.kept(visit.account.pk, _number(request, visit, "phone"))
        except InvalidPhone as error:
            problem, status = words.invalid_phone(error), 400
    context = {"kept": kept, "problem": problem, "typed": line(request, "phone", 64)}
    return render(request, "console/person.html", context, status=status)
