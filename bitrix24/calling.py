"""Call a portal's REST methods, and the authorization server for new tokens.

An access token lives for an hour and is renewed when the portal says `expired_token`. A renewal replaces
the refresh token too, and two at once would void each other: the portal's row is locked meanwhile.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeGuard
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction

from bitrix24.models import Portal
from bitrix24.sealing import seal, unseal
from http_api import clock, outgoing

_MOST_BYTES = 1024 * 1024
_WEBHOOK = re.compile(r"https://[^\s?#]+/rest/[0-9]+/[A-Za-z0-9]+/")
_EXPIRED = frozenset({"expired_token", "invalid_token"})
# What no later try changes: a person must act.
_FATAL = frozenset(
    {
        "PAYMENT_REQUIRED", "ACCESS_DENIED", "insufficient_scope", "invalid_client", "invalid_grant",
        "APPLICATION_NOT_FOUND", "expired_token", "invalid_token", "client_id is missing",
    }
)  # fmt: skip


class Refused(Exception):
    """A call was answered, and not by a result."""

    def __init__(self, code: str, resets_at: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.resets_at = resets_at  # a Unix time before which another call is in vain

    @property
    def is_fatal(self) -> bool:
        return self.code in _FATAL


def call(portal: Portal, method: str, values: dict[str, Any]) -> Any:
    """Return the `result`. Raise Refused, outgoing.Unreachable."""
    used = portal.access_token
    try:
        return _call(portal, method, values)
    except Refused as refused:
        if refused.code not in _EXPIRED:
            raise
    renew(portal, used)
    return _call(portal, method, values)


def call_by_webhook(url: str, method: str, values: dict[str, Any]) -> Any:
    """As `call`, by an incoming webhook, which is address and key in one."""
    return _posted(url, method, values)


def is_webhook(url: str) -> bool:
    """Say whether this may be a portal's incoming webhook: `https://PORTAL/rest/USER/SECRET/`."""
    return _WEBHOOK.fullmatch(url) is not None


def app_info(access_token: str) -> Any:
    """Return what the authorization server knows of this token. Raise as `call`."""
    return _asked("/rest/app.info/", {"auth": access_token}).get("result")


@transaction.atomic
def renew(portal: Portal, used: str) -> None:
    """Get new tokens, unless another has since this sealed one was used. Raise as `call`."""
    locked = Portal.objects.select_for_update().get(pk=portal.pk, license_id=portal.license_id)
    if locked.access_token == used:
        token = unseal(locked.pk, "refresh_token", locked.refresh_token)
        _keep(locked, _granted(locked, {"grant_type": "refresh_token", "refresh_token": token}))
    portal.access_token, portal.client_endpoint = locked.access_token, locked.client_endpoint


@transaction.atomic
def exchange(portal: Portal, code: str) -> None:
    """Get tokens for what the portal gave to an administrator's browser. Raise as `call`."""
    locked = Portal.objects.select_for_update().get(pk=portal.pk, license_id=portal.license_id)
    answer = _granted(locked, {"grant_type": "authorization_code", "code": code})
    if answer.get("member_id") != locked.member_id:
        raise Refused("the tokens are another portal's")
    _keep(locked, answer)
    portal.access_token, portal.client_endpoint = locked.access_token, locked.client_endpoint


def _granted(portal: Portal, grant: dict[str, str]) -> dict[str, Any]:
    if not portal.client_id or not portal.client_secret:
        raise Refused("client_id is missing")
    secret = unseal(portal.pk, "client_secret", portal.client_secret)
    proof = {"client_id": portal.client_id, "client_secret": secret}
    return _asked("/oauth/token/", grant | proof)


def _keep(portal: Portal, answer: dict[str, Any]) -> None:
    match answer:
        case {"access_token": str(access), "refresh_token": str(refresh)}:
            keep_tokens(portal, access, refresh)
        case _:
            raise Refused("there are no tokens in the answer")
    if is_endpoint(url := answer.get("client_endpoint")):
        portal.client_endpoint = url  # a portal may be renamed
    portal.save(update_fields=["access_token", "refresh_token", "refreshed_at", "client_endpoint"])


def is_endpoint(url: object) -> TypeGuard[str]:
    """Say whether a portal's methods may stand below this URL."""
    return isinstance(url, str) and url.startswith("https://") and url.endswith("/rest/")


def keep_tokens(portal: Portal, access_token: str, refresh_token: str) -> None:
    """Seal both; the caller saves them."""
    portal.access_token = seal(portal.pk, "access_token", access_token)
    portal.refresh_token = seal(portal.pk, "refresh_token", refresh_token)
    portal.refreshed_at = clock.now()


def _call(portal: Portal, method: str, values: dict[str, Any]) -> Any:
    token = unseal(portal.pk, "access_token", portal.access_token)
    return _posted(portal.client_endpoint, method, values | {"auth": token})


def _posted(endpoint: str, method: str, values: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    body = json.dumps(values).encode()
    answer = outgoing.fetch("POST", f"{endpoint}{method}", body, headers, most=_MOST_BYTES)
    return _read(answer).get("result")


def _asked(path: str, query: dict[str, str]) -> dict[str, Any]:
    url = f"{settings.BITRIX24_OAUTH_URL}{path}?{urlencode(query)}"
    return _read(outgoing.fetch("GET", url, None, {"Accept": "application/json"}, most=_MOST_BYTES))


def _read(answer: tuple[int, bytes]) -> dict[str, Any]:
    status, body = answer
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused(f"HTTP {status}")
    if error := found.get("error"):
        time = found.get("time")
        resets_at = time.get("operating_reset_at") if isinstance(time, dict) else None
        raise Refused(str(error)[:100], resets_at if isinstance(resets_at, int | float) else None)
    if status != 200:
        raise Refused(f"HTTP {status}")
    return found
