"""Tokens that we issue beside the keys: hook links, and what a program's log-in is answered.

Random, told once, kept as a digest; each is good for one kind of use, and ends with the credential
whose log-in it came from. `licenses.lookup.sender_by_issued_token` takes them back in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from http_api import clock
from licenses import keys, lookup
from licenses.models import License, Token

Kind = Token.Kind


def issue(
    kind: Kind,
    license_id: int,
    *,
    value: str | None = None,
    public_id: UUID | None = None,
    credential_id: int | None = None,
    scopes: Iterable[str] = (),
    expires_at: dt.datetime | None = None,
    alert_phones: Sequence[str] = (),
    alert_group_id: int | None = None,
) -> str:
    """Create a token and return its value: random, unless the caller gives one of its own form."""
    value = value or keys.new_token()
    Token.objects.create(
        license_id=license_id,
        credential_id=credential_id,
        kind=kind,
        public_id=public_id or uuid4(),
        digest=keys.digest("issued_token", value),
        hint=value[:4],
        scopes=" ".join(sorted(scopes)),
        expires_at=expires_at,
        alert_phones=list(alert_phones),
        alert_group_id=alert_group_id,
        created_at=clock.now(),
    )
    return value


def create_if_absent(kind: Kind, license_id: int, *, value: str, credential_id: int | None) -> None:
    """Insert this value as a token if it is absent. A revoked one stays revoked."""
    token = Token(
        license_id=license_id,
        credential_id=credential_id,
        kind=kind,
        digest=keys.digest("issued_token", value),
        hint=value[:4],
        created_at=clock.now(),
    )
    Token.objects.bulk_create([token], ignore_conflicts=True)


def new_hook(license: License, *, phones: Sequence[str] = (), group_id: int | None = None) -> str:
    """Create a hook link for this licence and return its token; with recipients it is an alert link."""
    return issue(Kind.HOOK, license.pk, alert_phones=phones, alert_group_id=group_id)


def is_alerted(account_id: int, group_id: int) -> bool:
    """Say whether an alert link that is in force sends to this group."""
    links = Token.objects.filter(license__account_id=account_id, kind=Kind.HOOK, revoked_at=None)
    return links.filter(alert_group_id=group_id).exists()


def forget_numbers(account_id: int, phones: Collection[str]) -> int:
    """Take these numbers out of alert links, and revoke a link that has nobody left; return how many."""
    links = Token.objects.filter(
        license__account_id=account_id, alert_phones__overlap=sorted(phones)
    )
    found = list(links)
    for link in found:
        link.alert_phones = [phone for phone in link.alert_phones if phone not in phones]
        link.save(update_fields=["alert_phones"])
    left_over = [one.pk for one in found if not one.alert_phones and one.alert_group_id is None]
    _void(Token.objects.filter(license__account_id=account_id, pk__in=left_over, revoked_at=None))
    return len(found)


def hook_link(token: str) -> str:
    """Return the URL of a hook link, to which a program adds what it sends."""
    return f"{settings.PUBLIC_URL}/hooks/{token}/"


def revoke_hooks(license: License) -> int:
    """Void all hook links of this licence; answers how many."""
    return _void(Token.objects.filter(license=license, kind=Kind.HOOK, revoked_at=None))


def extend(kind: Kind, value: str, expires_at: dt.datetime) -> None:
    """Let a session that is in use live on."""
    _by_value(kind, value).update(expires_at=expires_at)


def consume(kind: Kind, value: str) -> bool:
    """Void a token that is good for one use. Return False where somebody was faster."""
    return _void(_by_value(kind, value)) == 1


def revoke(license_id: int, public_id: UUID) -> bool:
    """Void the tokens of one log-in, or a hook link; False where there is none (any more)."""
    mine = Token.objects.filter(license_id=license_id, public_id=public_id, revoked_at=None)
    return _void(mine) > 0


def expired(now: dt.datetime) -> QuerySet[Token]:
    """Return what expired more than a day ago."""
    return Token.objects.filter(expires_at__lt=now - dt.timedelta(days=1))


def _void(them: QuerySet[Token]) -> int:
    """Return how many it were. A program that logs out is out at its very next request.

    (Another process, where there are several, may remember it for `lookup.CACHE_TIME`.)
    """
    voided = them.update(revoked_at=clock.now())
    transaction.on_commit(lookup.clear_cache)  # not before: without a transaction it runs at once
    return voided


def _by_value(kind: Kind, value: str) -> QuerySet[Token]:
    digests = keys.digests("issued_token", value)
    return Token.objects.filter(kind=kind, digest__in=digests, revoked_at=None)
