"""The whole service as `make up` runs it, durable, in a temporary folder; a way into its database."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from smsgate import config
from smsgate.config import Config
from smsgate.operations.sandbox import Sandbox
from smsgate.supervisor.embedded import Postgres


@dataclass
class Stack:
    """A running service. `url` is where it listens; `account()` makes keys for it."""

    sandbox: Sandbox
    seconds_to_start: float
    accounts: list[dict[str, Any]] = field(default_factory=list)
    _used: dict[int, tuple[str, float]] = field(default_factory=dict)  # CPU by process

    @property
    def port(self) -> int:
        return self.sandbox.port

    @property
    def config(self) -> Config:
        return config.load(self.sandbox.environ, self.sandbox.data_dir / "none")

    def account(self, *options: str) -> dict[str, Any]:
        """Provision an account and return its keys, as `manage.py provision NAME --json` prints them."""
        name = f"bench{len(self.accounts)}"
        answer: dict[str, Any] = json.loads(
            self.sandbox.manage("provision", name, "--json", *options)
        )
        self.accounts.append(answer)
        return answer

    def pairing_code(self, license_id: int) -> str:
        return str(json.loads(self.sandbox.manage("pair", str(license_id), "--json"))["code"])

    def shell(self, code: str) -> str:
        """Run this Python inside the service's own Django and return what it prints."""
        return self.sandbox.manage("shell", "--verbosity", "0", "--command", code)

    def connect(self) -> Any:
        """Open a psycopg2 connection to the service's own database."""
        return psycopg2.connect(self.database_url)

    @property
    def database_url(self) -> str:
        return Postgres(self.config).url()

    @property
    def postgres_bin(self) -> Path:
        return Postgres(self.config).bin

    def processes(self) -> list[psutil.Process]:
        root = psutil.Process(self.sandbox.process.pid)
        return [root, *root.children(recursive=True)]

    def cpu(self) -> tuple[float, float]:
        """Seconds of CPU that web processes and PostgreSQL's used so far; of one that ended, when it was
        last seen."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                name = "web" if _is_web(process) else process.name()
                times = process.cpu_times()
                self._used[process.pid] = name, times.user + times.system
        used = {"web": 0.0, "postgres": 0.0}
        for name, seconds in self._used.values():
            if name in used:
                used[name] += seconds
        return used["web"], used["postgres"]

    def web_memory(self) -> int:
        """Proportional memory (PSS) of the web processes, in bytes."""
        found = [process for process in self.processes() if _is_web(process)]
        return sum(process.memory_full_info().pss for process in found)


def _is_web(process: psutil.Process) -> bool:
    return "smsgate.web.serve" in process.cmdline()


@contextmanager
def running(**environ: str) -> Iterator[Stack]:
    """Run the service with these settings for the block, then delete its folder."""
    with (
        tempfile.TemporaryDirectory(
            prefix="smsgate-bench-", dir=os.environ.get("BENCH_DIR"), ignore_cleanup_errors=True
        ) as folder,
        tempfile.TemporaryFile() as log,
    ):
        began = time.monotonic()
        # Unthrottled: the throttle would measure itself.
        settings: dict[str, Any] = {"LICENSE_RATE_PER_MINUTE": "0", "DEVICE_RATE_PER_MINUTE": "0"}
        sandbox = Sandbox(Path(folder), log, **settings | environ)
        try:
            sandbox.wait_until_ready()
            yield Stack(sandbox, time.monotonic() - began)
        finally:
            sandbox.stop()
            log.seek(0)
            for line in log.read().decode(errors="replace").splitlines():
                if " WARNING " in line or " ERROR " in line:
                    print(f"  service: {line}", file=sys.stderr)
