"""The first page: what needs somebody, what happened lately, and how the phones are."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console import charts
from console.access import Visit, needs
from console.figures import SERIES_OF, delivery_rate, last_days, today
from console.pages.first_steps import Step, first_steps
from console.pages.needs_me import needs_me
from console.pages.parts import names_for
from console.pages.phones import Shown, phones_of
from console.pages.send import sender_of
from http_api import clock
from http_api.errors import ApiError
from licenses.sender import Sender
from members.models import Role
from messaging import selectors
from messaging.models import Message
from messaging.queue_end import queue_end
from messaging.selectors import MessageFilter
from messaging.states import MessageState

_DAYS = ("14", "90")  # that the chart may show
_COUNTED = 1_000  # of what waits; more is "1000+"


@require_safe
@needs(Role.VIEWER)
def overview(request: HttpRequest, visit: Visit) -> HttpResponse:
    account = visit.account
    asked = request.GET.get("days")
    days = _reached(account.pk, last_days(int(asked if asked in _DAYS else _DAYS[0])))
    totals = {
        name: sum(day[name] for day in days.values()) for name in ("delivered", "sent", "failed")
    }
    phones = phones_of(account.pk)
    newest = list(selectors.messages(account.pk, MessageFilter()).order_by("-pk")[:6])
    doubtful = selectors.messages(account.pk, MessageFilter(status=MessageState.UNCERTAIN))
    sender = _sender(account.pk)
    waiting = _waiting(account.pk)
    context = {
        "needs": needs_me(visit, sender, phones, doubtful[:_COUNTED].count(), waiting.oldest_due),
        "today": days[today()],
        "totals": totals,
        "rate": delivery_rate(totals),
        "chart": charts.stacked(days),
        "days": days,
        "waiting": waiting.number,
        "queue_end": _queue_end(sender, waiting, sum(phone.is_working for phone in phones)),
        "steps": _steps(visit, totals, phones, newest),
        "phones": phones,
        "messages_": newest,
        "names": names_for(visit, (message.phone for message in newest)),
    }
    return render(request, "console/overview.html", context)


def _sender(account_id: int) -> Sender | None:
    with suppress(ApiError):  # nobody may send
        return sender_of(account_id)
    return None


def _steps(
    visit: Visit, totals: dict[str, int], phones: list[Shown], newest: list[Message]
) -> list[Step]:
    """Return the first steps, for an owner: nobody else may take them all."""
    if not visit.is_owner:
        return []
    has_sent = totals["sent"] + totals["delivered"] > 0 or any(one.sent_at for one in newest)
    return first_steps(has_phone=bool(phones), has_sent=has_sent, newest=newest)


def _reached(account_id: int, days: list[dt.date]) -> dict[dt.date, dict[str, int]]:
    """Return how many messages ended in which way, by day in UTC, as they are counted for metrics."""
    found: dict[dt.date, dict[str, int]] = {
        day: defaultdict(int, dict.fromkeys(charts.SERIES, 0)) for day in days
    }
    for day, state, number in selectors.daily_counts(account_id, days[0]):
        if day in found and (series := SERIES_OF.get(state)):
            found[day][series] += number
    for counts in found.values():  # what was delivered was sent before
        counts["sent"] = max(0, counts["sent"] - counts["delivered"])
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """The messages that wait for a phone, counted up to `_COUNTED`."""

    number: int
    parts: int
    oldest_due: dt.datetime | None


def _waiting(account_id: int) -> Waiting:
    rows = selectors.messages(account_id, MessageFilter(status=MessageState.PENDING))
    found = list(rows.values_list("parts", "due_at")[:_COUNTED])
    oldest = min((due_at for _, due_at in found), default=None)
    return Waiting(len(found), sum(parts for parts, _ in found), oldest)


def _queue_end(sender: Sender | None, waiting: Waiting, phones: int) -> dt.datetime | None:
    """Return when phones have sent what waits; None where that is not known."""
    if sender is None or not 0 < waiting.number < _COUNTED:
        return None
    return queue_end(clock.now(), waiting.number, waiting.parts, phones, sender.hours)
