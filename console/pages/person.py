"""A person by their number: what is kept of them, handed over as a file, and erased."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from console import words
from console.access import Visit, needs
from console.pages.parts import list_page
from members.audit import Action
from members.models import Role
from messaging.phone import InvalidPhone, parse_phone
from privacy import erasing, exporting


@needs(Role.OWNER)
def person(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show how much is kept of whom; the number comes by POST, for it has no place in an address."""
    context = {
        "page": list_page(request, erasing.erasures(visit.account.pk)),
        "kinds": words.ERASED,
        "typed": request.POST.get("phone", "")[:64],
    }
    if request.method == "POST":
        try:
            phone = _number(request, visit)
        except InvalidPhone as error:
            context["problem"] = words.invalid_phone(error)
            return render(request, "console/person.html", context, status=400)
        context |= {"phone": phone, "found": exporting.collect(visit.account.pk, phone)}
    return render(request, "console/person.html", context)


def _number(request: HttpRequest, visit: Visit) -> str:
    return parse_phone(request.POST.get("phone", ""), visit.account.country)


@require_POST
@needs(Role.OWNER)
@transaction.atomic
def export(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Send all that is kept of a person."""
    try:
        phone = _number(request, visit)
    except InvalidPhone as error:
        messages.error(request, words.invalid_phone(error))
        return redirect("console:person")
    visit.record(Action.PERSON_EXPORTED)
    file = exporting.as_zip(exporting.collect(visit.account.pk, phone), visit.account.name)
    headers = {"Content-Disposition": 'attachment; filename="person.zip"'}
    return HttpResponse(file, content_type=exporting.ZIP, headers=headers)


@require_POST
@needs(Role.OWNER)
def erase(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Erase a person whose number was typed twice alike."""
    try:
        phone = _number(request, visit)
        again = parse_phone(request.POST.get("confirmed", ""), visit.account.country)
    except InvalidPhone:
        again = ""
        phone = ""
    if not phone or phone != again:
        messages.error(request, _("Type the same number to erase it."))
        return redirect("console:person")
    with transaction.atomic():
        begun = erasing.erase(visit.account.pk, phone, by=visit.user.get_username())
        visit.record(Action.PERSON_ERASED, begun.pk)
    messages.success(request, _("It is being erased: that takes a minute or two."))
    return redirect("console:person")
