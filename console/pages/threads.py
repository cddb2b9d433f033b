"""Conversations: what was said with each person, both ways, and what is to be done about it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from console import words
from console.access import Visit, needs
from console.pages.filling import Filling, filling
from console.pages.parts import PAGE, counter_context, line, names_for
from console.pages.send import accept_by_hand, as_once, new_once, sender_of
from contacts import selectors as contacts
from contacts.models import Contact
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.pagination import first_rows
from licenses.selectors import active_licenses, phones
from members.audit import Action
from members.models import Role
from messaging.drafts import Draft
from messaging.models import InboundMessage, Thread
from messaging.phone import InvalidPhone, parse_phone
from messaging.services import threads as services
from messaging.threads import (
    MOST_UNREAD,
    Below,
    Line,
    Place,
    Show,
    Talk,
    count_unread,
    is_number,
    last_texts,
    talk,
    thread,
    threads,
    with_phones,
)

_SHOWN = {show.value for show in Show} - {Show.READ.value}


@needs(Role.OPERATOR)
def thread_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Show the list. What is looked for comes by POST: a number has no place in an address."""
    account_id, sought = visit.account.pk, line(request, "sought", 255)
    chosen = request.GET.get("show", "")
    chosen = chosen if chosen in _SHOWN else ""
    below = Place.of(request.GET.get("below", ""))
    new: list[Thread] = []
    has_more_new, end = False, None
    if sought:
        found = with_phones(account_id, _numbers(visit, sought))
    else:
        if not chosen and below is None:
            new, has_more_new = first_rows(_rows(visit, Show.UNREAD, None), PAGE)
        found, has_more = first_rows(_rows(visit, Show(chosen or Show.READ), below), PAGE)
        end = Place(found[-1].last_at, found[-1].pk) if has_more else None
    shown = [*new, *found]
    context = {
        "threads": shown,
        "texts": last_texts(account_id, shown),
        "names": names_for(visit, [one.phone for one in shown]),
        "unread": count_unread(account_id),
        "most": MOST_UNREAD,
        "has_more_new": has_more_new,
        "page": {"below": end},
        "query": f"show={chosen}" if chosen else "",
        "chosen": chosen,
        "sought": sought,
        "deaf": [] if shown else _deaf(account_id),
    }
    return render(request, "console/threads.html", context)


def _rows(visit: Visit, show: Show, below: Place | None) -> Any:
    rows = threads(visit.account.pk, show, user_id=visit.user.pk, below=below)
    return rows.select_related("assignee")


def _numbers(visit: Visit, sought: str) -> list[str]:
    """Return the numbers that may be meant: this one, those of contacts who are found by it."""
    people = contacts.found_like(visit.account.pk, sought, visit.account.country)
    try:
        given = parse_phone(sought, visit.account.country, allow_short_codes=True)
    except InvalidPhone:
        given = sought  # a sender's name
    return [given, *(person.phone for person in people)]


def _deaf(account_id: int) -> list[str]:
    """Return the names of the phones that may not receive."""
    return [
        phone.name
        for phone in phones(account_id)
        if phone.health.get("permissions", {}).get("receive_sms") is False
    ]


@dataclass(frozen=True, slots=True)
class _Reply:
    """The form below a conversation."""

    once: str
    text: str
    filling: Filling
    problem: words.Words = ""


@needs(Role.OPERATOR)
def one_thread(request: HttpRequest, visit: Visit, thread_id: int) -> HttpResponse:
    """Show what was said, and take an answer. Who sees the newest of it has read it."""
    found = thread(visit.account.pk, thread_id)
    below = Below.of(request.GET.get("below", ""))
    said = talk(visit.account.pk, found.phone, below)
    may_answer = is_number(found.phone) and said.opt_out is None
    reply = None
    if may_answer:
        reply = _Reply(
            once=as_once(request.POST.get("once", "")),
            text=request.POST.get("text", "").replace("\r\n", "\n"),
            filling=filling(request, visit.account.pk, found.phone),
        )
        if request.method == "POST" and "fill" not in request.POST:
            answered = _answered(visit, found, said, reply)
            if isinstance(answered, HttpResponse):
                return answered
            reply = answered
    if request.method == "GET" and "below" not in request.GET:
        services.read(found)
    names = names_for(visit, [found.phone])
    context = counter_context() | {
        "thread": found,
        "name": names.get(found.phone, ""),
        "contact": Contact.objects.filter(account=visit.account, phone=found.phone).first(),
        "entries": entries(said),
        "page": {"below": said.below},
        "opt_out": said.opt_out,
        "is_number": is_number(found.phone),
        "reply": reply,
        "filling": reply.filling if reply else None,
        "members": services.assignees(visit.account.pk),
        "is_newest": "below" not in request.GET,
    }
    is_refused = bool(reply and reply.problem)
    return render(request, "console/thread.html", context, status=400 if is_refused else 200)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the page: something said, or that they opted out."""

    at: dt.datetime
    line: Line | None = None


def entries(said: Talk) -> list[Entry]:
    """Return the lines, the oldest first, and among them the opt-out, where it is of their time."""
    found = [Entry(one.at, one) for one in said.lines]
    if said.opt_out is not None:
        at = said.opt_out.said_at or said.opt_out.created_at
        if said.below is None or (found and found[0].at <= at):
            found.append(Entry(at))
    return sorted(found, key=lambda entry: entry.at)


def _answered(visit: Visit, found: Thread, said: Talk, reply: _Reply) -> HttpResponse | _Reply:
    """Send the answer by the licence whose phone heard them last, from the SIM that they wrote to."""
    if not reply.text.strip():
        return replace(reply, problem=_("Write something first."))
    heard = next((one.sms for one in reversed(said.lines) if one.sms), None)
    try:
        license_id = _license_of(visit, heard)
        draft = Draft(
            phone=found.phone,
            text=reply.text,
            external_id=reply.once,
            sim=heard.sim if heard and license_id else None,
        )
        accept_by_hand(visit, sender_of(visit.account.pk, license_id), draft)
    except ApiError as error:
        is_used = error.code == ErrorCode.DUPLICATE_EXTERNAL_ID
        once = new_once() if is_used else reply.once
        return replace(reply, once=once, problem=words.refusal(error))
    return redirect("console:thread", found.pk)


def _license_of(visit: Visit, heard: InboundMessage | None) -> int | None:
    """Return the licence whose phone received this, where it can still send."""
    if heard is None:
        return None
    license_id = heard.device.license_id
    return license_id if active_licenses(visit.account.pk).filter(pk=license_id).exists() else None


@require_POST
@needs(Role.OPERATOR)
def change(request: HttpRequest, visit: Visit, thread_id: int) -> HttpResponse:
    """Mark a conversation unread, put it away or bring it back, or say who sees to it."""
    account_id, action = visit.account.pk, request.POST.get("action")
    if action == "assign":
        username = line(request, "assignee", 150) or None
        try:
            with transaction.atomic():
                services.assign(account_id, thread_id, username)
                visit.record(Action.THREAD_CHANGED, thread_id, assignee=username or "")
        except ApiError as error:
            if error.code == ErrorCode.NOT_FOUND:
                raise
            messages.error(request, _("Nobody of this name may answer."))
        else:
            messages.success(request, _("Saved."))
        return redirect("console:thread", thread_id)
    is_archived = {"archive": True, "restore": False}.get(action or "")
    is_unread = True if action == "unread" else None
    with transaction.atomic():
        services.change(account_id, thread_id, is_unread=is_unread, is_archived=is_archived)
        visit.record(Action.THREAD_CHANGED, thread_id)
    return redirect("console:threads")


@require_POST
@needs(Role.OPERATOR)
def begin(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Open the conversation with a number, which may be none yet."""
    try:
        phone = parse_phone(
            request.POST.get("phone", ""), visit.account.country, allow_short_codes=True
        )
    except InvalidPhone as error:
        messages.error(request, words.invalid_phone(error))
        return redirect("console:threads")
    return redirect("console:thread", services.opened(visit.account.pk, phone).pk)
