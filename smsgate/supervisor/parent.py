"""End with the supervisor: also where it was killed and could not say goodbye."""

from __future__ import annotations

import os
import signal
import threading

_FD = "SMSGATE_PARENT_FD"

CANNOT_START = 3  # exit code of a child for which trying again is no use


def pipe() -> int | None:
    """Return what becomes readable when the supervisor is gone; None where there is no supervisor."""
    descriptor = os.environ.pop(_FD, None)
    return None if descriptor is None else int(descriptor)


def end_with_parent() -> None:
    """Stop this process (SIGTERM) when the other end of the supervisor's pipe closes."""
    descriptor = pipe()
    if descriptor is None:
        return

    def watch() -> None:
        os.read(descriptor, 1)  # blocks until every other end is closed
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
