"""The bounds of all connections of the process together.

A connection without a complete request makes room for a new one, and the one that has sent most ahead
of its answers ends where all have sent too much. docs/security.md lists the limits.
"""

from __future__ import annotations

from asyncio import Transport

# Connections beyond `max_open` that are refused with an answer; further ones are aborted.
MAX_SURPLUS = 100


class ConnectionLimits:
    # How many may be open; smsgate.web.serve lowers it to what the process may open.
    max_open = 5_000
    # Bytes of requests that wait for the answer to the one before.
    max_ahead = 16 * 1024 * 1024

    def __init__(self) -> None:
        self._open: set[Transport] = set()
        self._idle: dict[Transport, None] = {}  # the one that has been so for longest first
        self._ahead: dict[Transport, int] = {}
        self._all_ahead = 0

    def admit(self, new: Transport) -> bool:
        """Return whether it may be served, as a rule in the place of the one idle for longest. Where
        all others work it is to be refused, if it is not one too many for that, too."""
        self._open.add(new)
        self.rest(new)
        if len(self._open) <= self.max_open:
            return True
        oldest = next(iter(self._idle))
        self.work(oldest)
        if oldest is not new:
            oldest.abort()
            return True
        if len(self._open) > self.max_open + MAX_SURPLUS:
            new.abort()
        return False

    def rest(self, one: Transport) -> None:
        """Note that it waits for the next request."""
        self._idle[one] = None

    def work(self, one: Transport) -> None:
        """Note that a request has come, or that it is let go."""
        self._idle.pop(one, None)

    def hold_ahead(self, one: Transport, size: int) -> None:
        """Note how many bytes are held of what it has sent ahead."""
        self._all_ahead += size - self._ahead.pop(one, 0)
        if size:
            self._ahead[one] = size
        if self._all_ahead > self.max_ahead:
            largest = max(self._ahead, key=self._ahead.__getitem__)
            self.hold_ahead(largest, 0)
            largest.abort()

    def forget(self, one: Transport) -> None:
        """Note that it has ended."""
        self._open.discard(one)
        self.work(one)
        self.hold_ahead(one, 0)
