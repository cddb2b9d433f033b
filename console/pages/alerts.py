"""Alerts: who is mailed when a phone is silent. A part of the phones' page."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from console.access import Visit, needs
from console.pages.parts import ids, number
from licenses.selectors import phone
from members import alert_rules
from members.models import Member, Role
from members.selectors import with_address


def context(account_id: int) -> dict[str, Any]:
    """Return what the page shows to an owner: the rules by phone, and who can be chosen."""
    members = Member.objects.filter(account_id=account_id).select_related("user").order_by("pk")
    known = with_address([member.user_id for member in members])
    return {
        "alert_rules": alert_rules.rules(account_id),
        "alert_members": [(member, member.user_id in known) for member in members],
    }


@require_POST
@needs(Role.OWNER)
def choose(request: HttpRequest, visit: Visit, device_id: int | None = None) -> HttpResponse:
    """Set the rule of all phones, or of one, which may follow that of all again."""
    account_id = visit.account.pk
    device = None if device_id is None else phone(account_id, device_id)
    if device is not None and "as_all" in request.POST:
        alert_rules.as_the_account(account_id, device, visit.actor)
    else:
        minutes = number(request.POST.get("minutes", "")) or 0
        members = ids(request.POST.getlist("members"))
        alert_rules.choose(account_id, device, members, minutes, visit.actor)
    messages.success(request, _("Saved."))
    return redirect("console:phones")
