"""Pauses after calls that failed."""

from __future__ import annotations

from protocol import constant_list

BACKOFF_SECONDS = constant_list("backoff_seconds")


class Backoff:
    """A pause that grows with each failure; what the server asks for goes before the list."""

    def __init__(self) -> None:
        self.until = float("-inf")
        self._failures = 0

    def fail(self, now: float, asked: float | None = None) -> float:
        """Return the pause in seconds."""
        pause: float = BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)]
        self._failures += 1
        if asked is not None:
            pause = max(asked, BACKOFF_SECONDS[0])  # "0" would be asked in a loop
        self.until = now + pause
        return pause

    def reset(self) -> None:
        self._failures = 0
