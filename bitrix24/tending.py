"""Look after a portal: renew its tokens in time, tell it what is new, import what was asked for; and
leave it alone for a while where it does not answer as it should."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import F

from bitrix24 import calling, importing, portals, statuses
from bitrix24.models import Portal
from http_api import clock, outgoing

_RENEWED = dt.timedelta(days=60)  # a refresh token lives for 180 days
_FIRST_REST, _LONGEST_REST = dt.timedelta(seconds=5), dt.timedelta(minutes=15)


def connected() -> list[Portal]:
    """Return the portals that may be called now."""
    states = (Portal.State.ACTIVE, Portal.State.INCOMPLETE)
    resting = {"rests_until__gt": clock.now()}
    return list(Portal.objects.filter(state__in=states).exclude(**resting))


def tend(portal: Portal) -> int:
    """Do what is due of a portal; return how many statuses it took and pages it gave."""
    used, now = portal.access_token, clock.now()
    is_old = portal.refreshed_at is not None and portal.refreshed_at < now - _RENEWED
    try:
        if is_old and portal.client_id:
            calling.renew(portal, used)
        done = statuses.tell(portal) + importing.follow(portal) + importing.go_on(portal)
    except (calling.Refused, outgoing.Unreachable) as error:
        _rest(portal, error)
        return 0
    if portal.failures:
        _mine(portal).update(failures=0, rests_until=None, last_error="")
    return done


def _rest(portal: Portal, error: calling.Refused | outgoing.Unreachable) -> None:
    """Leave the portal alone for a while, or until a person has acted."""
    if isinstance(error, calling.Refused) and error.is_fatal:
        portals.broke(portal, error)
        return
    # The exponent is bounded, or a portal that is away for long would overflow the interval.
    until = clock.now() + min(_FIRST_REST * 2 ** min(portal.failures, 10), _LONGEST_REST)
    if isinstance(error, calling.Refused) and error.resets_at:
        until = max(until, dt.datetime.fromtimestamp(error.resets_at, dt.UTC))
    _mine(portal).update(failures=F("failures") + 1, rests_until=until, last_error=str(error))


def _mine(portal: Portal) -> Any:
    return Portal.objects.filter(pk=portal.pk, license_id=portal.license_id)
