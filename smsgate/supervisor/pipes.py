"""The streams of a child process."""

from __future__ import annotations

from typing import IO, AnyStr


def pipe(stream: IO[AnyStr] | None) -> IO[AnyStr]:
    """Return the stream of a process that was started with a pipe in its place."""
    if stream is None:
        raise ValueError("the process was started without a pipe")
    return stream
