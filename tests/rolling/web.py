"""What is rolled: web services of one database, and HAProxy before them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import answers, free_port
from tests.smsgate.processes import wait_until

PATIENCE = 60.0

# The balancer asks twice a second, and two bad answers take a service out: well within DRAIN_SECONDS.
_HAPROXY = """
global
    maxconn 4000
defaults
    mode http
    timeout connect 2s
    timeout client 75s
    timeout server 75s
    retries {retries}
    {redispatch}
frontend programs
    bind 127.0.0.1:{port}
    default_backend web
backend web
    option httpchk GET /readyz/
    http-check expect status 200
    default-server check inter 500ms fall 2 rise 1
"""


class Web:
    """The web processes of one machine, by themselves, as a container runs them."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self._environ = environ | {"PORT": str(self.port), "SMSGATE_PROCESS": "web"}
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        self.process = start("smsgate.web.serve", self._environ, self._log)

    def wait_until_ready(self) -> None:
        url = f"http://127.0.0.1:{self.port}"
        wait_until(lambda: answers(url), "web answers", PATIENCE)

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)


def start(module: str, environ: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=PROJECT_DIR, env=environ, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip


@contextmanager
def haproxy(folder: Path, webs: Sequence[Web], *, tries_again: bool) -> Iterator[int]:
    """Yield the port of a balancer before these. `tries_again`: with its retries, on another one."""
    port = free_port()
    text = _HAPROXY.format(
        port=port,
        retries=3 if tries_again else 0,
        redispatch="option redispatch" if tries_again else "no option redispatch",
    )
    lines = [f"    server web{n} 127.0.0.1:{web.port}" for n, web in enumerate(webs)]
    file = folder / "haproxy.cfg"
    file.write_text(text + "\n".join(lines) + "\n")
    process = subprocess.Popen(["haproxy", "-q", "-db", "-f", str(file)])
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"), "the balancer answers", PATIENCE)
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE)
