"""Who wants no messages: the list, add one, take one back."""

from __future__ import annotations

import re

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from console import words
from console.access import Visit, needs
from console.pages.parts import line, list_page
from http_api.errors import or_not_found
from licenses import keywords
from members import audit
from members.audit import Action
from members.models import Role
from messaging import selectors
from messaging.phone import InvalidPhone, parse_phone
from messaging.services import opt_outs

_NUMBER = re.compile(r"\d(?:[ -]?\d){5,}")  # which the audit trail is not to hold


@needs(Role.VIEWER)
def opt_out_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show them, or that of a number, which is posted: it has no place in an address."""
    if request.method == "POST" and not visit.is_operator:  # a viewer sees numbers masked
        return render(request, "console/not_allowed.html", {"role": Role.OPERATOR}, status=403)
    rows, sought, problem = selectors.opt_outs(visit.account.pk), line(request, "sought", 64), ""
    if sought:
        try:
            phone = parse_phone(sought, visit.account.country, allow_short_codes=True)
        except InvalidPhone as error:
            rows, problem = rows.none(), words.invalid_phone(error)
        else:
            rows = rows.filter(phone=phone)
    account = visit.account
    context = {
        "page": list_page(request, rows),
        "sought": sought,
        "problem": problem,
        "stop_words": ", ".join(dict.fromkeys(["stop", *keywords.listed(account.stop_words)])),
        "start_words": ", ".join(keywords.listed(account.start_words)),
    }
    return render(request, "console/opt_outs.html", context, status=400 if problem else 200)


@require_POST
@needs(Role.OPERATOR)
def add(request: HttpRequest, visit: Visit) -> HttpResponse:
    try:
        phone = parse_phone(
            request.POST.get("phone", ""), visit.account.country, allow_short_codes=True
        )
    except InvalidPhone as error:
        messages.error(request, words.invalid_phone(error))
        return redirect("console:opt_outs")
    with transaction.atomic():
        row, is_new = opt_outs.opt_out(visit.account.pk, phone, opt_outs.Source.ADMIN)
        if is_new:
            audit.record(visit.account.pk, visit.actor, Action.OPT_OUT_ADDED, object_id=row.pk)
    messages.success(request, _("This number gets no more messages."))
    return redirect("console:opt_outs")


@require_POST
@needs(Role.OWNER)
def take_back(request: HttpRequest, visit: Visit, opt_out_id: int) -> HttpResponse:
    row = or_not_found(
        selectors.opt_outs(visit.account.pk).filter(pk=opt_out_id).first(), "opt-out"
    )
    reason = _NUMBER.sub("…", line(request, "reason", 200))
    if not reason:
        messages.error(request, _("Say why: they asked for no more messages."))
        return redirect("console:opt_outs")
    with transaction.atomic():
        opt_outs.opt_in(visit.account.pk, row.phone)
        audit.record(
            visit.account.pk,
            visit.actor,
            Action.OPT_OUT_REMOVED,
            object_id=opt_out_id,
            reason=reason,
        )
    messages.success(request, _("This number may get messages again."))
    return redirect("console:opt_outs")
