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

from http_api.addresses import client_address
from http_api.errors import Refusal
from http_api.headers import header
from http_api.shapes import invalid
from http_api.throttles import failed_key, license_throttle
from licenses import auth, keys
from licenses.models import Device

# Codes that mean "wrong key": they count against the address they came from.
_WRONG_KEY = frozenset({"license_not_found", "invalid_key", "device_unknown"})


class KeyAuthentication(BaseAuthentication):
    """Finds who asks, counts wrong keys by address, and throttles a licence."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        try:
            principal = self.principal(request)
        except Refusal as refusal:
            if refusal.code in _WRONG_KEY:
                failed_key(client_address(request.META))
            raise
        if isinstance(principal, auth.Sender):
            self.throttle(principal)
        return None, principal

    def principal(self, request: Request) -> auth.Sender | Device:
        """Who asks. Raises Refusal."""
        raise NotImplementedError

    def throttle(self, sender: auth.Sender) -> None:
        license_throttle(sender.license_id)


class LicenseKey(KeyAuthentication):
    """Message routes: `license__key` (6 or 12 characters) in the body, or the key in a header."""

    def principal(self, request: Request) -> auth.Sender:
        given = _body(request).get("license__key") or _license_key_header(request)
        return auth.sender_by_license_key(
            _required("license__key", given, keys.LICENSE_KEY_LENGTHS, "6 or 12")
        )


class KeyPair(KeyAuthentication):
    """Contact and group routes: `key` (6–12 characters) and `api_key` (12)."""

    def principal(self, request: Request) -> auth.Sender:
        key = _body(request).get("key") or _license_key_header(request)
        api_key = _body(request).get("api_key") or header(request, "X-Api-Key")
        problems: dict[str, Any] = {}
        for field, value, lengths, words in (
            ("key", key, range(6, 13), "6 to 12"),
            ("api_key", api_key, (keys.API_KEY_LENGTH,), "12"),
        ):
            try:
                _required(field, value, lengths, words)
            except Refusal as refusal:
                problems |= refusal.errors
        if problems:
            raise invalid(problems)
        return auth.sender_by_key_pair(str(key), str(api_key))


class DeviceToken(KeyAuthentication):
    """Companion routes: the phone's token in `Authorization: Bearer`."""

    def principal(self, request: Request) -> Device:
        return auth.device_by_token(bearer(request) or "")


def _body(request: Request) -> dict[str, Any]:
    data = request.data  # StrictParser gives objects only
    assert isinstance(data, dict)
    return data


def _license_key_header(request: Request) -> str | None:
    return header(request, "X-License-Key") or bearer(request)


def bearer(request: Request) -> str | None:
    """The key in `Authorization: Bearer`."""
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
        raise Refusal.of_field(
            field, "send the key in the body, or as the header `Authorization: Bearer <key>`"
        )
    key = auth.well_formed(value, lengths)
    if key is None:
        raise Refusal.of_field(field, f"must have {words} characters")
    return key
