"""The phones: how each is and why; pair one, rename, pause, unpair."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from console import phone_health
from console.access import Visit, needs
from console.figures import SERIES_OF, delivery_rate, last_days, today
from console.pages import alerts
from console.pages.parts import line, number
from console.words import Words
from http_api import clock
from http_api.errors import or_not_found
from licenses import selectors
from licenses import services as licenses
from licenses.models import Device, PairingCode
from licenses.pairing import app_link, app_version, pairing_link, qr_svg, unreachable
from members import audit
from members.audit import Action
from members.models import Role
from messaging import selectors as messaging
from messaging.selectors import PhoneFigures
from messaging.services import phones


@dataclass(frozen=True, slots=True)
class SimToday:
    """A SIM, and how many messages it sent today."""

    sim: int | None  # as messages name it; None: the phone's default one
    sent: int
    failed: int

    @property
    def name(self) -> str:
        return _("default SIM") if self.sim is None else f"SIM {self.sim + 1}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A phone as a card."""

    device: Device
    sims: Sequence[SimToday] = ()  # those that did something
    rate: int | None = None  # of delivery, in per cent
    offered_app: str = ""  # its version, on this server

    @property
    def is_silent(self) -> bool:
        return self.device.silent_since is not None

    @property
    def is_working(self) -> bool:
        device = self.device
        return not (device.is_paused or self.is_silent or device.last_sync_at is None)

    @property
    def state(self) -> tuple[str, str]:
        """In words, and the tone of its badge."""
        if self.device.is_paused:
            return _("paused"), "calm"
        if self.is_silent:
            return _("silent"), "bad"
        if self.device.last_sync_at is None:
            return _("never called yet"), "calm"
        return _("at work"), "good"

    @property
    def battery(self) -> int | None:
        level = self.device.health.get("battery")
        return level if isinstance(level, int) else None

    @property
    def troubles(self) -> list[Words]:
        return phone_health.troubles(self.device)

    @property
    def sim_cards(self) -> str:
        return phone_health.sim_cards(self.device)

    @property
    def network(self) -> Words:
        return phone_health.network(self.device)

    @property
    def app(self) -> str:
        return phone_health.app(self.device)

    @property
    def newer_app(self) -> str:
        return phone_health.newer_app(self.device, self.offered_app)

    @property
    def next_call(self) -> dt.datetime | None:
        """By when it calls again at the latest; None where it is silent or never did."""
        called, wait = self.device.last_sync_at, self.device.next_sync_seconds
        return None if called is None or self.is_silent else called + dt.timedelta(seconds=wait)

    @property
    def holds(self) -> int:
        """Messages that it had when it called last."""
        return int(self.device.health.get("queue") or 0)

    @property
    def is_charging(self) -> bool:
        return self.device.health.get("charging") is True


def phones_of(account_id: int) -> list[Shown]:
    return [Shown(device) for device in selectors.phones(account_id)]


_DAYS = 30  # of the rate of delivery


def _with_figures(account_id: int) -> list[Shown]:
    found = messaging.phone_figures(account_id, last_days(_DAYS)[0], today())
    offered = app_version()
    of_phone = {device: list(rows) for device, rows in groupby(found, attrgetter("device_id"))}
    return [
        replace(
            phone,
            sims=_sims_today(of_phone.get(phone.device.pk, [])),
            rate=delivery_rate(_totals(of_phone.get(phone.device.pk, []), "number")),
            offered_app=offered,
        )
        for phone in phones_of(account_id)
    ]


def _sims_today(found: list[PhoneFigures]) -> list[SimToday]:
    by_sim = groupby(found, attrgetter("sim"))
    totals = {sim: _totals(rows, "on_last_day") for sim, rows in by_sim}
    return [
        SimToday(sim, of["sent"], of["failed"]) for sim, of in totals.items() if any(of.values())
    ]


def _totals(found: Iterable[PhoneFigures], number: str) -> Counter[str]:
    totals: Counter[str] = Counter()
    for one in found:
        totals[SERIES_OF[one.state]] += getattr(one, number)
    return totals


@require_safe
@needs(Role.VIEWER)
def phone_list(request: HttpRequest, visit: Visit) -> HttpResponse:
    context: dict[str, Any] = {
        "phones": _with_figures(visit.account.pk),
        "days": _DAYS,
        "app_link": app_link(),
    }
    if visit.is_owner:
        context |= alerts.context(visit.account.pk)
    return render(request, "console/phones.html", context)


@require_POST
@needs(Role.OWNER)
def pair(request: HttpRequest, visit: Visit) -> HttpResponse:
    """Make a code and show it: this once. `replaces` is the phone whose new install will use it."""
    known = request.POST.get("replaces")
    replaces = None if known is None else selectors.phone(visit.account.pk, number(known) or 0)
    licence = replaces.license if replaces else selectors.active_licenses(visit.account.pk).first()
    with transaction.atomic():
        code = licenses.new_pairing_code(or_not_found(licence, "licence"), replaces=replaces)
        audit.record(visit.account.pk, visit.actor, Action.PAIRING_CODE_MADE)
    link = pairing_link(code.code)
    context = {
        "code": code,
        "link": link,
        "qr": mark_safe(qr_svg(link)),  # of our own making
        "unreachable": unreachable(),
        "minutes": licenses.PAIRING_CODE_MINUTES,
        "pairing": Pairing(code.id, code.expires_at, None),
        "replaces": replaces,
    }
    return render(request, "console/pair.html", context)


@dataclass(frozen=True, slots=True)
class Pairing:
    """A code, and the phone that used it."""

    id: int
    expires_at: dt.datetime
    device: Device | None  # that used it

    @property
    def is_over(self) -> bool:
        return self.expires_at <= clock.now()


@require_safe
@needs(Role.OWNER)
def pairing(request: HttpRequest, visit: Visit, code_id: int) -> HttpResponse:
    """Tell whether a phone has used this code; the page that shows the code asks this."""
    mine = PairingCode.objects.filter(license__account=visit.account, pk=code_id)
    code = or_not_found(mine.select_related("used_by").first(), "pairing code")
    context = {"pairing": Pairing(code.pk, code.expires_at, code.used_by)}
    return render(request, "console/pairing.html", context)


@require_POST
@needs(Role.OPERATOR)
def pause(request: HttpRequest, visit: Visit, device_id: int) -> HttpResponse:
    """Pause it, or let it go on."""
    device = selectors.phone(visit.account.pk, device_id)
    is_paused = request.POST.get("is_paused") == "1"
    with transaction.atomic():
        (phones.pause if is_paused else phones.resume)([device])
        audit.record(
            visit.account.pk, visit.actor, Action.PHONE_CHANGED,
            object_id=device.pk, is_paused=is_paused,
        )  # fmt: skip
    messages.success(
        request,
        _("It takes no new messages now.") if is_paused else _("It takes messages again."),
    )
    return redirect("console:phones")


@require_POST
@needs(Role.OWNER)
def rename(request: HttpRequest, visit: Visit, device_id: int) -> HttpResponse:
    device = selectors.phone(visit.account.pk, device_id)
    former, name = device.name, line(request, "name", 255)
    if not name:
        messages.error(request, _("Give it a name."))
        return redirect("console:phones")
    with transaction.atomic():
        licenses.rename(device, name)
        audit.record(
            visit.account.pk, visit.actor, Action.PHONE_CHANGED,
            object_id=device.pk, name={"from": former, "to": name},
        )  # fmt: skip
    messages.success(request, _("Saved."))
    return redirect("console:phones")


@require_POST
@needs(Role.OWNER)
def unpair(request: HttpRequest, visit: Visit, device_id: int) -> HttpResponse:
    """Void its token, where its name was typed to confirm that."""
    device = selectors.phone(visit.account.pk, device_id)
    if request.POST.get("name", "").strip() != device.name.strip():
        messages.error(request, _("Type the phone's name to unpair it."))
        return redirect("console:phones")
    with transaction.atomic():
        licenses.revoke(device)
        audit.record(visit.account.pk, visit.actor, Action.PHONE_UNPAIRED, object_id=device.pk)
    messages.success(request, _("It is unpaired: its next call is refused."))
    return redirect("console:phones")
