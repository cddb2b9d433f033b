"""`make up`: the whole service in one terminal. `python -m smsgate.supervisor.up`

Starts the embedded servers that no URL replaces, then web, worker and beat, all at once; restarts
what dies, with back-off; stops everything when one of them cannot live, or on Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    # Until there is something to stop, Ctrl-C ends this at once and in silence.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import errno
import fcntl
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from typing import IO

from smsgate import config as configuration
from smsgate.config import PROJECT_DIR, Config, ConfigError
from smsgate.supervisor import listeners
from smsgate.supervisor.embedded import EmbeddedError, Postgres, Redis
from smsgate.supervisor.embedded.errors import one_line
from smsgate.supervisor.embedded.service import Service, log
from smsgate.supervisor.parent import CANNOT_START

BACK_OFF = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before the next try
HEALTHY_SECONDS = 60.0  # uptime after which a child's count of restarts is reset
STOP_SECONDS = 25.0
POLL_SECONDS = 0.1
ORPHAN_SECONDS = 3.0  # wait for the port: children of a killed supervisor hold it for a moment

# glibc's malloc: its default of one arena a thread keeps the peak of each, and its default threshold for
# mmap grows with what is freed: then blocks as large as bodies and answers stay after a flood.
ALLOCATOR = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "65536"}


class CannotLive(Exception):
    """Why the service stops, as one line."""


@dataclass(slots=True)
class Child:
    """A process that is kept alive."""

    name: str
    start: Callable[[], subprocess.Popen[str]]
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    failures: int = 0
    retry_at: float | None = None

    def launch(self) -> None:
        self.process = self.start()
        self.started_at = time.monotonic()
        self.retry_at = None

    def look_after(self) -> None:
        """Restart it if it died and its rest is over. Raises CannotLive after too many tries."""
        now = time.monotonic()
        if self.retry_at is not None:
            if now >= self.retry_at:
                self.launch()
            return
        if self.process is None or self.process.poll() is None:
            return
        code = self.process.returncode
        if now - self.started_at > HEALTHY_SECONDS:
            self.failures = 0
        if code == CANNOT_START or self.failures == len(BACK_OFF):
            raise CannotLive(
                f"{self.name} cannot run ({_in_words(code)}); its last words are above"
            )
        rest = BACK_OFF[self.failures]
        self.failures += 1
        self.retry_at = now + rest
        log("up", "WARNING", f"{self.name} ended ({_in_words(code)}); again in {rest:.0f} s")

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def wait(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log("up", "WARNING", f"{self.name} does not stop: killed")
            self.process.kill()
            self.process.wait()


def _in_words(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


@dataclass(slots=True)
class Supervisor:
    """Runs the service until it is told to stop."""

    config: Config
    children: list[Child] = field(default_factory=list)
    # A plain flag: a signal handler that set an Event could wait for the lock of its own thread.
    stopping: bool = False

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._on_signal)
        for number in (signal.SIGINT, signal.SIGHUP):  # Ctrl-C; the terminal was closed
            # One that came in ignored stays so: that is what a shell's `&` and `nohup` are for.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        with ExitStack() as resources:
            resources.enter_context(locked(self.config))
            sockets = {"SMSGATE_LISTEN_FDS": self._listen("PORT", self.config.port)}
            if self.config.tls_port:
                sockets["SMSGATE_TLS_FDS"] = self._listen("TLS_PORT", self.config.tls_port)
            for listener in chain(*sockets.values()):
                resources.enter_context(listener)
            # Children end when the last copy of the writing end is gone: it is only ours.
            reading, writing = os.pipe()
            resources.callback(os.close, writing)
            resources.callback(os.close, reading)
            try:
                self._start(sockets, reading)
                self._supervise()
            finally:
                self._stop()
        return 0

    def _listen(self, setting: str, port: int) -> list[socket.socket]:
        """Return a socket for each web process. Raise CannotLive."""
        bind = self.config.bind
        deadline = time.monotonic() + ORPHAN_SECONDS
        try:
            while True:
                try:
                    return listeners.open_all(bind, port, self.config.web_processes)
                except OSError as error:
                    if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                        raise
                    time.sleep(POLL_SECONDS)
        except OSError as error:
            is_name = isinstance(error, socket.gaierror)
            reason = error.strerror if is_name else os.strerror(error.errno or 0)
            wrong = "BIND" if is_name or error.errno == errno.EADDRNOTAVAIL else setting
            raise CannotLive(
                f"cannot listen on {bind}:{port}: {reason}; choose another {wrong}"
            ) from None

    def _start(self, sockets: Mapping[str, list[socket.socket]], parent_fd: int) -> None:
        services = self._embedded()
        for service in services:
            service.prepare()
            if self.stopping:
                return
        processes = {"web": "smsgate.web.serve", "worker": "smsgate.worker", "beat": "smsgate.beat"}
        self.children += [
            Child(service.name, service.start, service.stop_signal) for service in services
        ]
        for name, module in processes.items():
            fds = {"SMSGATE_PARENT_FD": [parent_fd]}
            if name == "web":
                fds |= {name: [one.fileno() for one in each] for name, each in sockets.items()}
            self.children.append(Child(name, _python(name, module, fds)))
        for child in self.children:
            child.launch()
        threading.Thread(target=self._say_when_ready, daemon=True).start()

    def _embedded(self) -> list[Service]:
        services: list[Service] = []
        if self.config.embedded_postgres:
            services.append(Postgres(self.config))
        if self.config.embedded_redis:
            services.append(Redis(self.config))
        return services

    def _supervise(self) -> None:
        had_terminal = os.isatty(2)
        while not self.stopping:
            if had_terminal and not os.isatty(2):
                return  # it was closed, and a `make` that is its first program keeps the SIGHUP
            for child in self.children:
                child.look_after()
            time.sleep(POLL_SECONDS)

    def _say_when_ready(self) -> None:
        """Print the ready line once the web process answers: the database is there and migrated."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.config.bind, self.config.bind)
        while not self.stopping:
            connection = http.client.HTTPConnection(host, self.config.port, timeout=60)
            try:
                connection.request("GET", "/healthz/")
                if connection.getresponse().status == 200:
                    print(f"smsgate is ready: {self.config.public_url}\n", end="", flush=True)
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(POLL_SECONDS)
            finally:
                connection.close()

    def _on_signal(self, number: int, frame: object) -> None:
        if self.stopping:  # a second Ctrl-C: hurry
            for child in self.children:
                if child.process is not None and child.name != "postgres":
                    child.process.kill()
        self.stopping = True

    def _stop(self) -> None:
        """First those who use the servers, then the servers."""
        self.stopping = True
        if self.children:
            log("up", "INFO", "stopping; a second Ctrl-C does not wait for running requests")
        servers = {"postgres", "redis"}
        for group in (
            [child for child in self.children if child.name not in servers],
            [child for child in self.children if child.name in servers],
        ):
            deadline = time.monotonic() + STOP_SECONDS
            for child in group:
                child.end()
            for child in group:
                child.wait(deadline)


def _python(
    name: str, module: str, fds: Mapping[str, Sequence[int]]
) -> Callable[[], subprocess.Popen[str]]:
    """Return what starts a Python process of ours in its own session: Ctrl-C is for us alone."""

    def start() -> subprocess.Popen[str]:
        numbers = {variable: ",".join(map(str, each)) for variable, each in fds.items()}
        return subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=PROJECT_DIR,
            env={
                **ALLOCATOR,
                **os.environ,
                **numbers,
                "SMSGATE_PROCESS": name,
                "PYTHONUNBUFFERED": "1",
            },
            stdin=subprocess.DEVNULL,
            # The log is standard error. Only web says more, at the first start; Celery its goodbyes.
            stdout=None if name == "web" else subprocess.DEVNULL,
            pass_fds=list(chain(*fds.values())),
            start_new_session=True,
            text=True,
        )

    return start


def locked(config: Config) -> IO[str]:
    """Lock the data folder until the returned file is closed; raise CannotLive if it is locked."""
    with one_line(config.data_dir):
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = configuration.lock_file(config.data_dir).open("a")  # not yet ours to empty
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise CannotLive(
            f"smsgate is running on {config.data_dir} already; stop it, or choose another DATA_DIR"
        ) from None
    with one_line(config.data_dir):
        file.truncate(0)
        file.write(config.public_url)
        file.flush()
    return file


def main() -> int:
    try:
        config = configuration.load()
        os.environ["LOG_FORMAT"] = config.log_format  # a .env may have said it
        return Supervisor(config).run()
    except (CannotLive, EmbeddedError, ConfigError) as error:
        print(f"smsgate: {error}", file=sys.stderr)
        return 1
    finally:
        _flush()


def _flush() -> None:
    """Forget what a closed terminal does not take: Python would end with 120 over it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
