"""Log in with an API credential; then `user_key` with a `Session_key` or an `Access_token`.

Behind a proxy that drops header names with underscores, `user-key` and so on do as well.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac

from django.conf import settings
from rest_framework.request import Request

from dialects.base import DialectKey
from dialects.smsend import words
from http_api import clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.headers import header
from http_api.shapes import invalid
from licenses import lookup, tokens
from licenses.authentication import basic
from licenses.sender import Sender

_OUT = frozenset(
    {
        ErrorCode.INVALID_KEY,
        ErrorCode.NOT_FOUND,
        ErrorCode.LICENSE_INACTIVE,
        ErrorCode.SUBSCRIPTION_EXPIRED,
    }
)


class LogIn(DialectKey):
    """Username and password, in the query string or as Basic."""

    def principal(self, request: Request) -> Sender:
        return lookup.sender_by_password(*credentials(request))


class LoggedIn(DialectKey):
    """A log-in's answer, in headers. A session lives on while it is used."""

    prolongs = True

    def principal(self, request: Request) -> Sender:
        kind, key = tokens.Kind.ACCESS, header(request, "Access-Token")
        if not key:
            kind, key = tokens.Kind.SESSION, header(request, "Session-Key")
        sender = lookup.sender_by_issued_token(kind, key)
        if (
            sender.token_scopes is not None
        ):  # one of another dialect, good for a part of what is here
            raise ApiError(ErrorCode.INVALID_KEY, "Log in for a Session_key or an Access_token.")
        if header(request, "User-Key") != str(sender.account_id):
            raise ApiError(ErrorCode.NOT_FOUND, "There is no user with this user_key.")
        if self.prolongs and sender.expires_at is not None:
            _prolong(key, sender.expires_at)
        return sender


class LookedAt(LoggedIn):
    prolongs = False


def _prolong(session_key: str, expires_at: dt.datetime) -> None:
    idle_end = clock.now() + words.SESSION_IDLE
    if expires_at < idle_end:  # else it was prolonged less than SESSION_SLACK ago
        tokens.extend(tokens.Kind.SESSION, session_key, idle_end + words.SESSION_SLACK)


def is_logged_in(request: Request) -> bool:
    """Say whether these headers would open the door; the session is not prolonged."""
    try:
        LookedAt().authenticate(request)
    except ApiError as error:
        if error.code not in _OUT:
            raise
        return False
    return True


def credentials(request: Request) -> tuple[str, str]:
    """Raise ApiError `invalid` where they are missing."""
    if (pair := basic(request)) is not None:
        return pair
    given = request.query_params
    missing = [name for name in ("username", "password") if not given.get(name)]
    if missing:
        problem = "give it in the query string, or both as Authorization: Basic"
        raise invalid({name: [problem] for name in missing})
    return given["username"], given["password"]


def new_session(sender: Sender) -> str:
    return tokens.issue(
        tokens.Kind.SESSION,
        sender.license_id,
        credential_id=sender.credential_id,
        expires_at=clock.now() + words.SESSION_IDLE + words.SESSION_SLACK,
    )


def access_token(sender: Sender, password: str) -> str:
    """Return the credential's access token: the same each time, until the credential ends.

    Some clients ask for it before every call.
    """
    key = f"smsend {settings.SECRET_KEY}".encode()
    mac = hmac.digest(key, f"{sender.credential_id} {password}".encode(), hashlib.sha256)
    value = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    tokens.create_if_absent(
        tokens.Kind.ACCESS, sender.license_id, value=value, credential_id=sender.credential_id
    )
    return value
