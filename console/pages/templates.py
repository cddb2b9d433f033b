"""Templates: the list, and one to be written, looked at and deleted."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from console.access import Visit, needs
from console.pages.parts import counter_context, line, list_page
from contacts import people, templates
from contacts.models import Template
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from members.audit import Action
from members.models import Role
from messaging.personalization import in_braces
from messaging.segments import LONGEST


@require_safe
@needs(Role.OPERATOR)
def template_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    page = list_page(request, templates.templates(visit.account.pk))
    return render(request, "console/templates.html", {"page": page})


@needs(Role.OPERATOR)
def new(request: HttpRequest, visit: Visit) -> HttpResponse:
    return _edited(request, visit, None, {"name": "", "text": ""})


@needs(Role.OPERATOR)
def template(request: HttpRequest, visit: Visit, template_id: int) -> HttpResponse:
    found = templates.find(visit.account.pk, template_id)
    return _edited(request, visit, template_id, {"name": found.name, "text": found.text})


def _edited(
    request: HttpRequest, visit: Visit, template_id: int | None, shown: dict[str, Any]
) -> HttpResponse:
    """Show the form; save what was posted, or look at it."""
    problem = ""
    if request.method == "POST":
        text = request.POST.get("text", "").replace("\r\n", "\n").replace("\0", "")[: LONGEST + 1]
        shown = {"name": line(request, "name", people.LONGEST), "text": text}
        problem = _problem_of(shown)
        if not problem and "preview" not in request.POST:
            try:
                saved = _save(visit, template_id, shown)
            except ApiError as error:
                problem = _problem(error)
            else:
                messages.success(request, _("Saved."))
                return redirect("console:template", saved.pk)
    context = (
        shown
        | counter_context()
        | {
            "template_id": template_id,
            "problem": problem,
            "known": sorted(templates.longest_values(visit.account.pk)),
            "outlook": None if problem else _outlook(visit, shown["text"]),
        }
    )
    return render(request, "console/template.html", context, status=400 if problem else 200)


@transaction.atomic
def _save(visit: Visit, template_id: int | None, shown: dict[str, Any]) -> Template:
    """Raise as templates.save."""
    by = visit.user.get_username()
    saved = templates.save(visit.account.pk, template_id, by=by, **shown)
    visit.record(Action.TEMPLATE_CHANGED, saved.pk)
    return saved


def _outlook(visit: Visit, text: str) -> templates.Outlook | None:
    """Return how it would be with long values; None where it is too long with them."""
    try:
        return templates.outlook(visit.account.pk, text)
    except ApiError:
        return None


def _problem_of(shown: dict[str, Any]) -> str:
    if not shown["name"]:
        return _("A template needs a name.")
    if bad := templates.bad_variables(shown["text"]):
        return _("No contact can have such a field: %(names)s") % {"names": in_braces(bad)[:80]}
    return "" if shown["text"].strip() else _("A template needs a text.")


def _problem(error: ApiError) -> str:
    """Return what was refused, in the language of the page."""
    if error.code == ErrorCode.NOT_FOUND:
        raise error
    if error.code == ErrorCode.CONFLICT:
        return _("Another template has this name.")
    if "name" in error.errors:
        most = {"number": templates.MOST}
        return _("There are %(number)s templates already: delete one first.") % most
    return _("It is too long for one message.")


@require_POST
@needs(Role.OPERATOR)
def delete(request: HttpRequest, visit: Visit, template_id: int) -> HttpResponse:
    with transaction.atomic():
        templates.delete(visit.account.pk, template_id)
        visit.record(Action.TEMPLATE_DELETED, template_id)
    messages.success(request, _("It is deleted."))
    return redirect("console:templates")
