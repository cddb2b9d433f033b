"""Say whether this thread may wait for a lock that an account's other request holds.

A web thread that waits serves nobody meanwhile. Where it may not wait it gives way: the request is
undone and run again, in a lane where an account waits for itself only (smsgate.web.asgi). Everywhere
else a lock is waited for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError

T = TypeVar("T")


class GaveWay(OperationalError):
    """A lock was held, and this thread may not wait. Nothing was written."""


class _State(threading.local):
    may_wait = True
    gave_way = False


_state = _State()


def give_way() -> None:
    """Raise GaveWay where this thread may not wait."""
    if not _state.may_wait:
        _state.gave_way = True
        raise GaveWay


def gave_way() -> bool:
    """Say whether the answer that this thread is making will not be sent: the request runs again."""
    return _state.gave_way


def without_waiting(work: Callable[[], T]) -> T | None:
    """Return what `work` returns; None where it met a lock and gave way, whatever it then answered."""
    _state.may_wait, _state.gave_way = False, False
    try:
        result = work()
        return None if _state.gave_way else result
    finally:
        _state.may_wait, _state.gave_way = True, False
