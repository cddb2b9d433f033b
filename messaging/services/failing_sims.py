"""Circuit breaker per SIM: nothing is leased for one that cannot send, or it would use up the queue.

A phone that knows this rule pauses the SIM itself and says so with each call (`failing_sims`). For one
that does not, the server counts: REFUSALS failures of a phone's SIM in a row, to NUMBERS recipients at
least, and nothing is leased for it for a while; then one message at a time, until one is sent. SIMs are
named as messages name them: by slot, or None for what goes through the phone's default one.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable
from typing import Any

from licenses.models import Device
from messaging.models import Attempt, Message
from messaging.states import AttemptState, FailureReason, proves_sending
from protocol import NOT_THE_SIM, constant, constant_list

logger = logging.getLogger(__name__)

REFUSALS = constant("sim_refusals_server")
NUMBERS = constant("sim_refused_numbers")
PAUSES = tuple(dt.timedelta(minutes=minutes) for minutes in constant_list("sim_pause_minutes"))

Sim = int | None


def observe(
    device: Device, said: Iterable[Sim], message_ids: Iterable[int | None], now: dt.datetime
) -> None:
    """Set what this phone's SIMs are from what it has just said and reported; the caller saves it."""
    reported = {message_id for message_id in message_ids if message_id is not None}
    refused = dict(device.refusals)
    if reported:
        _count(device, refused, reported, now)
    for sim in said:  # the phone tries it again when it is time
        refused.pop(_name(sim), None)
    device.refusals = refused
    failing = {*said, *paused(device, now)}
    for sim in failing.symmetric_difference(device.failing_sims):
        word = "cannot send: nothing is leased for it" if sim in failing else "may send again"
        logger.warning("phone %s: SIM %s %s", device.pk, _name(sim), word)
    device.failing_sims = sorted(failing, key=lambda sim: -1 if sim is None else sim)


def paused(device: Device, now: dt.datetime) -> set[Sim]:
    """Return the SIMs that the server has paused."""
    return {_sim(name) for name, entry in device.refusals.items() if _until(entry) > now}


def tried(device: Device, now: dt.datetime) -> set[Sim]:
    """Return the SIMs on probation: their pause is over, and one message shows whether they can send."""
    return {
        _sim(name)
        for name, entry in device.refusals.items()
        if entry["until"] and _until(entry) <= now
    }


def _count(
    device: Device, refused: dict[str, Any], message_ids: set[int], now: dt.datetime
) -> None:
    attempts = Attempt.objects.filter(
        device=device, message_id__in=message_ids, state__in=_OUTCOMES
    ).order_by("leased_at", "message_id")
    for message_id, state, sim, reason in attempts.values_list(
        "message_id", "state", "message__sim", "message__failure_reason"
    ):
        if proves_sending(AttemptState(state)) or reason == FailureReason.PARTIALLY_SENT:
            refused.pop(_name(sim), None)
        elif reason not in NOT_THE_SIM:
            entry = refused.get(_name(sim)) or {"messages": [], "until": None, "pauses": 0}
            refused[_name(sim)] = _refused_once_more(device, entry, message_id, now)


_OUTCOMES = [state for state in AttemptState if proves_sending(state)] + [AttemptState.FAILED]


def _refused_once_more(
    device: Device, entry: dict[str, Any], message_id: int, now: dt.datetime
) -> dict[str, Any]:
    if message_id in entry["messages"]:
        return entry
    messages = [*entry["messages"], message_id][-REFUSALS:]
    entry = entry | {"messages": messages}
    is_full = len(messages) == REFUSALS and _until(entry) <= now
    if is_full and _numbers(device, messages) >= NUMBERS:
        pause = PAUSES[min(entry["pauses"], len(PAUSES) - 1)]
        entry |= {"until": (now + pause).isoformat(), "pauses": entry["pauses"] + 1}
    return entry


def _numbers(device: Device, message_ids: list[int]) -> int:
    mine = Message.objects.filter(license_id=device.license_id, pk__in=message_ids)
    return mine.values("phone").distinct().count()


def _until(entry: dict[str, Any]) -> dt.datetime:
    until = entry["until"]
    return dt.datetime.fromisoformat(until) if until else dt.datetime.min.replace(tzinfo=dt.UTC)


def _name(sim: Sim) -> str:
    """JSON's keys are strings."""
    return "default" if sim is None else str(sim)


def _sim(name: str) -> Sim:
    return None if name == "default" else int(name)
