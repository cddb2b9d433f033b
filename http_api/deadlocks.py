"""Try again what PostgreSQL undid: of two transactions that wait for each other it ends one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError

# serialization_failure, deadlock_detected: PostgreSQL undid everything and asks to try again.
_TRY_AGAIN = frozenset({"40001", "40P01"})
_TRIES = 5

Result = TypeVar("Result")


def retry_on_deadlock(work: Callable[[], Result]) -> Result:
    """Run `work`, and again where it was a deadlock's victim. Not inside a transaction."""
    for _ in range(_TRIES - 1):
        try:
            return work()
        except OperationalError as error:
            if getattr(error.__cause__, "pgcode", None) not in _TRY_AGAIN:
                raise
    return work()
