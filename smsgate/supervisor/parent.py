"""End with the supervisor: also where it was killed and could not say goodbye."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress

_FD = "SMSGATE_PARENT_FD"
_READY_FD = "SMSGATE_READY_FD"

CANNOT_START = 3  # exit code of a child for which trying again is no use


def pipe() -> int | None:
    """Return what becomes readable when the supervisor is gone; None where there is no supervisor."""
    descriptor = os.environ.pop(_FD, None)
    return None if descriptor is None else int(descriptor)


def say_ready() -> None:
    """Tell the supervisor, if there is one that asks, that this process serves."""
    if descriptor := os.environ.pop(_READY_FD, None):
        with suppress(BrokenPipeError):  # it has heard enough: one more takes a dead one's place
            os.write(int(descriptor), b".")


def end_with_parent() -> None:
    """Stop this process (SIGTERM) when the other end of the supervisor's pipe closes."""
    descriptor = pipe()
    if descriptor is None:
        return

    def watch() -> None:
        os.read(descriptor, 1)  # blocks until every other end is closed
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
