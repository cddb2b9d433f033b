"""The states of a message and of an attempt, and the fold from events to a state. Pure.

The state of an attempt is a function of the SET of its events: duplicates, reordering and reports
that come a month late cannot matter. Per part: nothing < failed < sent < undelivered < delivered,
the highest wins, and a delivery report proves sending.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class AttemptState(StrEnum):
    LEASED = "leased"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    SENT = "sent"
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"
    RELEASED = "released"  # never started and never will be: this attempt is over


# Within an attempt the rank never falls. A release has none: nothing was ever at stake.
RANK: dict[AttemptState, int] = {
    AttemptState.RELEASED: 0,
    AttemptState.LEASED: 1,
    AttemptState.SENDING: 2,
    AttemptState.UNCERTAIN: 3,
    AttemptState.FAILED: 4,
    AttemptState.SENT: 5,
    AttemptState.UNDELIVERED: 6,
    AttemptState.DELIVERED: 7,
}


class MessageState(StrEnum):
    SCHEDULED = "scheduled"  # not due yet
    PENDING = "pending"  # a phone may take it
    LEASED = "leased"  # a phone has it and has not started
    SENDING = "sending"  # written to the phone's journal, then handed to the radio
    UNCERTAIN = "uncertain"  # perhaps sent: its owner or the phone's later word decides
    SENT = "sent"  # the radio said so
    DELIVERED = "delivered"  # the network said so
    UNDELIVERED = "undelivered"  # sent, and the network gave up
    FAILED = "failed"
    EXPIRED = "expired"  # not sent before its deadline
    CANCELLED = "cancelled"


WAITING = frozenset({MessageState.SCHEDULED, MessageState.PENDING})

FINAL = frozenset(
    {
        MessageState.SENT,
        MessageState.DELIVERED,
        MessageState.UNDELIVERED,
        MessageState.FAILED,
        MessageState.EXPIRED,
        MessageState.CANCELLED,
    }
)

_PROVEN = frozenset({MessageState.SENT, MessageState.UNDELIVERED, MessageState.DELIVERED})
_REPORTED = _PROVEN | {MessageState.SENDING, MessageState.UNCERTAIN, MessageState.FAILED}
_BACK = frozenset({MessageState.SCHEDULED, MessageState.CANCELLED, MessageState.EXPIRED})

S = MessageState
TRANSITIONS: dict[MessageState, frozenset[MessageState]] = {
    # due; or its owner, an opt-out or its deadline ends it; or the newest attempt, thought released
    # or gone past, turns out to have been started
    S.SCHEDULED: frozenset({S.PENDING, S.CANCELLED, S.EXPIRED}) | _REPORTED,
    S.PENDING: frozenset({S.LEASED, S.CANCELLED, S.EXPIRED}) | _REPORTED,
    # the phone reports, or gives it back; PENDING: doubtful, and to be sent again (`resend`)
    S.LEASED: _REPORTED | _BACK | {S.PENDING},
    S.SENDING: _REPORTED - {S.SENDING} | {S.PENDING},
    # the phone's later word, its owner's decision, or the release that the server had missed
    S.UNCERTAIN: _PROVEN | _BACK | {S.FAILED, S.PENDING},
    # a proof of sending is always believed, even after the owner gave up
    S.FAILED: _PROVEN,
    S.EXPIRED: _PROVEN,
    S.CANCELLED: _PROVEN,
    # a rank never falls
    S.SENT: frozenset({S.UNDELIVERED, S.DELIVERED}),
    S.UNDELIVERED: frozenset({S.DELIVERED}),
    S.DELIVERED: frozenset(),
}
del S


@dataclass(frozen=True, slots=True)
class Report:
    """One event about an attempt. `part` counts from 1; `code` is the radio's or the phone's."""

    type: str
    part: int | None = None
    parts: int | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Fold:
    state: AttemptState
    parts: int | None  # how many the phone split the text into, where it said so
    reason: str  # why it failed or was released; '' otherwise


_FAILED, _SENT, _UNDELIVERED, _DELIVERED = 1, 2, 3, 4
_PART_RANK = {
    "part_failed": _FAILED,
    "part_sent": _SENT,
    "part_undelivered": _UNDELIVERED,
    "part_delivered": _DELIVERED,
}


def fold(reports: Iterable[Report]) -> Fold:
    """The state that this set of reports amounts to.

    `lease_expired` is the server's own doubt, so a release clears it; the phone's `unknown` stands.
    """
    events = frozenset(reports)
    types = {event.type for event in events}
    ranks: dict[int, int] = {}
    for event in events:
        if event.part is not None and (rank := _PART_RANK.get(event.type)):
            ranks[event.part] = max(rank, ranks.get(event.part, 0))
    parts = max((event.parts for event in events if event.parts), default=None)
    total = max(parts or 0, max(ranks, default=0))

    if ranks and len(ranks) == total and min(ranks.values()) >= _SENT:
        return Fold(_state_of_sent(set(ranks.values()), types), parts, "")
    if "part_failed" in types:  # also where that part was sent later: a rank never falls
        partial = max(ranks.values()) > _FAILED
        return Fold(AttemptState.FAILED, parts, "partially_sent" if partial else _code(events))
    if "unknown" in types:
        return Fold(AttemptState.UNCERTAIN, parts, "unknown")
    started = "started" in types or bool(ranks)
    if "lease_expired" in types and (started or "released" not in types):
        return Fold(AttemptState.UNCERTAIN, parts, "lease_expired")
    if started:
        return Fold(AttemptState.SENDING, parts, "")
    if "released" in types:
        codes = {event.code or "" for event in events if event.type == "released"}
        return Fold(AttemptState.RELEASED, parts, min(codes))
    return Fold(AttemptState.LEASED, parts, "")


def _state_of_sent(ranks: set[int], types: set[str]) -> AttemptState:
    """`undelivered` also where that part arrived after all, but not yet each: a rank never falls."""
    if ranks == {_DELIVERED}:
        return AttemptState.DELIVERED
    return AttemptState.UNDELIVERED if "part_undelivered" in types else AttemptState.SENT


def _code(events: frozenset[Report]) -> str:
    """The code of the first part that failed; of several contradictory ones the same each time."""
    failures = [event for event in events if event.type == "part_failed"]
    return min((event.part or 0, event.code or "") for event in failures)[1]


def proves_sending(state: AttemptState) -> bool:
    return state in {AttemptState.SENT, AttemptState.UNDELIVERED, AttemptState.DELIVERED}
