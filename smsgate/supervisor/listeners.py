"""The sockets that web processes listen on: one for each, at one address.

The kernel deals new connections out among sockets with SO_REUSEPORT evenly; among processes that accept
from one socket it does not. Whoever opens them keeps them, so that what has connected to a process that
died is served by the next one in its place.
"""

from __future__ import annotations

import os
import socket

_BACKLOG = 2048


def open_all(bind: str, port: int, count: int) -> list[socket.socket]:
    """Return so many sockets that listen. Raise OSError, also where somebody else listens there."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    alone = socket.create_server((bind, port), family=family, backlog=_BACKLOG)
    if count == 1:
        return [alone]
    alone.close()  # it was there to be refused: sockets that share a port share it with anybody's
    return [
        socket.create_server((bind, port), family=family, backlog=_BACKLOG, reuse_port=True)
        for _ in range(count)
    ]


def passed(variable: str) -> list[socket.socket]:
    """Return the sockets that this process has inherited; [] where there are none."""
    numbers = os.environ.pop(variable, "")  # with commas
    return [socket.socket(fileno=int(number)) for number in numbers.split(",") if number]
