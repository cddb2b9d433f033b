"""The real supervisor over children that do nothing: `python -m tests.smsgate.fake_stack 30 KIND:NAME…`

KIND is `polite` (ends when told to), `deaf` (hears it and goes on) or `broken` (cannot start); the
first argument is the supervisor's patience in seconds.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping

from smsgate.supervisor import parent, up
from smsgate.supervisor.child import Child


def say(words: str) -> None:
    os.write(1, f"{words}\n".encode())  # in one piece, also when two say something at once


def live(kind: str, name: str) -> None:
    """What a child does."""
    if kind == "broken":
        sys.exit(parent.CANNOT_START)

    def end(number: int, frame: object) -> None:
        if kind == "deaf":
            say(f"{name} heard")
        else:
            say(f"{name} ends")
            sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    say(f"{name} runs")
    while True:
        signal.pause()


def starter(spec: str) -> Callable[[], subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.smsgate.fake_stack", spec]
    return lambda: subprocess.Popen(command, start_new_session=True, text=True)


class FakeSupervisor(up.Supervisor):
    def _start(self, sockets: Mapping[str, list[socket.socket]], parent_fd: int) -> None:
        for spec in sys.argv[2:]:
            self.children.append(Child(spec.partition(":")[2], starter(spec)))
            self.children[-1].launch()


if __name__ == "__main__":
    if ":" in sys.argv[1]:
        live(*sys.argv[1].split(":"))
    else:
        up.STOP_SECONDS = float(sys.argv[1])
        up.Supervisor = FakeSupervisor  # type: ignore[misc]
        sys.exit(up.main())
