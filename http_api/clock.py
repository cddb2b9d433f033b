"""The one clock of the server. Tests and the simulator put their own in its place.

Only this module asks for the time; the database's `now()` is never used, so that a moved clock
moves everything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def _system() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


_source: Callable[[], dt.datetime] = _system


def now() -> dt.datetime:
    """Return the current time, aware, in UTC."""
    return _source()


@contextmanager
def replaced_by(source: Callable[[], dt.datetime]) -> Iterator[None]:
    """Make `source` the clock of this process (all threads) inside the block."""
    global _source
    before, _source = _source, source
    try:
        yield
    finally:
        _source = before
