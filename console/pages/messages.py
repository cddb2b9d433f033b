"""Messages: the list with its filters, one with its history, and what its owner may decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from console import words
from console.access import Visit, needs
from console.message_filter import FilterForm
from console.pages.parts import ids, list_page, names_for, tell_refusal
from http_api.errors import ApiError
from members import audit
from members.audit import Action
from members.models import Role
from messaging import reasons, selectors
from messaging.models import Message, StateChange
from messaging.services import owner
from messaging.states import MessageState
from messaging.transitions import Resolution

_RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)


@needs(Role.VIEWER)
def message_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    if request.method == "POST" and not visit.is_operator:  # a viewer sees numbers masked
        return render(request, "console/not_allowed.html", {"role": Role.OPERATOR}, status=403)
    form = FilterForm(request, visit.account)
    wanted = form.wanted()
    rows = selectors.messages(visit.account.pk, wanted)
    page = list_page(request, rows, selectors.walked_messages(visit.account.pk, wanted))
    context = {
        "form": form,
        "page": page,
        "names": names_for(visit, (message.phone for message in page.rows)),
        "query": form.query(),
        "sought": form.cleaned_data.get("sought"),
        "may_decide": visit.is_operator and wanted.status == MessageState.UNCERTAIN,
    }
    return render(request, "console/messages.html", context)


@dataclass(frozen=True, slots=True)
class Step:
    """A line of a message's history."""

    change: StateChange
    label: words.Label
    why: words.Words


def _steps(message: Message, changes: Sequence[StateChange]) -> list[Step]:
    """Return the history in words; where a phone took it, which one."""
    takers = iter(selectors.takers(message))
    return [
        Step(
            one,
            words.STATES[one.to_state],
            next(takers, "")
            if one.to_state == MessageState.LEASED
            else reasons.in_words(one.cause),
        )
        for one in changes
    ]


@require_safe
@needs(Role.VIEWER)
def message(request: HttpRequest, visit: Visit, message_id: int) -> HttpResponse:
    found = selectors.message(visit.account.pk, message_id)
    changes = selectors.timeline(found)
    context: dict[str, Any] = {
        "message": found,
        "names": names_for(visit, [found.phone]),
        "steps": _steps(found, changes),
        "licence": found.license if visit.is_owner else None,
        "details_ended": selectors.details_ended(found, changes),
        "reason": reasons.in_words(found.failure_reason) if found.failure_reason else "",
        "may_cancel": found.status in _CANCELLABLE and not found.cancel_requested,
        "may_send_again": found.status == MessageState.FAILED,
    }
    return render(request, "console/message.html", context)


_CANCELLABLE = {MessageState.SCHEDULED, MessageState.PENDING, MessageState.LEASED}


@require_POST
@needs(Role.OPERATOR)
def cancel(request: HttpRequest, visit: Visit, message_id: int) -> HttpResponse:
    try:
        with transaction.atomic():
            found = owner.cancel(visit.account.pk, message_id)
            audit.record(
                visit.account.pk, visit.actor, Action.MESSAGE_CANCELLED, object_id=message_id
            )
    except ApiError as error:
        tell_or_raise(request, error)
    else:
        messages.success(request, _said_of_cancelling(found))
    return redirect("console:message", message_id)


def _said_of_cancelling(message: Message) -> str:
    if message.status == MessageState.CANCELLED:
        return _("It is cancelled.")
    return _("The phone that has it is asked to give it back.")


_AT_ONCE = 200  # decisions of one form


@require_POST
@needs(Role.OPERATOR)
def resolve_many(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Decide about the chosen uncertain messages alike; what is no longer uncertain is passed over."""
    resolution = _resolution(request)
    chosen = ids(request.POST.getlist("chosen"))[:_AT_ONCE]
    if resolution is None or not chosen:
        messages.error(request, _("Choose messages, and what became of them."))
    else:
        done = sum(_resolved(visit, one, resolution) for one in chosen)
        words = ngettext("%(number)s message is decided.", "%(number)s messages are decided.", done)
        messages.success(request, words % {"number": done})
    return redirect(f"{reverse('console:messages')}?state=uncertain")


def _resolved(visit: Visit, message_id: int, resolution: Resolution) -> bool:
    try:
        _resolve(visit, message_id, resolution)
    except ApiError:  # another's, or decided by now: by a late report, or a colleague
        return False
    return True


@transaction.atomic
def _resolve(visit: Visit, message_id: int, resolution: Resolution) -> None:
    """Decide about one message, and record that. Raise as `owner.resolve`."""
    owner.resolve(visit.account.pk, message_id, resolution)
    audit.record(
        visit.account.pk, visit.actor, Action.MESSAGE_RESOLVED,
        object_id=message_id, resolution=resolution,
    )  # fmt: skip


def _resolution(request: HttpRequest) -> Resolution | None:
    return next((one for one in _RESOLUTIONS if one == request.POST.get("resolution")), None)


@require_POST
@needs(Role.OPERATOR)
def resolve(request: HttpRequest, visit: Visit, message_id: int) -> HttpResponse:
    resolution = _resolution(request)
    if resolution is None:
        messages.error(request, _("Choose what became of it."))
        return redirect("console:message", message_id)
    try:
        _resolve(visit, message_id, resolution)
    except ApiError as error:
        tell_or_raise(request, error)
    else:
        messages.success(request, _("Done."))
    return redirect("console:message", message_id)


def tell_or_raise(request: HttpRequest, error: ApiError) -> None:
    """Show why it was refused; let `not_found` become the page for that."""
    if error.code.status == 404:
        raise error
    tell_refusal(request, error)
