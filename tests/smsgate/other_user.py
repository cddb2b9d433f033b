"""A user without rights who can run the project's Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smsgate.config import PROJECT_DIR
from tests.smsgate.processes import OtherUser


@contextmanager
def somebody(name: str) -> Iterator[OtherUser | None]:
    """Yield that user, with a copy of an interpreter that lies in root's home; None: there is none."""
    ours = OtherUser(name, sys.executable)
    if _can_run(ours):
        yield ours
        return
    with tempfile.TemporaryDirectory(prefix="sms-python-") as copy:
        Path(copy).chmod(0o755)
        lib = f"lib/python{sys.version_info.major}.{sys.version_info.minor}"
        ignored = shutil.ignore_patterns(
            "test", "site-packages", "idlelib", "ensurepip", "config-*"
        )
        shutil.copytree(Path(sys.base_prefix, lib), Path(copy, lib), symlinks=True, ignore=ignored)
        for library in Path(sys.base_prefix, "lib").glob("libpython*"):
            shutil.copy(library, Path(copy, "lib"))
        theirs = OtherUser(name, shutil.copy(os.path.realpath(sys.executable), copy))
        yield theirs if _can_run(theirs) else None


def _can_run(user: OtherUser) -> bool:
    try:
        subprocess.run(
            [user.python, "-c", "import smsgate.supervisor.up, uvicorn, psycopg2, redis"],
            cwd=PROJECT_DIR,
            env=user.environ,
            stderr=subprocess.DEVNULL,
            check=True,
            **user.as_user,
        )
    except (OSError, KeyError, subprocess.CalledProcessError):
        return False
    return True
