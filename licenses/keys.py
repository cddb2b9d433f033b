"""Keys, codes and tokens: made from the system's randomness, stored only as keyed digests.

All of them are random and long enough that one keyed hash (BLAKE2b, RFC 7693) protects them; a slow
password hash would cost hundreds of milliseconds a request and protect nothing more. A digest starts
with the version of the pepper it was made with (`1$…`), so peppers can be changed without voiding
keys.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from django.conf import settings

from http_api.derivation import Kind, derived, newest_pepper

# 32 characters that a person cannot mix up when reading aloud: 5 bits each.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

LICENSE_KEY_LENGTHS = (6, 12)
API_KEY_LENGTH = 12
PAIRING_CODE_LENGTH = 12  # 60 bits


def new_key(length: int = 12) -> str:
    """Generate a random key that people can type: `length` characters of 5 bits each."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_token() -> str:
    """256 bits, safe in URLs and headers."""
    return secrets.token_urlsafe(32)


def digest(kind: Kind, value: str) -> str:
    """Return the digest to store, under the newest pepper. No `kind` of secret passes as another."""
    return _digest(newest_pepper(), kind, value)


def digests(kind: Kind, value: str) -> list[str]:
    """Return the digests under every pepper in use, newest first, to look a key up by."""
    peppers: Mapping[int, str] = settings.PEPPERS
    return [_digest(version, kind, value) for version in sorted(peppers, reverse=True)]


def _digest(version: int, kind: Kind, value: str) -> str:
    return f"{version}${derived(version, kind, value).hex()}"


def well_formed(value: object, lengths: Sequence[int]) -> str | None:
    """Return the key as text if its length is one of `lengths`; all-digit keys also come as numbers."""
    if type(value) is int:
        value = str(value)
    return value if isinstance(value, str) and len(value) in lengths else None


def normal_pairing_code(typed: str) -> str:
    """Return the code as stored: people type it in lower case, and with the dashes it is shown with."""
    return typed.replace("-", "").replace(" ", "").upper()


def shown_pairing_code(code: str) -> str:
    """`ABCDEFGHJKLM` → `ABCD-EFGH-JKLM`."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))
