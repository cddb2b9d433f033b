"""Responses to a phone (docs/protocol.md). The types make the OpenAPI schema."""

from __future__ import annotations

import datetime as dt
from typing import NotRequired

from typing_extensions import TypedDict

from http_api.answers import RowId, UtcTime
from http_api.times import utc
from licenses.models import Device
from messaging.exchange import SyncAnswer
from protocol import constant


class PairedAnswer(TypedDict):
    device_id: RowId
    token: str
    account: str
    server_time: UtcTime


class LeasedMessage(TypedDict):
    message_id: RowId
    attempt: int
    phone: str
    text: str
    sim: int | None
    priority: int
    start_within_seconds: int


class SyncedAnswer(TypedDict):
    acked: list[str]
    messages: list[LeasedMessage]
    cancel: list[RowId]
    paused: bool
    sync_number: int
    next_sync_seconds: int
    pace_seconds: int
    segments_per_minute: int
    server_time: UtcTime
    forget: NotRequired[bool]  # true: recipients whose messages the radio has answered


def paired(device: Device, token: str, now: dt.datetime) -> PairedAnswer:
    return {
        "device_id": device.pk,
        "token": token,
        "account": device.license.account.name,
        "server_time": utc(now),
    }


def synced(answer: SyncAnswer, acked: list[str]) -> SyncedAnswer:
    synced: SyncedAnswer = {
        "acked": acked,
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
        "sync_number": answer.sync_number,
        "next_sync_seconds": answer.next_sync_seconds,
        "pace_seconds": constant("pace_seconds"),
        "segments_per_minute": constant("segments_per_minute"),
        "server_time": utc(answer.server_time),
    }
    if answer.forget:
        synced["forget"] = True
    return synced
