"""Make, change and switch off accounts, keys and phones. Secrets are returned once, never stored."""

from __future__ import annotations

import base64
import copy
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from http_api import clock
from http_api.derivation import derived, newest_pepper
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from licenses import keys
from licenses.models import Account, ApiKey, Credential, Device, License, PairingCode
from licenses.scopes import parse_scopes
from protocol import constant

AT_ONCE = dt.timedelta()
PAIRING_CODE_MINUTES = constant("pairing_code_minutes")


@dataclass(frozen=True, slots=True)
class Provisioned:
    """A new account with one of each key, in plain text: the only time they can be read."""

    account_id: int
    license_id: int
    license_key: str
    api_key: str
    username: str
    password: str
    token: str


@dataclass(frozen=True, slots=True)
class NewCredential:
    username: str
    password: str
    token: str


@dataclass(frozen=True, slots=True)
class NewPairingCode:
    id: int
    code: str  # as shown: ABCD-EFGH-JKLM
    expires_at: dt.datetime


@transaction.atomic
def provision(
    name: str, *, key_length: int = 12, is_active: bool = True, scopes: str = "", **rules: Any
) -> Provisioned:
    """Create an account called `name` with a licence, an api_key and a credential.

    `rules` are fields of Account (country, time_zone, max_daily_sms, …). Raise ValidationError.
    """
    if key_length not in keys.LICENSE_KEY_LENGTHS:
        raise ValidationError({"key_length": "A licence key has 6 or 12 characters."})
    user = User.objects.create_user(username=_free_username(name))  # no password: cannot log in
    account = Account(user=user, name=name, **rules)
    account.full_clean()
    account.save()
    license, license_key = add_license(
        account, key_length=key_length, is_active=is_active, scopes=scopes
    )
    credential = add_credential(license)
    return Provisioned(
        account_id=account.pk,
        license_id=license.pk,
        license_key=license_key,
        api_key=add_api_key(account),
        username=credential.username,
        password=credential.password,
        token=credential.token,
    )


@dataclass(frozen=True, slots=True)
class Changed:
    """An account as it was and as it is, and the fields that differ."""

    before: Account
    after: Account
    fields: list[str]


@transaction.atomic
def change_settings(account_id: int, wanted: Mapping[str, Any]) -> Changed:
    """Set these fields of the account, and no other: several people may change it at once.

    Raise ValidationError.
    """
    account = Account.objects.select_for_update(no_key=True).get(pk=account_id)
    before = copy.copy(account)
    fields = [name for name, value in wanted.items() if getattr(account, name) != value]
    for name in fields:
        setattr(account, name, wanted[name])
    account.clean_fields(exclude={field.name for field in Account._meta.fields} - {*fields})
    account.clean()
    if fields:
        account.save(update_fields=fields)
    return Changed(before, account, fields)


def _free_username(name: str) -> str:
    base = "".join(letter for letter in name if letter.isalnum() or letter in "@.+-_")[:120]
    base = base or "account"
    taken = set(User.objects.filter(username__startswith=base).values_list("username", flat=True))
    candidates = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 3)))
    return next(candidate for candidate in candidates if candidate not in taken)


def add_license(
    account: Account,
    *,
    name: str = "",
    key_length: int = 12,
    is_active: bool = True,
    scopes: str = "",
) -> tuple[License, str]:
    """Create a licence of this account; return it and its key in plain text. Raise ValidationError."""
    key = keys.new_key(key_length)
    license = License.objects.create(
        account=account,
        name=name,
        key_digest=keys.digest("license_key", key),
        key_hint=key[:2],
        is_active=is_active,
        scopes=parse_scopes(scopes),
    )
    return license, key


def add_api_key(account: Account) -> str:
    """Create an api_key of this account and return it in plain text."""
    key = keys.new_key(keys.API_KEY_LENGTH)
    ApiKey.objects.create(account=account, key_digest=keys.digest("api_key", key), key_hint=key[:2])
    return key


def add_credential(license: License) -> NewCredential:
    """Create a username, password and token for this licence; return them in plain text."""
    new = NewCredential(
        username=f"sms{keys.new_key(8).lower()}", password=keys.new_token(), token=keys.new_token()
    )
    Credential.objects.create(
        license=license,
        username=new.username,
        password_digest=keys.digest("password", new.password),
        token_digest=keys.digest("token", new.token),
    )
    return new


def set_scopes(license: License, scopes: str) -> None:
    """Let the keys of this licence do what these scopes name, '' for everything, from now on."""
    license.scopes = parse_scopes(scopes)
    license.save(update_fields=["scopes"])


def switch(license: License, is_active: bool) -> None:
    """Switch a licence on, or off with all of its keys and phones."""
    license.is_active = is_active
    license.save(update_fields=["is_active"])


def rotate_license_key(license: License, overlap: dt.timedelta = AT_ONCE) -> str:
    """Replace the licence's key by a new one of 12 characters; the old one is void after `overlap`.

    One before that is void at once in any case.
    """
    key = keys.new_key()
    license.former_key_digest = license.key_digest if overlap else None
    license.former_key_until = clock.now() + overlap if overlap else None
    license.key_digest = keys.digest("license_key", key)
    license.key_hint = key[:2]
    license.key_used_at = None
    license.save(
        update_fields=[
            "key_digest", "key_hint", "key_used_at", "former_key_digest", "former_key_until",
        ]
    )  # fmt: skip
    return key


@transaction.atomic
def rotate_api_keys(account: Account, overlap: dt.timedelta = AT_ONCE) -> str:
    """One new api_key for this account; those that were in force are void after `overlap`."""
    _end(account.api_keys.all(), overlap)
    return add_api_key(account)


@transaction.atomic
def rotate_credential(license: License, overlap: dt.timedelta = AT_ONCE) -> NewCredential:
    """Create a credential for this licence; those that were in force are void after `overlap`."""
    _end(license.credentials.all(), overlap)
    return add_credential(license)


def _end(former: QuerySet[ApiKey] | QuerySet[Credential], overlap: dt.timedelta) -> None:
    """Let what is in force work on for this while; what was replaced before is void at once."""
    in_force = former.filter(is_active=True)
    if not overlap:
        in_force.update(is_active=False)
        return
    in_force.exclude(ends_at=None).update(is_active=False)
    in_force.filter(ends_at=None).update(ends_at=clock.now() + overlap)


def webhook_key(account: Account) -> bytes:
    """Return what this account's webhooks are signed with. It follows from a pepper, unstored."""
    value = f"{account.pk} {account.webhook_secret_number}"
    return derived(account.webhook_secret_pepper, "webhook", value)


def webhook_secret(account: Account) -> str:
    """Return the webhook key as Standard Webhooks writes it: `whsec_…`."""
    return f"whsec_{base64.b64encode(webhook_key(account)).decode()}"


@transaction.atomic
def rotate_webhook_secret(account: Account) -> str:
    """Replace this account's webhook secret; the former signs nothing from now on."""
    locked = Account.objects.select_for_update().get(pk=account.pk)
    locked.webhook_secret_pepper = newest_pepper()
    locked.webhook_secret_number += 1
    locked.save(update_fields=["webhook_secret_pepper", "webhook_secret_number"])
    return webhook_secret(locked)


def new_pairing_code(license: License, *, replaces: Device | None = None) -> NewPairingCode:
    """Create a pairing code for this licence. `replaces`: the phone whose new install will use it."""
    code = keys.new_key(keys.PAIRING_CODE_LENGTH)
    expires_at = clock.now() + dt.timedelta(minutes=PAIRING_CODE_MINUTES)
    made = PairingCode.objects.create(
        license=license,
        code_digest=keys.digest("pairing_code", code),
        replaces=replaces,
        expires_at=expires_at,
    )
    return NewPairingCode(made.pk, keys.shown_pairing_code(code), expires_at)


def rename(device: Device, name: str) -> None:
    """Give this phone another name. Raise ValidationError."""
    device.name = name
    device.clean_fields(exclude={f.name for f in Device._meta.fields} - {"name"})
    device.save(update_fields=["name"])


@dataclass(frozen=True, slots=True)
class Paired:
    device: Device
    token: str
    replaced_install: str | None  # the install whose leases are now in doubt


@transaction.atomic
def pair(code: str, *, install_id: str, **facts: Any) -> Paired:
    """Redeem a pairing code for this install. `facts` are fields of Device (name, android, …).

    The same install may repeat its code until it expires, since the answer may have been lost: it
    gets a new token and the former is void. Not so a phone that was revoked since: it would come
    back by itself. Raises `pairing_code_invalid`.
    """
    # What the code points at is read after its lock: a phone that came first has changed it. The
    # licence is locked too, for an install that redeems two codes at once.
    offer = (
        PairingCode.objects.select_for_update(of=("self", "license"), no_key=True)
        .select_related("license")
        .filter(
            code_digest__in=keys.digests("pairing_code", keys.normal_pairing_code(code)),
            expires_at__gt=clock.now(),
            license__is_active=True,
            license__account__is_active=True,
        )
        .first()
    )
    if offer is None or (offer.used_by and not _may_repeat(offer.used_by, install_id)):
        raise ApiError(
            ErrorCode.PAIRING_CODE_INVALID,
            "This pairing code is wrong, used or expired; make a new one.",
        )
    known = Device.objects.filter(license=offer.license, install_id=install_id).first()
    device = known or offer.replaces or Device(license=offer.license)
    replaced = device.install_id if device.pk and device.install_id != install_id else None
    token = keys.new_token()
    device.install_id = install_id
    device.token_digest = keys.digest("device", token)
    device.revoked_at = None
    device.silent_since = None
    if replaced is not None:  # what the old phone's SIMs could not do says nothing of this one's
        device.failing_sims, device.refusals = [], {}
    for field, value in facts.items():
        setattr(device, field, value)
    device.save()
    offer.used_by = device
    offer.save(update_fields=["used_by"])
    return Paired(device=device, token=token, replaced_install=replaced)


def _may_repeat(device: Device, install_id: str) -> bool:
    return device.install_id == install_id and device.revoked_at is None


def revoke(device: Device) -> None:
    """Void this phone's token: its next call answers 401 and it stops."""
    device.revoked_at = clock.now()
    device.save(update_fields=["revoked_at"])


FORGET_ANSWERS = 3  # of one call each: a lost one is not missed


def let_phones_forget(account_id: int) -> None:
    """Have each phone of the account forget recipients, at its next calls."""
    mine = Device.objects.filter(license__account_id=account_id, revoked_at=None)
    mine.update(forgets=FORGET_ANSWERS)
