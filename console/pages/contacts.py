"""Contacts: the list with its search and what is done with those that are chosen, and one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from console import words
from console.access import Visit, needs
from console.pages.parts import ids, line, list_page, number, tell_refusal
from console.pages.threads import entries
from contacts import address_book, exports, people, selectors
from contacts.models import Contact
from contacts.selectors import ContactFilter
from contacts.services import Consent
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.spreadsheets import XLSX_TYPE
from licenses.models import Account
from members import audit
from members.audit import Action
from members.models import Role
from messaging.phone import InvalidPhone
from messaging.threads import talk

_AT_ONCE = 500  # contacts of one form
_SAID = 10  # lines of the conversation that a contact's page shows
_MOST_GROUPS = 200  # that are offered

IN_NO_GROUP, OPTED_OUT = "none", "opted_out"


@needs(Role.OPERATOR)
def contact_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show the list. What is looked for comes by POST: a name has no place in an address."""
    sought = line(request, "sought", people.LONGEST)
    account_id = visit.account.pk
    chosen = request.GET.get("of", "")
    context: dict[str, Any] = {"groups": _groups(account_id), "chosen": chosen, "sought": sought}
    if sought:
        found = selectors.found_like(account_id, sought, visit.account.country)
        return render(request, "console/contacts.html", context | {"page": {"rows": found}})
    wanted = _wanted(chosen)
    page = list_page(
        request,
        selectors.found_contacts(account_id, wanted),
        selectors.found_contacts(account_id, replace(wanted, in_no_group=False, opted_out=False))
        if wanted.in_no_group or wanted.opted_out
        else None,
    )
    query = f"of={chosen}" if chosen else ""
    return render(request, "console/contacts.html", context | {"page": page, "query": query})


def _wanted(chosen: str) -> ContactFilter:
    return ContactFilter(
        group=number(chosen),
        in_no_group=chosen == IN_NO_GROUP,
        opted_out=chosen == OPTED_OUT,
    )


def _groups(account_id: int) -> list[Any]:
    return list(selectors.groups(account_id).order_by("name", "pk")[:_MOST_GROUPS])


@require_POST
@needs(Role.OPERATOR)
def choose(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Put the chosen contacts into a group, take them out of one, or delete them."""
    chosen = ids(request.POST.getlist("chosen"))[:_AT_ONCE]
    action, group_id = request.POST.get("action"), number(request.POST.get("group", ""))
    if not chosen or (action != "delete" and group_id is None):
        messages.error(request, _("Choose contacts, and a group."))
        return redirect("console:contacts")
    if action == "delete":
        told = _deleted(visit, chosen)
    elif action == "remove":
        done = _regrouped(visit, address_book.take_all_out, int(group_id or 0), chosen)
        told = ngettext(
            "%(number)s contact is out of the group.",
            "%(number)s contacts are out of the group.",
            done,
        ) % {"number": done}
    else:
        done = _regrouped(visit, address_book.put_all, int(group_id or 0), chosen)
        told = ngettext(
            "%(number)s contact is in the group.", "%(number)s contacts are in the group.", done
        ) % {"number": done}
    messages.success(request, told)
    return redirect("console:contacts")


@transaction.atomic
def _regrouped(
    visit: Visit, move: Callable[[int, int, list[int]], int], group_id: int, chosen: list[int]
) -> int:
    done = move(visit.account.pk, group_id, chosen)
    visit.record(Action.GROUP_CHANGED, group_id, count=done)
    return done


@transaction.atomic
def _deleted(visit: Visit, chosen: list[int]) -> str:
    done = address_book.delete_contacts(visit.account.pk, chosen)
    audit.record(visit.account.pk, visit.actor, Action.CONTACTS_DELETED, count=done)
    told = ngettext("%(number)s contact is deleted.", "%(number)s contacts are deleted.", done)
    return told % {"number": done}


@require_POST
@needs(Role.OPERATOR)
def add(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Add a contact, or open the one who has the number."""
    try:
        phone, _several = people.read_number(request.POST.get("phone", ""), visit.account.country)
    except people.Problem as problem:
        messages.error(request, words.row_problem(problem.reason, problem.words))
        return redirect("console:contacts")
    with transaction.atomic():
        name = line(request, "name", people.LONGEST)
        contact = address_book.ensure(visit.account.pk, phone, name)
        visit.record(Action.CONTACT_CHANGED, contact.pk)
    return redirect("console:contact", contact.pk)


@needs(Role.OPERATOR)
def contact(request: HttpRequest, visit: Visit, contact_id: int) -> HttpResponse:
    found = selectors.found_contact(visit.account.pk, contact_id)
    if request.method == "POST":
        try:
            _change(request, visit, found)
        except (ApiError, InvalidPhone, people.Problem) as error:
            _tell(request, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("console:contact", contact_id)
    context = {
        "contact": found,
        "mine": {group.pk for group in found.groups.all()},
        "groups": _groups(visit.account.pk),
        "same": selectors.same_names(found) if found.name else [],
        "entries": entries(talk(visit.account.pk, found.phone, most=_SAID)),
    }
    return render(request, "console/contact.html", context)


def _tell(request: HttpRequest, error: Exception) -> None:
    if isinstance(error, people.Problem):
        messages.error(request, words.row_problem(error.reason, error.words))
    elif isinstance(error, ApiError) and error.code == ErrorCode.CONFLICT:
        messages.error(request, _("Another contact has this number."))
    elif isinstance(error, ApiError):
        tell_refusal(request, error)


@transaction.atomic
def _change(request: HttpRequest, visit: Visit, found: Contact) -> None:
    """Save the form. Raise people.Problem, and as address_book.change_contact."""
    given = request.POST.get("phone", "")
    phone = found.phone if given == found.phone else _number(given, visit.account)
    note = line(request, "consent_note", 255)
    offered = {group.pk for group in _groups(visit.account.pk)}
    others = {group.pk for group in found.groups.all()} - offered  # that the form has not shown
    address_book.change_contact(
        visit.account.pk,
        found.pk,
        name=line(request, "name", people.LONGEST) or None,
        phone=phone,
        group_ids=others | set(ids(request.POST.getlist("groups"))),
        fields=_fields(request),
        consent=Consent(note, visit.user.get_username()) if note != found.consent_note else None,
    )
    visit.record(Action.CONTACT_CHANGED, found.pk)


def _number(given: str, account: Account) -> str:
    return people.read_number(given, account.country)[0]


def _fields(request: HttpRequest) -> dict[str, str]:
    """Return the fields of the form. Raise ApiError `invalid`."""
    names, values = request.POST.getlist("field"), request.POST.getlist("value")
    fields: dict[str, str] = {}
    for name, value in zip(names, values, strict=False):
        name, value = name.strip(), value.replace("\0", "").strip()
        if not name or not value:
            continue
        if problem := people.field_problem(name):
            raise ApiError(ErrorCode.INVALID, _(problem))
        fields[name] = value[: people.LONGEST]
    if len(fields) > people.MOST_FIELDS:
        raise ApiError(ErrorCode.INVALID, _("A contact has at most 20 fields."))
    return fields


@require_POST
@needs(Role.OPERATOR)
def delete(request: HttpRequest, visit: Visit, contact_id: int) -> HttpResponse:
    selectors.contact(visit.account.pk, contact_id)
    messages.success(request, _deleted(visit, [contact_id]))
    return redirect("console:contacts")


@require_POST
@needs(Role.OPERATOR)
def merge(request: HttpRequest, visit: Visit, contact_id: int) -> HttpResponse:
    """Make one of this contact and the chosen ones of the same name."""
    others = ids(request.POST.getlist("chosen"))[:_AT_ONCE]
    try:
        with transaction.atomic():
            address_book.merge_contacts(visit.account.pk, contact_id, others)
            audit.record(
                visit.account.pk, visit.actor, Action.CONTACTS_DELETED, count=len(others),
                merged_into=contact_id,
            )  # fmt: skip
    except ApiError as error:
        if error.code == ErrorCode.NOT_FOUND:
            raise
        tell_refusal(request, error)
    else:
        messages.success(request, _("They are one contact now."))
    return redirect("console:contact", contact_id)


@require_safe
@needs(Role.OWNER)
@transaction.atomic
def export(request: HttpRequest, visit: Visit) -> HttpResponseBase:
    """Send all contacts, or those of a group, as CSV or as a workbook."""
    group_id = number(request.GET.get("of", ""))
    kind: exports.Kind = "xlsx" if request.GET.get("kind") == "xlsx" else "csv"
    audit.record(visit.account.pk, visit.actor, Action.CONTACTS_EXPORTED, object_id=group_id)
    return FileResponse(
        exports.Reader(visit.account.pk, group_id, kind),
        as_attachment=True,
        filename=f"contacts.{kind}",
        content_type=XLSX_TYPE if kind == "xlsx" else "text/csv; charset=utf-8",
    )
