"""The leased message."""

from __future__ import annotations

from dataclasses import dataclass

AttemptKey = tuple[int, int]  # message_id, attempt


@dataclass(frozen=True, slots=True)
class LeasedMessage:
    """A message that the server leased to this phone, which may start it until `start_before_ms`."""

    message_id: int
    attempt: int
    phone: str
    text: str
    sim: int | None  # slot; None: the default one
    priority: int
    start_before_ms: int

    @property
    def key(self) -> AttemptKey:
        return self.message_id, self.attempt
