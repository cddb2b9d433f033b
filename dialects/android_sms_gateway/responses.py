"""Responses to the vendor's clients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from dialects.android_sms_gateway import states, words
from licenses.models import Device
from messaging.models import Batch, Message
from messaging.states import MessageState


def moment(at: dt.datetime) -> str:
    """UTC with exactly three digits: the vendor's Gson reads six as minutes."""
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def message(
    batch: Batch, messages: Sequence[Message], *, devices: Mapping[int, int] | None = None,
    has_content: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Format a batch as a message with its recipients. `devices`: message id → its (last) phone."""
    held_by = [device for m in messages if (device := (devices or {}).get(m.pk)) is not None]
    shown: dict[str, Any] = {
        "id": batch.external_id,
        "deviceId": str(held_by[0]) if held_by else "",
        "state": states.of_all([states.of(message) for message in messages]),
        "isHashed": False,
        "isEncrypted": False,
        "createdAt": moment(batch.created_at),
        "recipients": [_recipient(message) for message in messages],
        "states": _states(batch, messages),
    }
    if has_content:
        shown["textMessage"] = {"text": messages[0].text}
    return shown


def _recipient(message: Message) -> dict[str, Any]:
    return {"phoneNumber": message.phone, "state": states.of(message), "error": _error(message)}


def _error(message: Message) -> str | None:
    if message.is_opted_out:
        return words.OPTED_OUT_ERROR
    error = words.ERRORS.get(MessageState(message.status))
    if error and message.status == MessageState.FAILED and message.failure_reason:
        return f"{error}: {message.failure_reason}"
    return error


def _states(batch: Batch, messages: Sequence[Message]) -> dict[str, str]:
    """Return the time of the first message in each state of which we keep the time."""
    times: dict[str, dt.datetime] = {"Pending": batch.created_at}
    for message in messages:
        for word, at in (
            ("Sent", message.sent_at),
            ("Delivered", message.delivered_at),
            (states.of(message), message.finished_at),
        ):
            if at is not None:
                times[word] = min(at, times.get(word, at))
    return {word: moment(at) for word, at in times.items()}


def device(device: Device) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": str(device.pk),
        "name": device.name,
        "createdAt": moment(device.created_at),
        "updatedAt": moment(device.last_sync_at or device.created_at),
        "lastSeen": moment(device.last_sync_at or device.created_at),
        "simCards": [_sim(sim) for sim in device.sims],
    }
    if device.revoked_at is not None:
        shown["deletedAt"] = moment(device.revoked_at)
    return shown


def _sim(sim: Mapping[str, Any]) -> dict[str, Any]:
    slot = sim.get("slot") or 0
    shown = {"slotIndex": slot, "simNumber": slot + 1}
    return shown | ({"carrierName": sim["carrier"]} if sim.get("carrier") else {})
