"""The first steps of an account, which tick themselves off as they are done: on the overview until they
are, or are put away, and from then on behind a link in the settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from console.access import Visit, needs
from console.figures import last_days
from console.pages.send import ONCE_PREFIX
from licenses.pairing import app_link, qr_svg, unreachable
from licenses.selectors import phones
from licenses.services import change_settings
from members import audit
from members.audit import Action
from members.models import Role
from messaging import selectors
from messaging.models import Message
from messaging.selectors import MessageFilter
from messaging.states import MessageState

NEWEST = 6  # messages, from which it is seen who sends


class Step(NamedTuple):
    """A step: `place` is a name in console.urls, '' without one; `link` is for a phone's camera."""

    words: str
    is_done: bool
    place: str = ""
    advice: str = ""
    link: str = ""

    @property
    def qr(self) -> SafeString:
        return mark_safe(qr_svg(self.link))  # of our own making


class Facts(NamedTuple):
    """How far an account has come."""

    has_phone: bool
    has_sent: bool
    newest: Sequence[Message]

    @property
    def from_program(self) -> bool:
        return any(not (one.external_id or "").startswith(ONCE_PREFIX) for one in self.newest)

    @property
    def are_enough(self) -> bool:
        """Tell whether nothing is left to do. Whose newest messages are all of people has sent for long,
        and knows the way."""
        knows = self.from_program or len(self.newest) == NEWEST
        return self.has_phone and self.has_sent and knows and not unreachable()


def first_steps(visit: Visit, facts: Facts) -> list[Step]:
    app = "" if facts.has_phone else app_link()
    return [
        Step(_("Phones can reach this address"), not unreachable(), advice=unreachable()),
        Step(
            _("Put the app on an Android phone"), facts.has_phone, link=app,
            advice="" if app or facts.has_phone else _without_app(visit),
        ),
        Step(_("Pair a phone"), facts.has_phone, "phones"),
        Step(_("Send the first SMS, to yourself"), facts.has_sent, "send"),
        Step(_("Let a program send one, with a key"), facts.from_program, "keys"),
    ]  # fmt: skip


def _without_app(visit: Visit) -> str:
    if visit.user.is_superuser:
        return _("This server offers no app yet: make apk builds it (docs/phone.md).")
    return _("This server offers no app yet: ask who runs it to build it.")


def _facts(account_id: int) -> Facts:
    newest = selectors.messages(account_id, MessageFilter()).order_by("-pk")[:NEWEST]
    counts = selectors.daily_counts(account_id, last_days(14)[0])
    went = counts.filter(state__in=[MessageState.SENT, MessageState.DELIVERED])
    return Facts(phones(account_id).exists(), went.exists(), list(newest))


@require_safe
@needs(Role.OWNER)
def show(request: HttpRequest, visit: Visit) -> HttpResponse:
    steps = first_steps(visit, _facts(visit.account.pk))
    return render(request, "console/first_steps.html", {"steps": steps})


@require_POST
@needs(Role.OWNER)
@transaction.atomic
def put_away(request: HttpRequest, visit: Visit) -> HttpResponse:
    if change_settings(visit.account.pk, {"hides_first_steps": True}).fields:
        told: dict[str, Any] = {"hides_first_steps": {"from": "", "to": "True"}}
        audit.record(visit.account.pk, visit.actor, Action.SETTINGS_CHANGED, **told)
    return redirect("console:overview")
