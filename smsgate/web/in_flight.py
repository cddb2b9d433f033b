"""A bound on the bytes of all request bodies that the process holds at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError

RETRY_SECONDS = 2


class Share:
    """The share of one request."""

    def __init__(self, pool: InFlight) -> None:
        self.size = 0
        self.is_evicted = False
        self.evict: Callable[[], None] | None = None  # None: not while it is being worked on
        self._pool = pool

    def grow(self, size: int) -> None:
        """Count bytes that have come. Raises ApiError `unavailable` where there is no room."""
        if self.is_evicted:
            raise no_room()
        self.size += size
        self._pool.make_room(self, size)


class InFlight:
    """Where there is no room for what comes, the body that has been coming for longest is given up:
    senders that stall on purpose are in nobody's way."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._shares: dict[Share, None] = {}  # the oldest first

    @contextmanager
    def share(self) -> Iterator[Share]:
        mine = Share(self)
        self._shares[mine] = None
        try:
            yield mine
        finally:
            self._release(mine)

    def make_room(self, share: Share, size: int) -> None:
        self.held += size
        while self.held > self.limit:
            stalled = ((each, each.evict) for each in self._shares if each.evict)
            oldest, evict = next(stalled, (share, None))
            if oldest is share or evict is None:
                raise no_room()
            oldest.is_evicted = True
            evict()
            self._release(oldest)

    def _release(self, share: Share) -> None:
        if share in self._shares:
            del self._shares[share]
            self.held -= share.size


def no_room() -> ApiError:
    words = "Too many large requests at once: try again."
    return ApiError(ErrorCode.UNAVAILABLE, words, retry_after=RETRY_SECONDS)
