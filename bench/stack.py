"""The whole service as `make up` runs it, durable, in a temporary folder; a way into its database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from smsgate import config
from smsgate.config import PROJECT_DIR, Config
from smsgate.embedded import Postgres

START_SECONDS = 60.0


@dataclass
class Stack:
    """A running service. `url` is where it listens; `account()` makes keys for it."""

    config: Config
    process: subprocess.Popen[bytes]
    seconds_to_start: float
    accounts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.config.port

    def account(self, *options: str) -> dict[str, Any]:
        """A new account with its keys, as `manage.py provision NAME --json` answers."""
        name = f"bench{len(self.accounts)}"
        answer: dict[str, Any] = json.loads(self._manage("provision", name, "--json", *options))
        self.accounts.append(answer)
        return answer

    def pairing_code(self, license_id: int) -> str:
        return str(json.loads(self._manage("pair", str(license_id), "--json"))["code"])

    def shell(self, code: str) -> str:
        """What this Python prints, run inside the service's own Django."""
        return self._manage("shell", "--verbosity", "0", "--command", code).decode()

    def _manage(self, *arguments: str) -> bytes:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT_DIR, env=_environment(self.config), stdout=subprocess.PIPE, check=True,
        ).stdout  # fmt: skip

    def connect(self) -> Any:
        """A psycopg2 connection to the service's own database."""
        return psycopg2.connect(self.database_url)

    @property
    def database_url(self) -> str:
        return Postgres(self.config).url()

    @property
    def postgres_bin(self) -> Path:
        return Postgres(self.config).bin

    def processes(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def web(self) -> psutil.Process:
        return next(p for p in self.processes() if "smsgate.serve" in p.cmdline())


def _environment(settings: Config) -> dict[str, str]:
    foreign = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PEPPER_1", "BIND", "PUBLIC_URL"}
    return {name: value for name, value in os.environ.items() if name not in foreign} | {
        "DATA_DIR": str(settings.data_dir),
        "PORT": str(settings.port),
        "LICENSE_RATE_PER_MINUTE": "0",  # the throttle would measure itself
    }


@contextmanager
def running() -> Iterator[Stack]:
    """The service while the block runs; its folder is deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="smsgate-bench-", dir=os.environ.get("BENCH_DIR")))
    settings = config.load({"DATA_DIR": str(folder), "PORT": str(_free_port())}, folder / "none")
    log = (folder.parent / f"{folder.name}.log").open("w+b")
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "smsgate.up"],
        cwd=PROJECT_DIR, env=_environment(settings), stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    try:
        _wait(settings.port, process)
        yield Stack(settings, process, time.monotonic() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        log.seek(0)
        for line in log.read().decode(errors="replace").splitlines():
            if " WARNING " in line or " ERROR " in line:
                print(f"  service: {line}", file=sys.stderr)
        log.close()
        os.unlink(log.name)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz/", timeout=5):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the service did not start") from None
            time.sleep(0.05)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
