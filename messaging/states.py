"""The states of a message and of an attempt, and which of them may follow which. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class AttemptState(StrEnum):
    LEASED = "leased"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    SENT = "sent"
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"
    RELEASED = "released"  # never started and never will be: this attempt is over


# Within an attempt the rank only rises (monotonic). A release ranks lowest: nothing was started.
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

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> dict[str, Any]:
        """Leave `scheduled` out of the OpenAPI document: it shows as `pending`."""
        schema: dict[str, Any] = handler.resolve_ref_schema(handler(core))
        schema["enum"].remove(cls.SCHEDULED.value)
        return schema


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


class FailureReason(StrEnum):
    """Why a message was not sent, or may not have been, where the server says so; a phone has its own
    codes for it."""

    CANCELLED = "cancelled"
    OPTED_OUT = "opted_out"
    EXPIRED = "expired"  # in doubt: an earlier attempt may have sent it
    MAX_AGE = "max_age"
    GIVEN_UP = "given_up"
    PARTIALLY_SENT = "partially_sent"


PROVEN = frozenset({MessageState.SENT, MessageState.UNDELIVERED, MessageState.DELIVERED})
_REPORTED = PROVEN | {MessageState.SENDING, MessageState.UNCERTAIN, MessageState.FAILED}
_BACK = frozenset({MessageState.SCHEDULED, MessageState.CANCELLED, MessageState.EXPIRED})

S = MessageState
TRANSITIONS: dict[MessageState, frozenset[MessageState]] = {
    # due; or ended by its owner, an opt-out or its deadline; or the newest attempt, believed released
    # or superseded, turns out to have been started
    S.SCHEDULED: frozenset({S.PENDING, S.CANCELLED, S.EXPIRED}) | _REPORTED,
    S.PENDING: frozenset({S.LEASED, S.CANCELLED, S.EXPIRED}) | _REPORTED,
    # the phone reports, or gives it back; PENDING: doubtful, and to be sent again (`resend`)
    S.LEASED: _REPORTED | _BACK | {S.PENDING},
    S.SENDING: _REPORTED - {S.SENDING} | {S.PENDING},
    # the phone's later word, its owner's decision, or the release that the server had missed
    S.UNCERTAIN: PROVEN | _BACK | {S.FAILED, S.PENDING},
    # a proof of sending is always believed, even after the owner gave up; PENDING: sent again by
    # its owner
    S.FAILED: PROVEN | {S.PENDING},
    S.EXPIRED: PROVEN,
    S.CANCELLED: PROVEN,
    # a rank never falls
    S.SENT: frozenset({S.UNDELIVERED, S.DELIVERED}),
    S.UNDELIVERED: frozenset({S.DELIVERED}),
    S.DELIVERED: frozenset(),
}
del S


def proves_sending(state: AttemptState | MessageState) -> bool:
    """Tell whether the radio said that it was sent: every part of it."""
    return state.value in PROVEN


def is_opted_out(status: str, failure_reason: str) -> bool:
    """Say whether a message was cancelled since its recipient has opted out."""
    return status == MessageState.CANCELLED and failure_reason == FailureReason.OPTED_OUT
