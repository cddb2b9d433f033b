"""The `make up` of a data folder: the lock that it holds while it runs; its file tells others of it."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from smsgate.config import Config, lock_file
from smsgate.supervisor.embedded.errors import one_line


class RunsAlready(Exception):
    """Somebody else holds the lock; the message is one line."""


@dataclass(slots=True)
class Running:
    public_url: str
    pid: int
    renewed: int = 0  # how often new processes have taken over
    not_renewed: int = 0  # how often they did not start


class Lock:
    """Held until it is closed."""

    def __init__(self, config: Config) -> None:
        """Raise RunsAlready."""
        with one_line(config.data_dir):
            config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = lock_file(config.data_dir).open("a")  # not yet ours to empty
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise RunsAlready(
                f"smsgate is running on {config.data_dir} already; stop it, or choose another DATA_DIR"
            ) from None
        self._state = Running(config.public_url, os.getpid())
        with one_line(config.data_dir):
            self._tell()

    def note_renewal(self, has_succeeded: bool) -> None:
        if has_succeeded:
            self._state.renewed += 1
        else:
            self._state.not_renewed += 1
        self._tell()

    def close(self) -> None:
        self._file.close()

    def _tell(self) -> None:
        self._file.truncate(0)
        self._file.write(json.dumps(asdict(self._state)))
        self._file.flush()


def running(data_dir: Path) -> Running | None:
    """Return what the one that runs there says; None where none does, or it writes at this moment."""
    try:
        with lock_file(data_dir).open() as file:
            if _is_free(file):
                return None
            return Running(**json.load(file))
    except (OSError, ValueError):
        return None


def _is_free(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
