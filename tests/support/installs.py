"""What a few tests drive and `make .venv/.dev` does not bring: a browser, other languages' packages."""

from __future__ import annotations

import fcntl
import subprocess
import tempfile
from functools import cache
from pathlib import Path

_TESTS = Path(__file__).parent.parent


@cache
def install(script: str, *arguments: str) -> None:
    """Run a script of tests/ that installs what is missing, and says where it cannot.

    Called by the fixture that needs it, so that no other test waits for it; one worker of pytest-xdist
    at a time.
    """
    with Path(tempfile.gettempdir(), "smsgate-tests-install.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([_TESTS / script, *arguments], check=True)
