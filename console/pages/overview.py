"""The first page: what needs somebody, what happened lately, and how the phones are."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console import charts
from console.access import Visit, needs
from console.pages.first_steps import Step, first_steps
from console.pages.phones import Shown, phones_of
from console.pages.send import sender_of
from http_api import clock
from http_api.errors import ApiError
from members.models import Role
from messaging import selectors
from messaging.models import DailyCount, Message
from messaging.queue_end import queue_end
from messaging.selectors import MessageFilter
from messaging.states import WAITING, MessageState

_DAYS = 14
_COUNTED = 1_000  # of what waits; more is "1000+"


@require_safe
@needs(Role.VIEWER)
def overview(request: HttpRequest, visit: Visit) -> HttpResponse:
    account = visit.account
    days = reached(account.pk, _last_days(_DAYS))
    totals = {
        name: sum(day[name] for day in days.values()) for name in ("delivered", "sent", "failed")
    }
    phones = phones_of(account.pk)
    newest = list(selectors.messages(account.pk, MessageFilter()).order_by("-pk")[:6])
    uncertain = selectors.messages(account.pk, MessageFilter(status=MessageState.UNCERTAIN))
    context = {
        "today": days[_today()],
        "totals": totals,
        "rate": _percent(totals["delivered"], totals["delivered"] + totals["failed"]),
        "chart": charts.stacked(days),
        "days": days,
        **_waiting(account.pk, sum(phone.is_working for phone in phones)),
        "steps": _steps(visit, totals, phones, newest),
        "uncertain": uncertain[:_COUNTED].count(),
        "silent": [phone for phone in phones if phone.is_silent],
        "phones": phones,
        "messages_": newest,
    }
    return render(request, "console/overview.html", context)


def _steps(
    visit: Visit, totals: dict[str, int], phones: list[Shown], newest: list[Message]
) -> list[Step]:
    """Return the first steps, for an owner: nobody else may take them all."""
    if not visit.is_owner:
        return []
    has_sent = totals["sent"] + totals["delivered"] > 0 or any(one.sent_at for one in newest)
    return first_steps(has_phone=bool(phones), has_sent=has_sent, newest=newest)


def _today() -> dt.date:
    return clock.now().date()


def _last_days(number: int) -> list[dt.date]:
    return [_today() - dt.timedelta(days=back) for back in reversed(range(number))]


def reached(account_id: int, days: list[dt.date]) -> dict[dt.date, dict[str, int]]:
    """Return how many messages ended in which way, by day in UTC, as they are counted for metrics."""
    found: dict[dt.date, dict[str, int]] = {
        day: defaultdict(int, dict.fromkeys(charts.SERIES, 0)) for day in days
    }
    rows = DailyCount.objects.filter(license__account_id=account_id, day__gte=days[0])
    for day, state, number in rows.values_list("day", "state", "number"):
        if day in found and (series := _SERIES_OF.get(state)):
            found[day][series] += number
    for counts in found.values():  # what was delivered was sent before
        counts["sent"] = max(0, counts["sent"] - counts["delivered"])
    return found


_SERIES_OF = {
    MessageState.DELIVERED.value: "delivered",
    MessageState.SENT.value: "sent",
    MessageState.UNDELIVERED.value: "failed",
    MessageState.FAILED.value: "failed",
    MessageState.EXPIRED.value: "failed",
    MessageState.UNCERTAIN.value: "uncertain",
}


def _waiting(account_id: int, phones: int) -> dict[str, Any]:
    """Return how many wait, and when phones have sent them; None where that is not known."""
    waiting = Message.objects.filter(license__account_id=account_id, status__in=WAITING)
    parts = list(waiting.values_list("parts", flat=True)[:_COUNTED])
    end = None
    if 0 < len(parts) < _COUNTED:
        with suppress(ApiError):  # nobody may send: there is no end
            hours = sender_of(account_id).hours
            end = queue_end(clock.now(), len(parts), sum(parts), phones, hours)
    return {"waiting": len(parts), "queue_end": end}


def _percent(part: int, whole: int) -> int | None:
    return round(100 * part / whole) if whole else None
