"""Basic with an API credential, Bearer with its long token or with a token of `auth/token`."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from rest_framework.request import Request

from dialects.android_sms_gateway import words
from dialects.base import DialectKey
from http_api import clock
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.times import utc
from licenses import lookup, tokens
from licenses.authentication import basic, bearer
from licenses.sender import Sender


class Login(DialectKey):
    def principal(self, request: Request) -> Sender:
        if (pair := basic(request)) is not None:
            return lookup.sender_by_password(*pair)
        token = bearer(request) or ""
        if token.count(".") == 2:
            return lookup.sender_by_issued_token(tokens.Kind.ACCESS, token)
        return lookup.sender_by_token(token)


class RefreshToken(DialectKey):
    """`auth/token/refresh`: the refresh token stands where an access token usually does."""

    def principal(self, request: Request) -> Sender:
        return lookup.sender_by_issued_token(tokens.Kind.REFRESH, bearer(request) or "")


def require_scope(sender: Sender, scope: str) -> None:
    """Raise ApiError `scope_required`."""
    if sender.token_scopes is None or {words.EVERYTHING, scope} & sender.token_scopes:
        return
    raise ApiError(ErrorCode.SCOPE_REQUIRED, f"scope required: {scope}")


def issue_pair(sender: Sender, scopes: Iterable[str], lifetime: dt.timedelta) -> dict[str, Any]:
    """Issue an access token and its refresh token; answer both in each of the vendor's spellings."""
    jti, expires_at = uuid4(), clock.now() + lifetime
    access = tokens.issue(
        tokens.Kind.ACCESS,
        sender.license_id,
        value=_jwt(jti, sender, scopes, expires_at),
        public_id=jti,
        credential_id=sender.credential_id,
        scopes=scopes,
        expires_at=expires_at,
    )
    refresh = tokens.issue(
        tokens.Kind.REFRESH,
        sender.license_id,
        public_id=jti,
        credential_id=sender.credential_id,
        scopes=scopes,
        expires_at=max(expires_at, clock.now() + words.REFRESH_LIFETIME),
    )
    expires = utc(expires_at)
    return {
        "id": str(jti),
        "token_type": "Bearer", "tokenType": "Bearer",
        "access_token": access, "accessToken": access,
        "refresh_token": refresh, "refreshToken": refresh,
        "expires_at": expires, "expiresAt": expires,
    }  # fmt: skip


def _jwt(jti: UUID, sender: Sender, scopes: Iterable[str], expires_at: dt.datetime) -> str:
    """Format the token as a JWT (RFC 7519), for clients that decode it. We look it up by its digest."""
    claims = {
        "iss": "smsgate",
        "sub": str(sender.license_id),
        "jti": str(jti),
        "iat": int(clock.now().timestamp()),
        "exp": int(expires_at.timestamp()),
        "scopes": sorted(scopes),
    }
    signed = f"{_segment({'alg': 'HS256', 'typ': 'JWT'})}.{_segment(claims)}"
    key = f"jwt {settings.SECRET_KEY}".encode()
    return f"{signed}.{_base64url(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def _segment(claims: dict[str, Any]) -> str:
    return _base64url(json.dumps(claims, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
