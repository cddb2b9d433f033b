"""Say whether a request may wait for a lock that an account's other request holds.

A web thread that waits serves nobody meanwhile. A request that may not wait gives way: it is undone and
run again, in a lane where an account waits for itself only (smsgate.web.asgi). Everywhere else a lock is
waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import NoReturn, TypeVar

from django.db import OperationalError

T = TypeVar("T")

# Context variables: requests that run together in one thread (http_api.batching) have one each.
_may_wait = ContextVar("may_wait", default=True)
_gave_way = ContextVar("gave_way", default=False)


class GaveWay(OperationalError):
    """Others would have had to wait for this request. Nothing was written."""


def may_wait() -> bool:
    """Say whether this request may wait for another one."""
    return _may_wait.get()


def give_way() -> NoReturn:
    """Undo this request, which may not wait: it runs again where it may."""
    _gave_way.set(True)
    raise GaveWay


def gave_way() -> bool:
    """Say whether the answer that is being made will not be sent: the request runs again."""
    return _gave_way.get()


def without_waiting(work: Callable[[], T]) -> T | None:
    """Return what `work` returns; None where it gave way, whatever it then answered."""
    patience, outcome = _may_wait.set(False), _gave_way.set(False)
    try:
        result = work()
        return None if _gave_way.get() else result
    finally:
        _may_wait.reset(patience)
        _gave_way.reset(outcome)
