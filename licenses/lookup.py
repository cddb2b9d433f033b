"""Find whose a key is. A look-up is one query, and costs the same for any wrong key.

Raw SQL: lookup.sql.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from http_api import clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.prepared import statements
from licenses import keys
from licenses.models import Device, License, Token
from licenses.sender import AlertLink, Sender, time_zone

# Every request of every program asks this. As an ORM query it costs more than all the rest of a
# request: building it, not running it.
_SELECT = statements(__file__)


class _Found(NamedTuple):
    """A row of lookup.sql."""

    license_id: int
    is_active: bool
    allow_short_codes: bool
    scopes: str  # separated by spaces; '': everything
    account_id: int
    user_id: int
    country: str
    time_zone: str
    sending_hours: str
    max_daily_sms: int | None
    max_age_hours: int | None
    account_is_active: bool
    valid_until: dt.date | None
    used_at: dt.datetime | None = None  # the key, the log-in or the token
    api_key_id: int | None = None
    api_key_used_at: dt.datetime | None = None
    credential_id: int | None = None
    token_scopes: str | None = None  # as above
    expires_at: dt.datetime | None = None
    token_id: int | None = None
    alert_phones: list[str] | None = None
    alert_group_id: int | None = None


class WaitingPhone(NamedTuple):
    """A row of by_device_token: what a long poll asks of its phone each time that it is woken."""

    pk: int
    license_id: int
    account_id: int
    is_paused: bool
    failing_sims: Any  # as Device's
    is_asked: bool = False  # what it was given, since the database may have forgotten it


class LockedPhone(NamedTuple):
    """A row of lock_device: what its last sync left, now that no other can change it."""

    sync_number: int | None
    settled_timeline: int
    settled_by_license: int
    doubted_timeline: int  # the newest


# Cache an authenticated sender for one second: the look-up costs PostgreSQL half as much as the insert.
# What an operator changes is in force after this time.
CACHE_TIME = dt.timedelta(seconds=1)
_CACHE_SIZE = 10_000
_cache: dict[tuple[str, ...], tuple[dt.datetime, Sender]] = {}


def _cached(look_up: Callable[[], Sender], *asked: str) -> Sender:
    """Return the sender that `look_up` finds, or found less than `CACHE_TIME` ago for the same digests.

    Of keys that are refused nothing is kept: time must not tell one from another.
    """
    now = clock.now()
    found_at, sender = _cache.get(asked, (now, None))
    if sender is None or not dt.timedelta(0) <= now - found_at < CACHE_TIME:
        sender = look_up()
        if len(_cache) >= _CACHE_SIZE:
            _cache.clear()
        _cache[asked] = now, sender
    return sender


def clear_cache() -> None:
    """Look every sender up anew, in this process."""
    _cache.clear()


def sender_by_license_key(key: str) -> Sender:
    """Return the sender for this licence key.

    Raise ApiError: `license_not_found`, `license_inactive`, `subscription_expired`.
    """
    digests = keys.digests("license_key", key)

    def look_up() -> Sender:
        row = _find("by_key", keys=digests, api_keys=[], now=clock.now())
        sender = _usable(row)
        if row is not None:
            _note_use("license_key_used", row.license_id, row.used_at)
        return sender

    return _cached(look_up, *digests)


def sender_by_key_pair(key: str, api_key: str) -> Sender:
    """Return the sender for a licence key and an api_key of the same account.

    Raise ApiError: `license_inactive`, `subscription_expired`, and `invalid_key` for everything
    else: an unknown, wrong, foreign or disabled key all look the same.
    """
    digests, api_digests = keys.digests("license_key", key), keys.digests("api_key", api_key)

    def look_up() -> Sender:
        row = _find("by_key", keys=digests, api_keys=api_digests, now=clock.now())
        if row is None or row.api_key_id is None:
            raise ApiError(ErrorCode.INVALID_KEY, "The licence key or the api_key is not valid.")
        sender = _usable(row)
        _note_use("license_key_used", row.license_id, row.used_at)
        _note_use("api_key_used", row.api_key_id, row.api_key_used_at)
        return sender

    return _cached(look_up, *digests, *api_digests)


def sender_by_password(username: str, password: str) -> Sender:
    """Return the sender for an API credential. Raise ApiError: `invalid_key`, and as above."""
    if "\0" in username:  # PostgreSQL's text has none
        raise _unknown()
    digests = keys.digests("password", password)
    return _cached(
        lambda: _logged_in(
            _find("by_password", username=username, digests=digests, now=clock.now())
        ),
        username, *digests,
    )  # fmt: skip


def sender_by_token(token: str) -> Sender:
    """Return the sender for the long token of an API credential. Raise as above."""
    digests = keys.digests("token", token)
    return _cached(
        lambda: _logged_in(_find("by_token", digests=digests, now=clock.now())), *digests
    )


def sender_by_issued_token(kind: Token.Kind, token: str) -> Sender:
    """Return the sender for a token of `licenses.tokens` of this kind. Raise as above."""
    digests = keys.digests("issued_token", token)
    return _cached(
        lambda: _logged_in(
            _find("by_issued_token", kind=kind.value, digests=digests, now=clock.now())
        ),
        kind.value, *digests,
    )  # fmt: skip


def _logged_in(row: _Found | None) -> Sender:
    """Return the sender of a log-in or a token, whose use is noted."""
    if row is None:
        raise _unknown()
    sender = _usable(row)
    if row.token_id is not None:
        _note_use("token_used", row.token_id, row.used_at)
    elif row.credential_id is not None:
        _note_use("credential_used", row.credential_id, row.used_at)
    return sender


# How exactly a person is told when a key was last used: a write of each request would cost as much as
# all else of its look-up.
_NOTED = dt.timedelta(hours=1)


def _note_use(statement: str, row_id: int, noted_at: dt.datetime | None) -> None:
    now = clock.now()
    if noted_at is None or now - noted_at >= _NOTED:
        _SELECT[statement].run({"id": row_id, "now": now})


def _unknown() -> ApiError:
    return ApiError(ErrorCode.INVALID_KEY, "The username, password or token is not valid.")


def sender_of_license(license_id: int) -> Sender:
    """Return the sender that this licence is, for code that knows it already. Raise as above."""
    return _usable(_find("by_id", license_id=license_id))


def sender_of_row(license: License) -> Sender:
    """Return the sender that this licence is, whose account was read with it. Raise as above."""
    account = license.account
    return _usable(
        _Found(
            license_id=license.pk,
            is_active=license.is_active,
            allow_short_codes=license.allow_short_codes,
            scopes=license.scopes,
            account_id=account.pk,
            user_id=account.user_id,
            country=account.country,
            time_zone=account.time_zone,
            sending_hours=account.sending_hours,
            max_daily_sms=account.max_daily_sms,
            max_age_hours=account.max_age_hours,
            account_is_active=account.is_active,
            valid_until=account.valid_until,
        )
    )


def device_by_token(token: str) -> Device:
    """Return the paired phone with this token, its licence and account. Raise `device_unknown`."""
    device = (
        Device.objects.select_related("license__account")
        .filter(token_digest__in=keys.digests("device", token), revoked_at=None)
        .first()
    )
    if device is None:
        raise _unpaired()
    return device


def waiting_phone(token: str) -> WaitingPhone:
    """Return the paired phone with this token. Raise `device_unknown`.

    Finding a whole Device takes four fifths of the time of a look after a wake-up.
    """
    row = _SELECT["by_device_token"].one(WaitingPhone, {"digests": keys.digests("device", token)})
    if row is None:
        raise _unpaired()
    return row._replace(failing_sims=json.loads(row.failing_sims))


def lock_device(device: Device) -> LockedPhone:
    """Lock this phone's row until the transaction ends, and return what it says now.

    Raise `device_unknown` where it was revoked, or paired anew, since it was read.
    """
    locked = _SELECT["lock_device"].one(
        LockedPhone, {"id": device.pk, "digest": device.token_digest}
    )
    if locked is None:
        raise _unpaired()
    return locked


def _unpaired() -> ApiError:
    return ApiError(ErrorCode.DEVICE_UNKNOWN, "This phone is not paired any more; pair it again.")


def _find(statement: str, **values: Any) -> _Found | None:
    return _SELECT[statement].one(_Found, values)


def _usable(row: _Found | None) -> Sender:
    if row is None:
        raise ApiError(ErrorCode.LICENSE_NOT_FOUND, "There is no licence with this key.")
    if not (row.is_active and row.account_is_active):
        raise ApiError(ErrorCode.LICENSE_INACTIVE, "This licence is not active.")
    zone = time_zone(row.time_zone)
    if row.valid_until and clock.now().astimezone(zone).date() > row.valid_until:
        raise ApiError(
            ErrorCode.SUBSCRIPTION_EXPIRED, "The subscription of this account has ended."
        )
    return Sender(
        license_id=row.license_id,
        account_id=row.account_id,
        user_id=row.user_id,
        country=row.country,
        zone=zone,
        sending_hours=row.sending_hours,
        max_daily_sms=row.max_daily_sms,
        max_age_hours=row.max_age_hours,
        allow_short_codes=row.allow_short_codes,
        credential_id=row.credential_id,
        token_scopes=frozenset(row.token_scopes.split()) if row.token_scopes else None,
        scopes=frozenset(row.scopes.split()) if row.scopes else None,
        expires_at=row.expires_at,
        alert_link=_alert_link(row),
    )


def _alert_link(row: _Found) -> AlertLink | None:
    if row.token_id is None or not (row.alert_phones or row.alert_group_id):
        return None
    return AlertLink(row.token_id, tuple(row.alert_phones or ()), row.alert_group_id)
