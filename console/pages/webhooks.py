"""Webhooks: who is told of events, the log of what was sent, test and replay."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from console import words
from console.access import Visit, needs
from console.pages.messages import tell_or_raise
from console.pages.parts import list_page
from console.pages.send import sender_of
from http_api import clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError, or_not_found
from http_api.shapes import validated
from members.audit import Action
from members.models import Role
from outbox.types import EventType
from webhooks import endpoints, signing
from webhooks.bodies import bodies
from webhooks.models import Endpoint
from webhooks.requests import NewEndpoint

_EVENT_TYPES = [each for each in EventType if each != EventType.WEBHOOK_TEST]


@require_safe
@needs(Role.OWNER)
def webhook_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    return _webhooks(request, visit)


def _webhooks(
    request: HttpRequest, visit: Visit, given: Mapping[str, Any] | None = None, problem: str = ""
) -> HttpResponse:
    """Show the list, and the form with what was `given` to it, where that has a problem."""
    context = {
        "endpoints": endpoints.endpoints(visit.account.pk).order_by("pk"),
        "event_types": _EVENT_TYPES,
        "given": given,
        "problem": problem,
    }
    return render(request, "console/webhooks.html", context, status=400 if problem else 200)


def _given(request: HttpRequest) -> dict[str, Any]:
    return {
        "url": request.POST.get("url", "").strip(),
        "name": request.POST.get("name", "").strip(),
        "events": request.POST.getlist("events"),
    }


@require_POST
@needs(Role.OWNER)
def subscribe(request: HttpRequest, visit: Visit) -> HttpResponse:
    given = _given(request)
    try:
        body = validated(NewEndpoint, given)
        with transaction.atomic():
            row, is_new = endpoints.subscribe(
                sender_of(visit.account.pk),
                body.url,
                name=body.name,
                event_types=body.events,
                only_license=False,
            )
            _record(visit, Action.WEBHOOK_MADE if is_new else Action.WEBHOOK_CHANGED, row)
    except ApiError as error:
        return _webhooks(request, visit, given, str(words.address_problem(error)))
    return redirect("console:webhook", row.pk)


@require_safe
@needs(Role.OWNER)
def webhook(request: HttpRequest, visit: Visit, endpoint_id: int) -> HttpResponse:
    return _webhook(request, visit, endpoint_id)


def _webhook(
    request: HttpRequest, visit: Visit, endpoint_id: int, secret: str = "",
    given: Mapping[str, Any] | None = None, problem: str = "",
) -> HttpResponse:  # fmt: skip
    row = endpoints.endpoint(visit.account.pk, endpoint_id)
    context: dict[str, Any] = {
        "endpoint": row,
        "page": list_page(request, endpoints.deliveries(row)),
        "secret": secret,
        "event_types": _EVENT_TYPES,
        "given": given or {"url": row.url, "name": row.name, "events": row.event_types},
        "problem": problem,
    }
    return render(request, "console/webhook.html", context, status=400 if problem else 200)


@require_POST
@needs(Role.OWNER)
def change(request: HttpRequest, visit: Visit, endpoint_id: int) -> HttpResponse:
    """Change its address, its name, and of what it is told."""
    row, given = endpoints.endpoint(visit.account.pk, endpoint_id), _given(request)
    try:
        body = validated(NewEndpoint, given)
        with transaction.atomic():
            wanted = {"url": body.url, "name": body.name, "event_types": list(body.events)}
            endpoints.change(row, wanted)
            _record(visit, Action.WEBHOOK_CHANGED, row)
    except ApiError as error:
        problem = _("Another webhook has this address.")
        if error.code != ErrorCode.CONFLICT:
            problem = str(words.address_problem(error))
        return _webhook(request, visit, endpoint_id, given=given, problem=problem)
    messages.success(request, _("Saved."))
    return redirect("console:webhook", endpoint_id)


@require_POST
@needs(Role.OWNER)
def secret(request: HttpRequest, visit: Visit, endpoint_id: int) -> HttpResponse:
    """Show its secret, or, where that is asked for, a new one; the former signs for a day more."""
    row = endpoints.endpoint(visit.account.pk, endpoint_id)
    with transaction.atomic():
        if "rotate" in request.POST:
            endpoints.rotate(row)
            _record(visit, Action.WEBHOOK_CHANGED, row, rotated=True)
        else:
            _record(visit, Action.SECRET_SHOWN, row)
    return _webhook(request, visit, endpoint_id, signing.secret(row))


@require_POST
@needs(Role.OWNER)
def test(request: HttpRequest, visit: Visit, endpoint_id: int) -> HttpResponse:
    row = endpoints.endpoint(visit.account.pk, endpoint_id)
    try:
        with transaction.atomic():
            endpoints.test(row)
            _record(visit, Action.WEBHOOK_TESTED, row)
    except ApiError as error:
        tell_or_raise(request, error)
    else:
        messages.success(request, _("A test is on its way: see the log below."))
    return redirect("console:webhook", endpoint_id)


@require_POST
@needs(Role.OWNER)
def switch(request: HttpRequest, visit: Visit, endpoint_id: int) -> HttpResponse:
    """Switch it on or off."""
    row, enabled = endpoints.endpoint(visit.account.pk, endpoint_id), "on" in request.POST
    with transaction.atomic():
        endpoints.change(row, {"enabled": enabled})
        _record(visit, Action.WEBHOOK_CHANGED, row, enabled=enabled)
    return redirect("console:webhook", endpoint_id)


@require_POST
@needs(Role.OWNER)
def delete(request: HttpRequest, visit: Visit, endpoint_id: int) -> HttpResponse:
    row = endpoints.endpoint(visit.account.pk, endpoint_id)
    with transaction.atomic():
        _record(visit, Action.WEBHOOK_DELETED, row)
        endpoints.delete(row)
    return redirect("console:webhooks")


@require_POST
@needs(Role.OWNER)
def replay(request: HttpRequest, visit: Visit, endpoint_id: int, delivery_id: int) -> HttpResponse:
    """Send one again; 0: all that were given up."""
    row = endpoints.endpoint(visit.account.pk, endpoint_id)
    try:
        with transaction.atomic():
            number = _replayed(row, delivery_id)
            _record(visit, Action.WEBHOOK_REPLAYED, row, count=number)
    except ApiError as error:
        tell_or_raise(request, error)
    else:
        said = ngettext(
            "%(number)s event is sent again.", "%(number)s events are sent again.", number
        )
        messages.success(request, said % {"number": number})
    return redirect("console:webhook", endpoint_id)


def _replayed(row: Endpoint, delivery_id: int) -> int:
    """Send this one again, or, for 0, all that were given up; return how many."""
    if delivery_id:
        endpoints.replay(row, delivery_id)
        return 1
    return endpoints.replay_failed(row, clock.now() - dt.timedelta(days=3650))


@require_safe
@needs(Role.OWNER)
def delivery(
    request: HttpRequest, visit: Visit, endpoint_id: int, delivery_id: int
) -> HttpResponse:
    """Show what one delivery says, as it is sent, and how each try went."""
    row = endpoints.endpoint(visit.account.pk, endpoint_id)
    found = or_not_found(endpoints.deliveries(row).filter(pk=delivery_id).first(), "delivery")
    said = bodies(visit.account.pk, [found.event]) if found.event else []
    context = {
        "endpoint": row,
        "row": found,
        "payload": json.dumps(said[0], indent=2, ensure_ascii=False) if said else "",
    }
    return render(request, "console/delivery.html", context)


def _record(visit: Visit, action: Action, row: Endpoint, **details: Any) -> None:
    visit.record(action, row.pk, **details)
