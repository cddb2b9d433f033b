"""Groups of contacts: the list, rename, merge, delete with people or without."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from console.access import Visit, needs
from console.pages.parts import ids, line, list_page
from contacts import address_book, people, selectors
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.pagination import MOST
from members import audit
from members.audit import Action
from members.models import Role


@require_safe
@needs(Role.OPERATOR)
def group_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    page = list_page(request, selectors.counted_groups(visit.account.pk))
    return render(request, "console/groups.html", {"page": page, "most": MOST})


@require_POST
@needs(Role.OPERATOR)
def add(request: HttpRequest, visit: Visit) -> HttpResponse:
    if name := line(request, "name", people.LONGEST):
        with transaction.atomic():
            visit.record(Action.GROUP_CHANGED, address_book.ensure_group(visit.account.pk, name).pk)
        messages.success(request, _("Saved."))
    else:
        messages.error(request, _("A group needs a name."))
    return redirect("console:groups")


@require_POST
@needs(Role.OPERATOR)
def rename(request: HttpRequest, visit: Visit, group_id: int) -> HttpResponse:
    name = line(request, "name", people.LONGEST)
    if not name:
        selectors.group(visit.account.pk, group_id)
        messages.error(request, _("A group needs a name."))
    else:
        with transaction.atomic():
            address_book.rename_group(visit.account.pk, group_id, name)
            visit.record(Action.GROUP_CHANGED, group_id)
        messages.success(request, _("Saved."))
    return redirect("console:groups")


@require_POST
@needs(Role.OPERATOR)
def delete(request: HttpRequest, visit: Visit, group_id: int) -> HttpResponse:
    with_contacts = bool(request.POST.get("with_contacts"))
    try:
        with transaction.atomic():
            address_book.delete_group(visit.account.pk, group_id, with_contacts=with_contacts)
            audit.record(
                visit.account.pk, visit.actor, Action.GROUP_DELETED,
                object_id=group_id, with_contacts=with_contacts,
            )  # fmt: skip
    except ApiError as error:
        _tell(request, error)
    else:
        messages.success(request, _("It is deleted."))
    return redirect("console:groups")


@require_POST
@needs(Role.OPERATOR)
def merge(request: HttpRequest, visit: Visit, group_id: int) -> HttpResponse:
    """Move the contacts of the chosen group into this one."""
    try:
        with transaction.atomic():
            others = ids(request.POST.getlist("into_it"))
            address_book.merge_groups(visit.account.pk, group_id, others)
            visit.record(Action.GROUP_CHANGED, group_id, merged=others)
    except ApiError as error:
        _tell(request, error)
    else:
        messages.success(request, _("They are one group now."))
    return redirect("console:groups")


def _tell(request: HttpRequest, error: ApiError) -> None:
    if error.code == ErrorCode.NOT_FOUND:
        raise error
    messages.error(request, _("An alert link sends to this group: revoke it first."))
