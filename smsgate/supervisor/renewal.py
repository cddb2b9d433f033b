"""New processes in the place of those that run, with no request refused: after an upgrade, or a change
of the settings.

New web processes listen beside the old ones, on the same sockets, and these are told to end once all of
the new ones serve. Worker and beat are started again then: what they work on lies in the database.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence

from smsgate.supervisor.child import Child
from smsgate.supervisor.embedded.service import log

StartWeb = Callable[[int], subprocess.Popen[str]]  # with a pipe: a byte for each that serves


class Renewal:
    def __init__(self, web: Child, others: Sequence[Child], start: StartWeb, count: int) -> None:
        """Start `count` new web processes. `web`, `others`: what they are to replace, and follow."""
        self._web, self._others, self._missing = web, others, count
        self._ready, writing = os.pipe()
        os.set_blocking(self._ready, False)
        self._new = start(writing)
        os.close(writing)

    def look(self) -> bool | None:
        """Return whether the new ones have taken over; None while that is not known."""
        try:
            told = os.read(self._ready, self._missing)
        except BlockingIOError:
            return None
        self._missing -= len(told)
        if told and self._missing:
            return None
        os.close(self._ready)
        if not told:  # the pipe has no writing end any more
            self._new.wait()
            log("up", "WARNING", "the new web processes do not start; the old ones go on")
            return False
        self._take_over()
        return True

    def _take_over(self) -> None:
        self._web.hand_over(self._new)
        for child in self._others:
            child.renew()
        log("up", "INFO", "new processes have taken over")

    def give_up(self) -> None:
        """End the new ones: everything stops."""
        os.close(self._ready)
        self._new.terminate()
        self._new.wait()
