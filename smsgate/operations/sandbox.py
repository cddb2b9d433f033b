"""The whole service in a folder of its own, as `make up` runs it: for the demo, benchmarks and tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from smsgate.config import PROJECT_DIR, Config

PATIENCE = 60.0  # seconds
_POLL_SECONDS = 0.05


class NotReady(Exception):
    """It ended, or did not answer in time; its output says why."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """For processes that know only this folder, and `more`.

    An empty setting goes before one in .env: neither may lead to a real database, whose messages
    would go to real phones.
    """
    settings = (*Config.__dataclass_fields__, "secret_key", "pepper_1", "metrics_token")
    empty = {name.upper(): "" for name in settings}
    return {**os.environ, **empty, "DATA_DIR": str(data_dir), **more}


def manage(environ: dict[str, str], *arguments: str) -> str:
    """Return what `manage.py` prints. Raises CalledProcessError."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT_DIR, env=environ, stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz/", timeout=5) as response:
            return bool(response.status == 200)
    except urllib.error.HTTPError as error:  # it is an answer too, with a body that is open
        error.close()
        return False
    except OSError:
        return False


class Sandbox:
    """One supervisor, with all that it starts, on a free port."""

    def __init__(
        self,
        data_dir: Path,
        output: IO[Any] | int,
        *,
        python: Sequence[str] = (sys.executable,),
        as_user: dict[str, Any] | None = None,
        **environ: str,
    ) -> None:
        """`python`: the interpreter, behind whatever is to run it; `as_user`: for Popen."""
        self.data_dir = data_dir
        self.port = int(environ.get("PORT") or free_port())
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = environment(data_dir, **environ | {"PORT": str(self.port)})
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [*python, "-m", "smsgate.supervisor.up"],
            cwd=PROJECT_DIR,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **(as_user or {}),
        )

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def wait_until_ready(self) -> None:
        """Raise NotReady."""
        deadline = time.monotonic() + PATIENCE
        while not answers(self.url):
            if self.ended or time.monotonic() > deadline:
                raise NotReady
            time.sleep(_POLL_SECONDS)

    def manage(self, *arguments: str) -> str:
        return manage(self.environ, *arguments)

    def stop(self) -> int:
        """Terminate the supervisor and return its exit code."""
        if not self.ended:
            self.process.terminate()
        return self.process.wait(PATIENCE)
