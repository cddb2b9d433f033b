"""Decide how the state of a message moves and what is set beside it, by one rule for all causes. Pure.

A StateTransition that TRANSITIONS does not allow cannot be made. `messaging.moves` writes them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol

from messaging.models import Message, OnUncertain
from messaging.states import TRANSITIONS, WAITING, AttemptState, FailureReason, MessageState


class Cause(StrEnum):
    """Why a state changed, as a message's timeline shows it."""

    DUE = "due"
    CLAIM = "claim"
    ATTEMPT = "attempt"  # a report about it; its number follows
    RELEASED = "released"  # given back by its phone, not started; the phone's code follows
    RESEND = "resend"  # in doubt, and to be sent again: `on_uncertain`
    OWNER = "owner"  # cancelled
    OWNER_SENT = "owner: sent"
    OWNER_AGAIN = "owner: again"
    OWNER_GIVEN_UP = "owner: given_up"
    CANCELLED = "cancelled"  # by its owner while a phone held it; it was given back
    OPTED_OUT = "opted_out"
    SEND_BEFORE = "send_before"
    MAX_AGE = "max_age"
    RESTORED = "restored"  # from a backup


# What an owner may say of a message that is uncertain.
Resolution = Literal["sent", "again", "given_up"]


class IllegalTransition(ValueError):
    """A move that TRANSITIONS does not know: a fault of this program."""


def require_allowed(before: MessageState, after: MessageState) -> None:
    """Raise IllegalTransition unless one state may follow the other."""
    if after not in TRANSITIONS[before]:
        raise IllegalTransition(f"{before} never becomes {after}")


class Movable(Protocol):
    """A message whose row is locked: what decides about its next state."""

    @property
    def id(self) -> int: ...
    @property
    def license_id(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def failure_reason(self) -> str: ...
    @property
    def cancel_requested(self) -> bool: ...
    @property
    def on_uncertain(self) -> str: ...
    @property
    def send_before(self) -> dt.datetime | None: ...
    @property
    def expires_at(self) -> dt.datetime | None: ...


class AttemptStanding(Protocol):
    """The facts that decide whether an attempt leaves its message in doubt."""

    @property
    def state(self) -> str: ...
    @property
    def is_superseded(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class StateTransition:
    """A move of one message to a state, or what is set while its state stays as it is.

    None leaves a column alone. The times of sending, delivery and end follow from the state.
    """

    message_id: int
    license_id: int
    from_state: MessageState
    to_state: MessageState
    cause: Cause
    detail: str = ""  # what follows the cause
    failure_reason: str | None = None
    cancel_requested: bool | None = None
    due_at: dt.datetime | None = None
    parts: int | None = None

    def __post_init__(self) -> None:
        if self.from_state != self.to_state:
            require_allowed(self.from_state, self.to_state)

    @property
    def is_move(self) -> bool:
        return self.from_state != self.to_state


class _End(NamedTuple):
    state: MessageState
    reason: str
    reason_in_doubt: str


_CANCELLED = _End(MessageState.CANCELLED, FailureReason.CANCELLED, FailureReason.CANCELLED)
_ENDS = {
    Cause.OWNER: _CANCELLED,
    Cause.CANCELLED: _CANCELLED,
    Cause.OPTED_OUT: _End(MessageState.CANCELLED, FailureReason.OPTED_OUT, FailureReason.OPTED_OUT),
    Cause.SEND_BEFORE: _End(MessageState.EXPIRED, "", FailureReason.EXPIRED),
    Cause.MAX_AGE: _End(MessageState.EXPIRED, FailureReason.MAX_AGE, FailureReason.EXPIRED),
    # Its owner's word about one in doubt: there is none left.
    Cause.OWNER_SENT: _End(MessageState.SENT, "", ""),
    Cause.OWNER_GIVEN_UP: _End(MessageState.FAILED, FailureReason.GIVEN_UP, FailureReason.GIVEN_UP),
}


def end(message: Movable, cause: Cause, *, is_in_doubt: bool) -> StateTransition:
    """End a message by this cause. One that is in doubt becomes `uncertain`, since nothing may say that
    it was not sent; cancelled, it stays called off, whatever is reported of its newest attempt.
    """
    end = _ENDS[cause]
    before = MessageState(message.status)
    if not is_in_doubt:
        return StateTransition(
            message.id, message.license_id, before, end.state, cause, failure_reason=end.reason
        )
    return StateTransition(
        message.id,
        message.license_id,
        before,
        MessageState.UNCERTAIN,
        cause,
        failure_reason=end.reason_in_doubt,
        cancel_requested=True if end.state is MessageState.CANCELLED else None,
    )


def cancel_unsaved(message: Message, cause: Cause, now: dt.datetime) -> None:
    """Let a new message be cancelled from the start: no phone can have it, and it has no history."""
    message.status = _ENDS[cause].state.value
    message.failure_reason = _ENDS[cause].reason
    message.finished_at = now


def call_off(message: Movable, cause: Cause, *, is_in_doubt: bool) -> StateTransition | None:
    """End a message that waits, or ask its phone to give it back; None where it is too late."""
    if message.status in WAITING:
        return end(message, cause, is_in_doubt=is_in_doubt)
    if message.status != MessageState.LEASED:
        return None
    is_news = cause is Cause.OPTED_OUT and not message.cancel_requested
    return StateTransition(
        message.id,
        message.license_id,
        MessageState.LEASED,
        MessageState.LEASED,
        cause,
        failure_reason=FailureReason.OPTED_OUT if is_news else None,
        cancel_requested=True,
    )


def called_off_by(message: Movable) -> Cause | None:
    """Return why a message was asked back from its phone; None: it was not."""
    if not message.cancel_requested:
        return None
    is_opted_out = message.failure_reason == FailureReason.OPTED_OUT
    return Cause.OPTED_OUT if is_opted_out else Cause.CANCELLED


def overdue_by(message: Movable, now: dt.datetime) -> Cause | None:
    """Return why it is too late to send a message: by its own deadline or by its account's maximum age;
    None: it is not."""
    if message.expires_at is None or message.expires_at > now:
        return None
    return Cause.MAX_AGE if message.send_before is None else Cause.SEND_BEFORE


def is_in_doubt(attempts: Iterable[AttemptStanding]) -> bool:
    """Return whether a superseded attempt may have sent the message: its phone never released it."""
    return any(one.is_superseded and one.state != AttemptState.RELEASED for one in attempts)


def may_resend(message: Movable, now: dt.datetime) -> bool:
    """Return whether to send it again when in doubt (`on_uncertain`); not once it is overdue or
    cancelled."""
    return (
        message.on_uncertain == OnUncertain.RESEND
        and not message.cancel_requested
        and overdue_by(message, now) is None
    )
