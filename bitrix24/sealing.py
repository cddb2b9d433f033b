"""Seal what a portal can be called with: it opens in its own portal and column (http_api.sealing)."""

from __future__ import annotations

from http_api import sealing


def seal(portal_id: int, column: str, value: str) -> str:
    """Return what to store of this value."""
    return sealing.seal("bitrix24", f"portal {portal_id}", column, value)


def unseal(portal_id: int, column: str, stored: str) -> str:
    """Return the value. Raise InvalidTag where it was sealed for another portal or column."""
    return sealing.unseal("bitrix24", f"portal {portal_id}", column, stored)
