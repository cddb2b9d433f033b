"""Seal what a portal can be called with: AES-GCM by a key derived from the pepper, one for each portal.

A copy of the database alone opens nothing. What is sealed starts with the version of the pepper, as
digests do (`1$…`), and opens only in its own row and column.
"""

from __future__ import annotations

import base64
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from licenses import keys

_NONCE_BYTES = 12


def seal(portal_id: int, column: str, value: str) -> str:
    """Return what to store of this value, under the newest pepper."""
    version, nonce = keys.newest_pepper(), secrets.token_bytes(_NONCE_BYTES)
    sealed = _cipher(version, portal_id).encrypt(nonce, value.encode(), column.encode())
    return f"{version}${base64.b64encode(nonce + sealed).decode()}"


def unseal(portal_id: int, column: str, stored: str) -> str:
    """Return the value. Raise InvalidTag where it was sealed for another row or column."""
    version, _, encoded = stored.partition("$")
    sealed = base64.b64decode(encoded)
    nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return _cipher(int(version), portal_id).decrypt(nonce, rest, column.encode()).decode()


def _cipher(version: int, portal_id: int) -> AESGCM:
    return AESGCM(keys.derived(version, "bitrix24", f"portal {portal_id}"))
