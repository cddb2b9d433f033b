"""What the vendor's clients are answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q

from dialects.android_sms_gateway import words
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
    """A message with its recipients. `devices` tells which phone has or had a message of ours."""
    held_by = [device for m in messages if (device := (devices or {}).get(m.pk)) is not None]
    shown: dict[str, Any] = {
        "id": batch.external_id,
        "deviceId": str(held_by[0]) if held_by else "",
        "state": state_of_all([state(message) for message in messages]),
        "isHashed": False,
        "isEncrypted": False,
        "createdAt": moment(batch.created_at),
        "recipients": [_recipient(message) for message in messages],
        "states": _states(batch, messages),
    }
    if has_content:
        shown["textMessage"] = {"text": messages[0].text}
    return shown


def state(message: Message) -> str:
    """What became of one recipient's message."""
    if message.status == MessageState.LEASED and message.cancel_requested:
        return words.CANCELLING
    if _is_opted_out(message):
        return words.OPTED_OUT
    return words.STATES[MessageState(message.status)]


def state_of_all(states: Sequence[str]) -> str:
    for word in words.ANY_OF:
        if word in states:
            return word
    for word in words.ALL_OF:
        if set(states) == {word}:
            return word
    return words.MIXED


def in_state(wanted: str) -> Q:
    """The batches for which `state_of_all` says this word; the same rules, for the database."""
    if wanted in words.ANY_OF:
        earlier = words.ANY_OF[: words.ANY_OF.index(wanted)]
        return (
            Q(_any(wanted)) & ~Q(*map(_any, earlier), _connector=Q.OR)
            if earlier
            else Q(_any(wanted))
        )
    nothing_open = ~Q(*map(_any, words.ANY_OF), _connector=Q.OR)
    if wanted in words.ALL_OF:
        return nothing_open & ~Q(_any(*(word for word in _WORDS if word != wanted)))
    return nothing_open & Q(*(Q(_any(*(w for w in _WORDS if w != word))) for word in words.ALL_OF))


_WORDS = frozenset({*words.STATES.values(), words.CANCELLING})
_OPTED_OUT = Q(status=MessageState.CANCELLED.value, failure_reason="opted_out")
_CANCELLING = Q(status=MessageState.LEASED.value, cancel_requested=True)


def _any(*wanted: str) -> Exists:
    """Whether any message of the batch is in one of these states."""
    statuses = [status.value for status, word in words.STATES.items() if word in wanted]
    condition = Q(status__in=statuses) & ~_OPTED_OUT & ~_CANCELLING
    if words.OPTED_OUT in wanted:
        condition |= _OPTED_OUT
    if words.CANCELLING in wanted:
        condition |= _CANCELLING
    return Exists(Message.objects.filter(condition, batch=OuterRef("pk")))


def _is_opted_out(message: Message) -> bool:
    return message.status == MessageState.CANCELLED and message.failure_reason == "opted_out"


def _recipient(message: Message) -> dict[str, Any]:
    return {"phoneNumber": message.phone, "state": state(message), "error": _error(message)}


def _error(message: Message) -> str | None:
    if _is_opted_out(message):
        return words.OPTED_OUT_ERROR
    error = words.ERRORS.get(MessageState(message.status))
    if error and message.status == MessageState.FAILED and message.failure_reason:
        return f"{error}: {message.failure_reason}"
    return error


def _states(batch: Batch, messages: Sequence[Message]) -> dict[str, str]:
    """When the message first was in each state that we keep the time of."""
    times: dict[str, dt.datetime] = {"Pending": batch.created_at}
    for message in messages:
        for word, at in (
            ("Sent", message.sent_at),
            ("Delivered", message.delivered_at),
            (state(message), message.finished_at),
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
