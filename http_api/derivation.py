"""Secrets that follow from a pepper: a keyed BLAKE2b of what each is for."""

from __future__ import annotations

import hashlib
from typing import Literal

from django.conf import settings

Kind = Literal[
    "license_key", "api_key", "password", "token", "device", "pairing_code", "issued_token", "pin",
    "webhook", "pepper", "bitrix24", "invitation", "idempotency", "mail",
    "erasure",
]  # fmt: skip


def derived(version: int, kind: Kind, value: str) -> bytes:
    """Return the keyed BLAKE2b-256 of the value, under this version of the pepper."""
    # "surrogatepass": a lone surrogate in a client's key makes it unknown, not an exception.
    message = value.encode("utf-8", "surrogatepass")
    pepper = settings.PEPPERS[version].encode()[:64]
    return hashlib.blake2b(message, key=pepper, person=kind.encode(), digest_size=32).digest()


def newest_pepper() -> int:
    """Return the version of the pepper that new secrets are made with."""
    return max(settings.PEPPERS)
