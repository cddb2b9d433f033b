"""One program at a time per journal: two that shared it would send everything twice."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class JournalInUseError(Exception):
    """Another program runs this phone."""


@contextmanager
def only_one(journal: Path) -> Iterator[None]:
    """Hold `<journal>.lock`, which the system lets go of when the process dies, however it does.

    Raises JournalInUseError.
    """
    with Path(f"{journal}.lock").open("a+") as file:
        try:
            if sys.platform == "win32":
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise JournalInUseError(f"another phone is running with {journal}") from error
        yield
