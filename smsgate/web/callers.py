"""Whose turn a request takes in the pool, told before a thread has looked at it.

A key that was found right belongs to its account: all keys and phones of an account share one turn, and
no address is held against it. Any other request takes the turn of its address. So a stranger who invents
a new key for each request still has one turn, and not one of an account's.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, MutableMapping
from dataclasses import dataclass
from typing import Any

from dialects.registry import DIALECTS
from http_api.addresses import client_network

_REMEMBERED = 20_000
_LOOKED_THROUGH = (
    4096  # bytes at the start of a body; where the key stands later, the address counts
)

# Where keys stand in a request: of the native API and of each dialect.
_HEADERS = frozenset(
    name.encode()
    for names in (
        ("authorization", "x-license-key", "x-api-key"),
        *(dialect.key_headers for dialect in DIALECTS),
    )
    for name in names
)
_FIELDS = "|".join(
    ("license__key", "key", *(name for dialect in DIALECTS for name in dialect.key_fields))
).encode()
_IN_JSON = re.compile(rb'"(?:%b)"(?:\s*:\s*"?|\r\n\r\n)([^",}\s]+)' % _FIELDS)  # or multipart
_IN_FORM = re.compile(rb"(?:^|&)(?:%b)=([^&]+)" % _FIELDS)
_IN_PATH = re.compile(r"^(?:/dialects)?/hooks/[^/]+")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: `turn` is what the pool tells callers apart by."""

    turn: Hashable
    is_known: bool  # by a key that was right before
    given: int | None  # hash of all that may be a key; None: nothing was given


class Callers:
    """The keys that this process has found right, as hashes, with their accounts."""

    def __init__(self) -> None:
        self._accounts: dict[int | None, int] = {}

    def identify(self, scope: MutableMapping[str, Any], body: bytes = b"") -> Caller:
        given = _given(scope, body)
        number = hash(given) if any(given) else None
        account = self._accounts.get(number)
        if account is not None:
            return Caller(account, True, number)
        return Caller(_network(scope), False, number)

    def remember(self, caller: Caller, account_id: int) -> None:
        """Remember that this caller gave the key of that account."""
        if caller.is_known or caller.given is None:
            return
        if len(self._accounts) >= _REMEMBERED:
            self._accounts.clear()
        self._accounts[caller.given] = account_id


def _given(scope: MutableMapping[str, Any], body: bytes) -> tuple[Any, ...]:
    """Return everything in the request that may be a key, in any dialect."""
    if link := _IN_PATH.match(
        scope["path"]
    ):  # its body is somebody else's, with fields of any name
        return (link[0],)
    headers = tuple(value for name, value in scope["headers"] if name in _HEADERS)
    start = body[:_LOOKED_THROUGH]
    found = tuple(_IN_JSON.findall(start) or _IN_FORM.findall(start))
    return headers, found, tuple(_IN_FORM.findall(scope["query_string"]))


def _network(scope: MutableMapping[str, Any]) -> str:
    client = scope.get("client") or ("", 0)
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return client_network(
        {"REMOTE_ADDR": client[0], "HTTP_X_FORWARDED_FOR": b",".join(forwarded).decode("latin-1")}
    )
