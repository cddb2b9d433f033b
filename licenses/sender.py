"""Who sends: a licence that a key was right for, with the rules of its account."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from licenses.sending_hours import SendingHours, sending_hours


@dataclass(frozen=True, slots=True)
class AlertLink:
    """A hook link that has its recipients inside: these numbers, and who is in the group by then."""

    token_id: int
    phones: tuple[str, ...]  # E.164, or short codes
    group_id: int | None


@dataclass(frozen=True, slots=True)
class Sender:
    """An authenticated licence with the rules of its account, as read at the start of a request."""

    license_id: int
    account_id: int
    user_id: int
    country: str
    zone: ZoneInfo
    sending_hours: str  # as licenses.sending_hours reads them; '': always open
    max_daily_sms: int | None
    max_age_hours: int | None
    allow_short_codes: bool
    credential_id: int | None = None  # where it logged in with one
    token_scopes: frozenset[str] | None = None  # a vendor's, of its token; None: everything
    scopes: frozenset[str] | None = (
        None  # of its licence's keys (licenses.scopes); None: everything
    )
    expires_at: dt.datetime | None = None  # its token; None: not by itself
    alert_link: AlertLink | None = None  # its token, where that is one

    @property
    def scope(self) -> str:
        return f"license:{self.license_id}"

    @property
    def hours(self) -> SendingHours | None:
        """Return when it sends; None: always."""
        return sending_hours(self.sending_hours, self.zone)


@lru_cache(maxsize=64)
def time_zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
