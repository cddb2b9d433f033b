"""What a phone hears (docs/protocol.md). The types make the OpenAPI schema."""

from __future__ import annotations

import datetime as dt
from typing import Any

from typing_extensions import TypedDict

from http_api.shapes import identifier
from licenses.models import Device
from messaging.answers import utc
from messaging.services.sync import PACE_SECONDS, SEGMENTS_PER_MINUTE, SyncAnswer


class PairedAnswer(TypedDict):
    device_id: int
    token: str
    account: str
    server_time: str


class MessageToSend(TypedDict):
    message_id: int
    attempt: int
    phone: str
    text: str
    sim: int | None
    priority: int
    start_within_seconds: int


class SyncedAnswer(TypedDict):
    acked: list[str]
    messages: list[MessageToSend]
    cancel: list[int]
    paused: bool
    next_sync_seconds: int
    pace_seconds: int
    segments_per_minute: int
    server_time: str


def paired(device: Device, token: str, now: dt.datetime) -> PairedAnswer:
    return {
        "device_id": device.pk,
        "token": token,
        "account": device.license.account.name,
        "server_time": utc(now),
    }


def acked(events: list[Any]) -> list[str]:
    """Every event that has an id, whatever became of it: it is kept here.

    Ids are strings; a phone that writes numbers understands its own, so they are answered as text.
    """
    ids = [identifier(event.get("event_id")) for event in events if isinstance(event, dict)]
    return [event_id for event_id in ids if isinstance(event_id, str)]


def synced(answer: SyncAnswer, events: list[Any]) -> SyncedAnswer:
    return {
        "acked": acked(events),
        "messages": [
            {
                "message_id": message.message_id,
                "attempt": message.attempt,
                "phone": message.phone,
                "text": message.text,
                "sim": message.sim,
                "priority": message.priority,
                "start_within_seconds": start_within,
            }
            for message, start_within in answer.messages
        ],
        "cancel": answer.cancel,
        "paused": answer.is_paused,
        "next_sync_seconds": answer.next_sync_seconds,
        "pace_seconds": PACE_SECONDS,
        "segments_per_minute": SEGMENTS_PER_MINUTE,
        "server_time": utc(answer.server_time),
    }
