"""From a key to who it belongs to. A look-up is one query, and costs the same for any wrong key.

Raw SQL: the sender's look-up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework.request import Request

from http_api import clock
from http_api.errors import Refusal
from http_api.prepared import Prepared
from licenses import keys
from licenses.models import Device, License, Token


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
    credential_id: int | None = None  # where it logged in with one
    scopes: frozenset[str] | None = None  # all that its token is good for; None: everything
    expires_at: dt.datetime | None = None  # its token; None: not by itself

    @property
    def scope(self) -> str:
        return f"license:{self.license_id}"


# Every request of every program asks this. As an ORM query it costs more than all the rest of a
# request: building it, not running it. `::text`: a prepared statement whose result changes its types
# fails for as long as the connection lives, and a migration that makes a column longer does that.
def _select(
    name: str,
    found_by: str,
    types: Mapping[str, str],
    *,
    has_api_key: str = "false",
    credential: str = "NULL::bigint",
    scopes: str = "NULL",
    expires_at: str = "NULL::timestamptz",
) -> Prepared:
    return Prepared(
        f"sender_{name}",
        f"""
    SELECT l.id, l.is_active, l.allow_short_codes, a.id AS account_id, a.user_id, a.country::text,
        a.time_zone::text, a.opens_at, a.closes_at, a.max_daily_sms, a.is_active AS account_is_active,
        a.valid_until, {has_api_key} AS has_api_key,
        {credential} AS credential_id, {scopes} AS scopes, {expires_at} AS expires_at
    FROM licenses_license AS l JOIN licenses_account AS a ON a.id = l.account_id {found_by}""",
        types,
    )


_BY_ID = _select("by_id", "WHERE l.id = %(license)s", {"license": "bigint"})
_BY_KEY = _select(
    "by_key",
    "WHERE l.key_digest = ANY(%(keys)s)",
    {"keys": "text[]", "api_keys": "text[]"},
    has_api_key="""EXISTS (SELECT FROM licenses_apikey AS k WHERE k.account_id = a.id
        AND k.is_active AND k.key_digest = ANY(%(api_keys)s))""",
)
_OF_CREDENTIAL = "JOIN licenses_credential AS c ON c.license_id = l.id AND c.is_active"
_BY_PASSWORD = _select(
    "by_password",
    f"{_OF_CREDENTIAL} WHERE c.username = %(username)s AND c.password_digest = ANY(%(digests)s)",
    {"username": "text", "digests": "text[]"},
    credential="c.id",
)
_BY_TOKEN = _select(
    "by_token",
    f"{_OF_CREDENTIAL} WHERE c.token_digest = ANY(%(digests)s)",
    {"digests": "text[]"},
    credential="c.id",
)
_BY_ISSUED_TOKEN = _select(
    "by_issued_token",
    """
    JOIN licenses_token AS t ON t.license_id = l.id
    LEFT JOIN licenses_credential AS c ON c.id = t.credential_id
    WHERE t.digest = ANY(%(digests)s) AND t.kind = %(kind)s AND t.revoked_at IS NULL
        AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
        AND (t.credential_id IS NULL OR c.is_active)""",
    {"digests": "text[]", "kind": "text", "now": "timestamptz"},
    credential="t.credential_id",
    scopes="t.scopes::text",
    expires_at="t.expires_at",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """What `_select` selects, in its order."""

    id: int
    is_active: bool
    allow_short_codes: bool
    account_id: int
    user_id: int
    country: str
    time_zone: str
    opens_at: dt.time | None
    closes_at: dt.time | None
    max_daily_sms: int | None
    account_is_active: bool
    valid_until: dt.date | None
    has_api_key: bool
    credential_id: int | None
    scopes: str | None  # separated by spaces; '': everything
    expires_at: dt.datetime | None


# A program that sends a thousand messages in a row is looked up once a second: the look-up costs
# PostgreSQL half as much as the insert. What an operator changes is in force after this time.
MEMORY = dt.timedelta(seconds=1)
_MEMORY_SIZE = 10_000
_memory: dict[tuple[str, ...], tuple[dt.datetime, Sender]] = {}


def _remembered(look_up: Callable[[], Sender], *asked: str) -> Sender:
    """The sender that `look_up` finds, or found less than `MEMORY` ago for the same digests.

    Of keys that are refused nothing is remembered: time must not tell one from another.
    """
    now = clock.now()
    found_at, sender = _memory.get(asked, (now, None))
    if sender is None or not dt.timedelta(0) <= now - found_at < MEMORY:
        sender = look_up()
        if len(_memory) >= _MEMORY_SIZE:
            _memory.clear()
        _memory[asked] = now, sender
    return sender


def forget() -> None:
    """Look everybody up anew, in this process."""
    _memory.clear()


def sender_by_license_key(key: str) -> Sender:
    """The sender for this licence key.

    Raises Refusal: `license_not_found`, `license_inactive`, `subscription_expired`.
    """
    digests = keys.digests("license_key", key)
    return _remembered(lambda: _usable(_row(_BY_KEY, keys=digests, api_keys=[])), *digests)


def sender_by_key_pair(key: str, api_key: str) -> Sender:
    """The sender for a licence key and an api_key of the same account.

    Raises Refusal: `license_inactive`, `subscription_expired`, and `invalid_key` for everything
    else: an unknown, wrong, foreign or disabled key all look the same.
    """
    digests, api_digests = keys.digests("license_key", key), keys.digests("api_key", api_key)

    def look_up() -> Sender:
        row = _row(_BY_KEY, keys=digests, api_keys=api_digests)
        if row is None or not row.has_api_key:
            raise Refusal("invalid_key", "The licence key or the api_key is not valid.")
        return _usable(row)

    return _remembered(look_up, *digests, *api_digests)


def sender_by_password(username: str, password: str) -> Sender:
    """The sender for an API credential. Raises Refusal: `invalid_key`, and as above."""
    if "\0" in username:  # PostgreSQL's text has none
        return _usable(_known(None))
    digests = keys.digests("password", password)
    return _remembered(
        lambda: _usable(_known(_row(_BY_PASSWORD, username=username, digests=digests))),
        username, *digests,
    )  # fmt: skip


def sender_by_token(token: str) -> Sender:
    """The sender for the long token of an API credential. Raises as above."""
    digests = keys.digests("token", token)
    return _remembered(lambda: _usable(_known(_row(_BY_TOKEN, digests=digests))), *digests)


def sender_by_issued_token(kind: Token.Kind, token: str) -> Sender:
    """The sender for a token of `licenses.tokens`, where it is of this kind. Raises as above."""
    digests = keys.digests("issued_token", token)
    return _remembered(
        lambda: _usable(
            _known(_row(_BY_ISSUED_TOKEN, kind=kind.value, digests=digests, now=clock.now()))
        ),
        kind.value, *digests,
    )  # fmt: skip


def _known(row: _Row | None) -> _Row:
    if row is None:
        raise Refusal("invalid_key", "The username, password or token is not valid.")
    return row


def sender_of_license(license: License) -> Sender:
    """The sender that this licence is, for code that already holds it. Raises as above."""
    return _usable(_row(_BY_ID, license=license.pk))


def device_by_token(token: str) -> Device:
    """The paired phone with this token, with its licence and account. Raises `device_unknown`."""
    device = (
        Device.objects.select_related("license__account")
        .filter(token_digest__in=keys.digests("device", token), revoked_at=None)
        .first()
    )
    if device is None:
        raise _unpaired()
    return device


def lock_device(device: Device) -> None:
    """Hold this phone's row until the transaction ends.

    Raises `device_unknown` where it was revoked, or paired anew, since it was read.
    """
    locked = Device.objects.select_for_update().filter(
        pk=device.pk, token_digest=device.token_digest, revoked_at=None
    )
    if not locked.values_list("pk"):
        raise _unpaired()


def _unpaired() -> Refusal:
    return Refusal("device_unknown", "This phone is not paired any more; pair it again.")


def _row(select: Prepared, **parameters: Any) -> _Row | None:
    row = select.fetchone(parameters)
    return _Row(*row) if row else None


def _usable(row: _Row | None) -> Sender:
    if row is None:
        raise Refusal("license_not_found", "There is no licence with this key.")
    if not (row.is_active and row.account_is_active):
        raise Refusal("license_inactive", "This licence is not active.")
    zone = time_zone(row.time_zone)
    if row.valid_until and clock.now().astimezone(zone).date() > row.valid_until:
        raise Refusal("subscription_expired", "The subscription of this account has ended.")
    return Sender(
        license_id=row.id,
        account_id=row.account_id,
        user_id=row.user_id,
        country=row.country,
        zone=zone,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        max_daily_sms=row.max_daily_sms,
        allow_short_codes=row.allow_short_codes,
        credential_id=row.credential_id,
        scopes=frozenset(row.scopes.split()) if row.scopes else None,
        expires_at=row.expires_at,
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
