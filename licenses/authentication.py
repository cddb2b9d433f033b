"""DRF authentication classes: where keys stand in a request, and in what order that is checked.

Keys come in the body, as documented, or in headers (`Authorization: Bearer`, `X-License-Key`,
`X-Api-Key`). `request.auth` is the Sender (or the Device) afterwards.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from http_api.addresses import client_network
from http_api.blanks import is_blank
from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.headers import header
from http_api.reading import body_of
from http_api.shapes import invalid
from http_api.throttles import license_throttle, record_failed_key
from licenses import keys, lookup, scopes
from licenses.models import Device
from licenses.scopes import Scope
from licenses.sender import Sender

# Codes that mean "wrong key": they count against the address they came from. `device_unknown` is none
# of them: a phone that was revoked must hear so whatever others at its address have tried, and a token
# of 256 bits need not be protected from guessing.
_WRONG_KEY = frozenset({ErrorCode.LICENSE_NOT_FOUND, ErrorCode.INVALID_KEY})

# Where the WSGI environ says whose key was right, for the pool's turns (smsgate.web.callers).
ACCOUNT = "smsgate.account"
COUNTED = "smsgate.counted"


class KeyAuthentication(BaseAuthentication):
    """Finds who asks, counts wrong keys by address, and throttles a licence."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        try:
            principal = self.principal(request)
        except ApiError as error:
            if error.code in _WRONG_KEY:
                record_failed_key(client_network(request.META))
            raise
        if isinstance(principal, Sender):
            request.META[ACCOUNT] = principal.account_id
            if COUNTED not in request.META:  # a request that gave way is counted once
                self.throttle(request, principal)
                request.META[COUNTED] = True
            needed = request.parser_context["view"].needed_scope()
            scopes.require(principal.scopes, Scope.MANAGE if needed is None else Scope(needed))
        else:
            request.META[ACCOUNT] = principal.license.account_id
        return None, principal

    def principal(self, request: Request) -> Sender | Device:
        """Return who asks; raise ApiError."""
        raise NotImplementedError

    def throttle(self, request: Request, sender: Sender) -> None:
        license_throttle(sender.license_id)


class LicenseKey(KeyAuthentication):
    """Message routes: `license__key` (6 or 12 characters) in the body, or the key in a header."""

    def principal(self, request: Request) -> Sender:
        given = _in_body(request, "license__key") or _license_key_header(request)
        return lookup.sender_by_license_key(
            _required("license__key", given, keys.LICENSE_KEY_LENGTHS, "6 or 12")
        )


class KeyPair(KeyAuthentication):
    """Contact and group routes: `key` (6–12 characters) and `api_key` (12)."""

    def principal(self, request: Request) -> Sender:
        key = _in_body(request, "key") or _license_key_header(request)
        return _sender_by_pair("key", key, range(6, 13), "6 to 12", _api_key(request))


class LicenseKeyAndPerhapsApiKey(LicenseKey):
    """The call to test keys with: as message routes; an api_key that is sent must be right too."""

    def principal(self, request: Request) -> Sender:
        if not (api_key := _api_key(request)):
            return super().principal(request)
        given = _in_body(request, "license__key") or _license_key_header(request)
        lengths = keys.LICENSE_KEY_LENGTHS
        return _sender_by_pair("license__key", given, lengths, "6 or 12", api_key)


def _api_key(request: Request) -> Any:
    return _in_body(request, "api_key") or header(request, "X-Api-Key")


def _sender_by_pair(name: str, key: object, lengths: Any, words: str, api_key: object) -> Sender:
    problems: dict[str, Any] = {}
    for field, value, its_lengths, its_words in (
        (name, key, lengths, words),
        ("api_key", api_key, (keys.API_KEY_LENGTH,), "12"),
    ):
        try:
            _required(field, value, its_lengths, its_words)
        except ApiError as error:
            problems |= error.errors
    if problems:
        raise invalid(problems)
    return lookup.sender_by_key_pair(str(key), str(api_key))


class DeviceToken(KeyAuthentication):
    """Companion routes: the phone's token in `Authorization: Bearer`."""

    def principal(self, request: Request) -> Device:
        return lookup.device_by_token(bearer(request) or "")


def _in_body(request: Request, name: str) -> Any:
    """Return the body's field; None where it is absent or blank, so that a header may hold the key."""
    value = body_of(request).get(name)
    return None if is_blank(value) else value


def _license_key_header(request: Request) -> str | None:
    return header(request, "X-License-Key") or bearer(request)


def bearer(request: Request) -> str | None:
    """Return the key of `Authorization: Bearer`; None if there is none."""
    scheme, _, value = header(request, "Authorization").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def basic(request: Request) -> tuple[str, str] | None:
    """Username and password in `Authorization: Basic`; None where another scheme, or none, is given."""
    scheme, _, value = header(request, "Authorization").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        pair = ""
    username, _, password = pair.partition(":")
    return username, password


def _required(
    field: str,
    value: object,
    lengths: Any,
    words: str,
) -> str:
    if value is None or value == "":
        where = "X-Api-Key: <key>" if field == "api_key" else "Authorization: Bearer <key>"
        raise ApiError.of_field(field, f"send the key in the body, or as the header `{where}`")
    key = keys.well_formed(value, lengths)
    if key is None:
        raise ApiError.of_field(field, f"must have {words} characters")
    return key
