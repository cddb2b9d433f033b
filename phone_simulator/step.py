"""One step of the agent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StepKind(StrEnum):
    """Say what `Agent.step` or `Agent.wait` did."""

    RECOVERED = "recovered"  # after a crash or reboot: released and unknown ones were journaled
    COLLECTED = "collected"  # the radio's and the network's reports were journaled
    GAVE_UP = "gave_up"  # started 15 minutes ago, no answer: unknown
    RELEASED = "released"  # leased, and may not be started any more
    SYNCED = "synced"
    SYNC_FAILED = "sync_failed"
    SENT = "sent"  # one message was handed to the radio, which has not answered yet
    IDLE = "idle"  # nothing to do before wake_at
    STOPPED = "stopped"  # nothing to do until the owner decides; detail says why
    JOURNAL_FAILED = "journal_failed"  # the disk refused; nothing was started
    READY = "ready"  # the long poll: there is something to claim
    QUIET = "quiet"  # the long poll: nothing


@dataclass(frozen=True, slots=True)
class Step:
    """Tell what was done, in detail, and when there is more to do."""

    kind: StepKind
    detail: str = ""
    wake_at: float | None = None  # monotonic seconds; for IDLE and JOURNAL_FAILED
