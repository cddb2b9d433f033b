"""The strip above the overview: whatever needs somebody now, and nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.access import Visit
from console.pages.phones import Shown
from console.templatetags.console import in_words
from http_api import clock
from licenses.sender import Sender
from messaging.threads import MOST_UNREAD, count_unread
from webhooks import endpoints

LATE = dt.timedelta(minutes=15)  # of a message whose start has come
_NEARLY = 0.9  # of the daily limit
_LATELY = dt.timedelta(days=1)  # of what a webhook was not told
_ENDS_SOON = dt.timedelta(days=7)


class Need(NamedTuple):
    """A sentence, and the link to where something can be done; '' without one."""

    words: str
    link: str = ""
    link_words: str = ""


def needs_me(
    visit: Visit,
    sender: Sender | None,
    phones: Sequence[Shown],
    uncertain: int,
    oldest_due: dt.datetime | None,
    remaining: int | None,
) -> list[Need]:
    """Return the account's needs, the most pressing first; `sender` is None where nobody may send."""
    found = [
        *_uncertain(uncertain),
        *_unread(visit),
        *_silent(phones),
        *_late(sender, phones, oldest_due),
    ]
    if sender is not None:
        found += _limit(sender.max_daily_sms, remaining)
    if visit.is_owner:
        found += [*_webhooks(visit.account.pk), *_subscription(visit)]
    return found


def _uncertain(number: int) -> Iterator[Need]:
    if number:
        yield Need(
            ngettext(
                "One message is uncertain: a phone may have sent it and did not say so.",
                "%(number)s messages are uncertain: phones may have sent them and did not say so.",
                number,
            )
            % {"number": number},
            f"{reverse('console:messages')}?state=uncertain",
            _("Decide"),
        )


def _unread(visit: Visit) -> Iterator[Need]:
    number = count_unread(visit.account.pk) if visit.is_operator else 0
    if number:
        yield Need(
            ngettext("One conversation is unread.", "%(number)s conversations are unread.", number)
            % {"number": number if number < MOST_UNREAD else f"{MOST_UNREAD}+"},
            reverse("console:threads"),
            _("Conversations"),
        )


def _silent(phones: Sequence[Shown]) -> Iterator[Need]:
    for phone in phones:
        if phone.device.silent_since is not None:
            said = _("%(name)s has been silent since %(since)s.") % {
                "name": phone.device.name,
                "since": in_words(phone.device.silent_since),
            }
            if phone.battery is not None:
                said += " " + _("Its battery was at %(level)s %%.") % {"level": phone.battery}
            if phone.device.health.get("charging") is False:
                said += " " + _("It was not charging.")
            yield Need(said, reverse("console:phones"), _("Phones"))


def _late(
    sender: Sender | None, phones: Sequence[Shown], oldest_due: dt.datetime | None
) -> Iterator[Need]:
    now = clock.now()
    is_open = sender is not None and (sender.hours is None or sender.hours.is_open(now))
    if is_open and phones and oldest_due is not None and now - oldest_due > LATE:
        said = _("A message has been waiting for a phone since %(since)s.")
        yield Need(said % {"since": in_words(oldest_due)}, reverse("console:phones"), _("Phones"))


def _limit(limit: int | None, left: int | None) -> Iterator[Need]:
    if limit and left is not None and left <= limit * (1 - _NEARLY):
        yield Need(
            _("Left of the daily limit: %(left)s of %(limit)s.") % {"limit": limit, "left": left}
        )


def _webhooks(account_id: int) -> Iterator[Need]:
    found = list(endpoints.troubled(account_id, clock.now() - _LATELY))
    missed = sum(each.has_missed for each in found)
    if missed:
        yield Need(
            ngettext(
                "One webhook was not told of everything in the last day: it can be sent again.",
                "%(number)s webhooks were not told of everything in the last day: it can be sent again.",
                missed,
            )
            % {"number": missed},
            reverse("console:webhooks"),
            _("Webhooks"),
        )
    number = sum(each.is_off for each in found)
    if number:
        yield Need(
            ngettext(
                "One webhook was switched off, since nobody answers there.",
                "%(number)s webhooks were switched off, since nobody answers there.",
                number,
            )
            % {"number": number},
            reverse("console:webhooks"),
            _("Webhooks"),
        )


def _subscription(visit: Visit) -> Iterator[Need]:
    until = visit.account.valid_until
    today = clock.now().astimezone(visit.account.zone).date()
    if until is not None and today + _ENDS_SOON >= until:
        yield Need(_("The subscription ends on %(day)s.") % {"day": f"{until:%d.%m.%Y}"})
