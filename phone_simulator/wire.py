"""The wire format: reading the server's answers strictly, building the phone's requests.

An answer that is cut, not JSON or of the wrong shape raises `BadReplyError`, before anything is
changed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from phone_simulator.leased_message import LeasedMessage
from protocol import constant

PAIR, SYNC, WAIT = "/companion/pair/", "/companion/sync/", "/companion/wait/"

MAX_EVENTS = constant("max_events")
MAX_REQUEST_BYTES = constant("max_request_bytes")
MAX_CAPACITY = constant("max_capacity")
MAX_HELD = constant("max_held")

_LONGEST_SECONDS = constant("longest_seconds")
_LARGEST = 2**63 - 1  # what the journal's integers hold


class BadReplyError(Exception):
    """The server's answer cannot be read."""


@dataclass(frozen=True, slots=True)
class SyncReply:
    acked: list[str]
    messages: list[LeasedMessage]
    cancel: list[int]
    is_paused: bool
    next_sync_seconds: float
    pace_seconds: float
    segments_per_minute: int
    sync_number: int | None = None  # servers before 0.2 do not count
    forget: bool = False  # recipients of what the radio has answered; older servers never say it


@dataclass(frozen=True, slots=True)
class PairReply:
    device_id: int
    token: str
    account: str


def encode(body: dict[str, Any]) -> bytes:
    """Return the body as bytes; the one way to, so that its size can be known beforehand."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def decode(body: bytes) -> dict[str, Any]:
    """Return the body's one JSON object. Raises BadReplyError."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadReplyError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadReplyError("not a JSON object")
    return value


def fit_events(body: dict[str, Any], events: Sequence[str]) -> dict[str, Any]:
    """Return the body with as many of the events (JSON) as one call may carry; the first always.

    What does not fit stays in the outbox and goes with the next call.
    """
    room = MAX_REQUEST_BYTES - len(encode(body | {"events": []}))
    taken: list[str] = []
    for event in events[:MAX_EVENTS]:
        room -= len(event.encode()) + 1
        if taken and room < 0:
            break
        taken.append(event)
    return body | {"events": [json.loads(event) for event in taken]}


def read_sync(body: bytes, asked_at_ms: int) -> SyncReply:
    """Return what a sync's 200 says; leases count from before the request. Raises BadReplyError."""
    reply = _Reader(decode(body))
    return SyncReply(
        acked=[_as_text(item) for item in reply.items("acked")],
        messages=[_leased_message(item, asked_at_ms) for item in reply.items("messages")],
        cancel=[_as_integer(item) for item in reply.items("cancel")],
        is_paused=reply.flag("paused"),
        next_sync_seconds=reply.seconds("next_sync_seconds"),
        pace_seconds=reply.seconds("pace_seconds"),
        segments_per_minute=reply.integer("segments_per_minute", least=1),
        sync_number=reply.integer("sync_number") if reply.has("sync_number") else None,
        forget=reply.said("forget"),
    )


def read_pair(body: bytes) -> PairReply:
    """Return what a pairing's 201 says. Raises BadReplyError."""
    reply = _Reader(decode(body))
    return PairReply(reply.integer("device_id"), reply.text("token"), reply.text("account"))


def read_problem(body: bytes) -> tuple[str, str]:
    """Return code and sentence of an error body; both may be empty."""
    try:
        reply = decode(body)
    except BadReplyError:
        return "", ""
    return str(reply.get("code", "")), str(reply.get("message", ""))


def _leased_message(item: object, asked_at_ms: int) -> LeasedMessage:
    if not isinstance(item, dict):
        raise BadReplyError("a message is not an object")
    message = _Reader(item)
    return LeasedMessage(
        message_id=message.integer("message_id", least=1),
        attempt=message.integer("attempt", least=1),
        phone=message.text("phone"),
        text=message.text("text"),
        sim=None if item.get("sim") is None else message.integer("sim", least=0),
        priority=message.integer("priority", least=-_LARGEST),
        start_before_ms=asked_at_ms + int(message.seconds("start_within_seconds") * 1000),
    )


class _Reader:
    """Typed access to one object of an answer."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    def items(self, key: str) -> list[Any]:
        value = self._data.get(key)
        if not isinstance(value, list):
            raise BadReplyError(f"{key} is not a list")
        return value

    def has(self, key: str) -> bool:
        return self._data.get(key) is not None

    def said(self, key: str) -> bool:
        """Return whether it says so; what says nothing, or something else, does not."""
        return self._data.get(key) is True

    def flag(self, key: str) -> bool:
        value = self._data.get(key)
        if not isinstance(value, bool):
            raise BadReplyError(f"{key} is not true or false")
        return value

    def integer(self, key: str, least: int = 0) -> int:
        value = _as_integer(self._data.get(key))
        if value < least:
            raise BadReplyError(f"{key} is below {least}")
        return value

    def text(self, key: str) -> str:
        return _as_text(self._data.get(key))

    def seconds(self, key: str) -> float:
        value = self._data.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadReplyError(f"{key} is not a number")
        return min(max(value, 0), _LONGEST_SECONDS)


def _as_integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST:
        raise BadReplyError("a whole number is missing")
    return value


def _as_text(value: object) -> str:
    if not isinstance(value, str):
        raise BadReplyError("a string is missing")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadReplyError("a lone surrogate") from None
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
