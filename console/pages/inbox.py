"""Received SMS: a list, each with a way to answer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.access import Visit, needs
from console.pages.parts import list_page, names_for
from members.models import Role
from messaging import selectors


@require_safe
@needs(Role.OPERATOR)
def inbox(request: HttpRequest, visit: Visit) -> HttpResponse:
    page = list_page(request, selectors.inbox(visit.account.pk).select_related("device"))
    names = names_for(visit, (sms.sender for sms in page.rows))
    return render(request, "console/inbox.html", {"page": page, "names": names})
