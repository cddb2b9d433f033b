"""From a key to who it belongs to. Each look-up is one query, and costs the same for any answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, QuerySet
from rest_framework.request import Request

from http_api import clock
from http_api.errors import Refusal
from licenses import keys
from licenses.models import ApiKey, Device, License


@dataclass(frozen=True, slots=True)
class Sender:
    """An authenticated licence with the rules of its account, as read at the start of a request."""

    license_id: int
    account_id: int
    user_id: int
    country: str
    zone: ZoneInfo
    opens_at: dt.time | None
    closes_at: dt.time | None
    max_daily_sms: int | None
    allow_short_codes: bool

    @property
    def scope(self) -> str:
        return f"license:{self.license_id}"


_COLUMNS = (
    "id",
    "is_active",
    "allow_short_codes",
    "account_id",
    "account__user_id",
    "account__country",
    "account__time_zone",
    "account__opens_at",
    "account__closes_at",
    "account__max_daily_sms",
    "account__is_active",
    "account__valid_until",
)


def sender_by_license_key(key: str) -> Sender:
    """The sender for this licence key.

    Raises Refusal: `license_not_found`, `license_inactive`, `subscription_expired`.
    """
    return _usable(_by_key(key))


def sender_by_key_pair(key: str, api_key: str) -> Sender:
    """The sender for a licence key and an api_key of the same account.

    Raises Refusal: `license_inactive`, `subscription_expired`, and `invalid_key` for everything
    else: an unknown, wrong, foreign or disabled key all look the same.
    """
    api_keys = ApiKey.objects.filter(
        account=OuterRef("account"), key_digest__in=keys.digests("api_key", api_key), is_active=True
    )
    row = _by_key(key, has_api_key=Exists(api_keys))
    if row is None or not row["has_api_key"]:
        raise Refusal("invalid_key", "The licence key or the api_key is not valid.")
    return _usable(row)


def sender_of_license(license: License) -> Sender:
    """The sender that this licence is, for code that already holds it. Raises as above."""
    return _usable(_row(License.objects.filter(pk=license.pk)))


def device_by_token(token: str) -> Device:
    """The paired phone with this token, with its licence and account. Raises `device_unknown`."""
    device = (
        Device.objects.select_related("license__account")
        .filter(token_digest__in=keys.digests("device", token), revoked_at=None)
        .first()
    )
    if device is None:
        raise Refusal("device_unknown", "This phone is not paired any more; pair it again.")
    return device


def _by_key(key: str, **annotations: Any) -> dict[str, Any] | None:
    found = License.objects.filter(key_digest__in=keys.digests("license_key", key))
    return _row(found, **annotations)


def _row(found: QuerySet[License], **annotations: Any) -> dict[str, Any] | None:
    rows = found.order_by().annotate(**annotations).values(*_COLUMNS, *annotations)
    return next(iter(rows[:1]), None)


def _usable(row: dict[str, Any] | None) -> Sender:
    if row is None:
        raise Refusal("license_not_found", "There is no licence with this key.")
    if not (row["is_active"] and row["account__is_active"]):
        raise Refusal("license_inactive", "This licence is not active.")
    zone = time_zone(row["account__time_zone"])
    valid_until = row["account__valid_until"]
    if valid_until and clock.now().astimezone(zone).date() > valid_until:
        raise Refusal("subscription_expired", "The subscription of this account has ended.")
    return Sender(
        license_id=row["id"],
        account_id=row["account_id"],
        user_id=row["account__user_id"],
        country=row["account__country"],
        zone=zone,
        opens_at=row["account__opens_at"],
        closes_at=row["account__closes_at"],
        max_daily_sms=row["account__max_daily_sms"],
        allow_short_codes=row["allow_short_codes"],
    )


@lru_cache(maxsize=64)
def time_zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def well_formed(value: object, lengths: Sequence[int]) -> str | None:
    """The key as text if its length is one of `lengths`; all-digit keys also come as numbers."""
    if type(value) is int:
        value = str(value)
    return value if isinstance(value, str) and len(value) in lengths else None


def sender_of(request: Request) -> Sender:
    """The sender that an authentication class found for this request."""
    sender = request.auth
    assert isinstance(sender, Sender)
    return sender
