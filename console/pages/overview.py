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
from console.pages.first_steps import NEWEST, Facts, Step, first_steps
from console.pages.needs_me import needs_me
from console.pages.parts import names_for
from console.pages.phones import Shown, phones_of
from http_api import clock
from http_api.errors import ApiError
from licenses import daily_limit
from licenses.lookup import sender_of_row
from licenses.models import Account, License
from licenses.selectors import licenses
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
    mine = licenses(account.pk)
    sender, ids = _sender(account, mine), [one.pk for one in mine]
    newest = list(selectors.messages_of(ids, MessageFilter()).order_by("-pk")[:NEWEST])
    waiting = _waiting(ids)
    remaining = daily_limit.remaining(sender) if sender else None
    context = {
        "needs": needs_me(visit, sender, phones, waiting.uncertain, waiting.oldest_due, remaining),
        "limit": sender.max_daily_sms if sender else None,
        "remaining": remaining,
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


def _sender(account: Account, mine: list[License]) -> Sender | None:
    """Return whom the console sends as; None where nobody may send."""
    first = next((one for one in mine if one.is_active), None)
    if first is None:
        return None
    first.account = account
    with suppress(ApiError):
        return sender_of_row(first)
    return None


def _steps(
    visit: Visit, totals: dict[str, int], phones: list[Shown], newest: list[Message]
) -> list[Step]:
    """Return the first steps, for an owner: nobody else may take them all. None once they are done."""
    has_sent = totals["sent"] + totals["delivered"] > 0 or any(one.sent_at for one in newest)
    facts = Facts(bool(phones), has_sent, newest)
    if not visit.is_owner or visit.account.hides_first_steps or facts.are_enough:
        return []
    return first_steps(visit, facts)


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
    """The messages that wait for a phone, or for a decision: `_COUNTED` of each at most."""

    number: int
    parts: int
    oldest_due: dt.datetime | None
    uncertain: int


def _waiting(licenses: list[int]) -> Waiting:
    pending, uncertain = (
        selectors.messages_of(licenses, MessageFilter(status=state))
        .order_by()
        .values_list("status", "parts", "due_at")[:_COUNTED]
        for state in (MessageState.PENDING, MessageState.UNCERTAIN)
    )
    rows = list(pending.union(uncertain, all=True))
    found = [row[1:] for row in rows if row[0] != MessageState.UNCERTAIN]
    oldest = min((due_at for _, due_at in found), default=None)
    return Waiting(len(found), sum(parts for parts, _ in found), oldest, len(rows) - len(found))


def _queue_end(sender: Sender | None, waiting: Waiting, phones: int) -> dt.datetime | None:
    """Return when phones have sent what waits; None where that is not known."""
    if sender is None or not 0 < waiting.number < _COUNTED:
        return None
    return queue_end(clock.now(), waiting.number, waiting.parts, phones, sender.hours)
