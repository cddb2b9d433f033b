"""The words of mails. Each returns a subject and a text, in the language that is active."""

from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from licenses.models import Account, Device
from members.models import Invitation, Role

Letter = tuple[str, str]


def in_language_of(account: Account) -> AbstractContextManager[None]:
    """Make the language active in which an account is written to: that of its country, or English."""
    return translation.override("pl" if account.country == "PL" else "en")


def invitation(invitation: Invitation, inviter: str, link: str) -> Letter:
    known = {
        "inviter": inviter,
        "account": invitation.account.name,
        "role": _(Role(invitation.role).label),
    }
    return _("An invitation to %(account)s") % known, _text(
        _("%(inviter)s invites you to the SMS account %(account)s as %(role)s.") % known,
        _("Open this link to join. It is good for one person and a week:"),
        link,
        _("If you do not know who that is, do nothing."),
    )


def phone_silent(device: Device, waiting: int) -> Letter:
    """`waiting` is how many messages wait for a phone of its licence."""
    known = _of(device)
    battery = device.health.get("battery")
    words = ngettext("%(count)s message waits.", "%(count)s messages wait.", waiting)
    return _("%(phone)s is silent") % known, _text(
        _("The phone %(phone)s of %(account)s has not called since %(at)s.") % known,
        _("Its battery was at %(battery)s %% then.") % {"battery": battery}
        if isinstance(battery, int)
        else "",
        words % {"count": waiting},
        _link(device),
        _hint(),
    )


def phone_back(device: Device) -> Letter:
    known = _of(device)
    return _("%(phone)s is back") % known, _text(
        _("The phone %(phone)s of %(account)s has called again, last at %(at)s.") % known,
        _link(device),
        _hint(),
    )


def webhook_off(account: Account, host: str, endpoint_id: int, is_gone: bool) -> Letter:
    known = {"host": host, "account": account.name}
    return _("The webhook to %(host)s is switched off") % known, _text(
        _("The webhook of %(account)s to %(host)s is told nothing more.") % known,
        _("It answered that it is gone for good (410).")
        if is_gone
        else _("Every try of the last seven days failed."),
        _("Switch it on again once it works, and send again what it missed:"),
        f"{settings.PUBLIC_URL}/console/webhooks/{endpoint_id}/",
    )


def held_after_loss(account: Account, count: int) -> Letter:
    words = ngettext(
        "%(count)s message of %(account)s may have been sent, or may not.",
        "%(count)s messages of %(account)s may have been sent, or may not.",
        count,
    )
    return _("%(account)s: messages are held") % {"account": account.name}, _text(
        _(
            "The database of the SMS service lost its last moments, and phones have sent since then."
        ),
        words % {"count": count, "account": account.name},
        _("They are not sent by themselves. Decide what becomes of them:"),
        f"{settings.PUBLIC_URL}/console/messages/?status=uncertain",
    )


def _text(*paragraphs: str) -> str:
    return "\n\n".join([paragraph for paragraph in paragraphs if paragraph]) + "\n"


def _hint() -> str:
    return _(
        "You get one such mail an hour for each phone at most. Owners choose who, under Phones."
    )


def _link(device: Device) -> str:
    return f"{settings.PUBLIC_URL}/console/phones/#phone-{device.pk}"


def _of(device: Device) -> dict[str, str]:
    account = device.license.account
    return {
        "phone": device.name,
        "account": account.name,
        "at": _when(device.last_sync_at, account),
    }


def _when(moment: dt.datetime | None, account: Account) -> str:
    """Return it on the account's clock, as `28.11.2026 23:09`."""
    return f"{moment.astimezone(account.zone):%d.%m.%Y %H:%M}" if moment else "–"
