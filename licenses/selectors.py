"""Everything that reads accounts and phones for somebody to see. Always scoped to one account."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Q, QuerySet

from http_api import clock
from http_api.errors import or_not_found
from licenses.models import Account, ApiKey, Credential, Device, License
from licenses.sender import Sender


def account(sender: Sender) -> Account:
    return Account.objects.get(pk=sender.account_id)


def licenses(account_id: int) -> list[License]:
    """Return all of this account's, the first one first."""
    return list(License.objects.filter(account_id=account_id).order_by("pk"))


def active_licenses(account_id: int) -> QuerySet[License]:
    """Return what this account sends with, the first one first."""
    return License.objects.filter(account_id=account_id, is_active=True).order_by("pk")


def phones(account_id: int) -> QuerySet[Device]:
    """Return the account's phones that are paired now."""
    return Device.objects.filter(license__account_id=account_id, revoked_at=None).order_by("pk")


def phone(account_id: int, device_id: int) -> Device:
    """Return a phone of the account that is paired now. Raise ApiError `not_found`."""
    return or_not_found(phones(account_id).filter(pk=device_id).first(), "phone")


def paired_devices(sender: Sender) -> QuerySet[Device]:
    """Return the licence's phones that are paired now."""
    return Device.objects.filter(license_id=sender.license_id, revoked_at=None).order_by("pk")


Keys = TypeVar("Keys", ApiKey, Credential)


def in_force(keys: QuerySet[Keys]) -> QuerySet[Keys]:
    """Return those of these keys that work now, the oldest first."""
    is_over = Q(ends_at__lte=clock.now())
    return keys.filter(is_active=True).exclude(is_over).order_by("pk")
