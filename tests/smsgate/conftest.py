from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from smsgate.config import PROJECT_DIR
from tests.smsgate.processes import OtherUser, is_root


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder that is not there yet, below a folder that only we can enter.

    Its path is short: a socket's path has room for 107 bytes, and pytest's own folders are long.
    """
    with tempfile.TemporaryDirectory(prefix="sms-") as folder:
        yield Path(folder) / "data"


@pytest.fixture(scope="session")
def nobody() -> OtherUser:
    """Another user who can run the project. Skips where there is none."""
    if not is_root:
        pytest.skip("only root can become another user")
    for python in (sys.executable, "/usr/bin/python3"):
        user = OtherUser("nobody", python)
        try:
            subprocess.run(
                [python, "-c", "import smsgate.up, uvicorn, psycopg2"],
                cwd=PROJECT_DIR,
                env=user.environ,
                stderr=subprocess.DEVNULL,
                check=True,
                **user.as_user,
            )
        except (OSError, KeyError, subprocess.CalledProcessError):
            continue
        return user
    pytest.skip("no user `nobody` here who can run Python in the project's folder")


@pytest.fixture
def nobodys_data_dir(nobody: OtherUser) -> Iterator[Path]:
    """As `data_dir`, in a folder of that user's."""
    folder = Path(tempfile.mkdtemp(prefix="sms-"))
    shutil.chown(folder, nobody.name)
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder)
