"""Seal what must be read again: AES-GCM by a key derived from the pepper, one for each row.

A copy of the database alone opens nothing. What is sealed starts with the version of the pepper, as
digests do (`1$…`), and opens only in its own row and column.
"""

from __future__ import annotations

import base64
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from http_api.derivation import Kind, derived, newest_pepper

_NONCE_BYTES = 12


def seal(kind: Kind, row: str, column: str, value: str) -> str:
    """Return what to store of this value, under the newest pepper."""
    version, nonce = newest_pepper(), secrets.token_bytes(_NONCE_BYTES)
    sealed = _cipher(version, kind, row).encrypt(nonce, value.encode(), column.encode())
    return f"{version}${base64.b64encode(nonce + sealed).decode()}"


def unseal(kind: Kind, row: str, column: str, stored: str) -> str:
    """Return the value. Raise InvalidTag where it was sealed for another row or column."""
    version, _, encoded = stored.partition("$")
    sealed = base64.b64decode(encoded)
    nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return _cipher(int(version), kind, row).decrypt(nonce, rest, column.encode()).decode()


def is_sealed(stored: str) -> bool:
    """Return whether this is no plain JSON but what `seal` made of it."""
    return stored.partition("$")[0].isdigit()


def _cipher(version: int, kind: Kind, row: str) -> AESGCM:
    return AESGCM(derived(version, kind, row))
