"""`make up`: the whole service in one terminal. `python -m smsgate.supervisor.up`

Starts the embedded servers that no URL replaces, then web, worker and beat, all at once; restarts
what dies, with back-off; replaces all but the servers on SIGUSR1 (`make restart`); stops everything
when one of them cannot live, or on Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    # Until there is something to stop, Ctrl-C ends this at once and in silence.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import errno
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import chain

from smsgate import config as configuration
from smsgate.config import PROJECT_DIR, Config, ConfigError
from smsgate.supervisor import listeners
from smsgate.supervisor.child import CannotLive, Child
from smsgate.supervisor.embedded import EmbeddedError, Postgres, Redis
from smsgate.supervisor.embedded.service import Service, log
from smsgate.supervisor.renewal import Renewal
from smsgate.supervisor.running import Lock, RunsAlready

_SERVERS = {"postgres", "redis"}

STOP_SECONDS = 25.0  # beside those that web processes drain
POLL_SECONDS = 0.1
ORPHAN_SECONDS = 3.0  # wait for the port: children of a killed supervisor hold it for a moment

# glibc's malloc: its default of one arena a thread keeps the peak of each, and its default threshold for
# mmap grows with what is freed: then blocks as large as bodies and answers stay after a flood.
ALLOCATOR = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "65536"}


@dataclass(slots=True)
class Supervisor:
    """Runs the service until it is told to stop."""

    config: Config
    children: list[Child] = field(default_factory=list)
    web_fds: dict[str, list[int]] = field(default_factory=dict)
    # A plain flag: a signal handler that set an Event could wait for the lock of its own thread.
    stopping: bool = False
    is_asked_to_renew: bool = False
    renewal: Renewal | None = None

    def run(self) -> int:
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGUSR1, self._on_renew)
        for number in (signal.SIGINT, signal.SIGHUP):  # Ctrl-C; the terminal was closed
            # One that came in ignored stays so: that is what a shell's `&` and `nohup` are for.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        with ExitStack() as resources:
            lock = resources.enter_context(closing(Lock(self.config)))
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
                self._supervise(lock)
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
        self.children += [
            Child(service.name, service.start, service.stop_signal) for service in services
        ]
        parent = {"SMSGATE_PARENT_FD": [parent_fd]}
        self.web_fds = parent | {
            name: [one.fileno() for one in each] for name, each in sockets.items()
        }
        self.children += [
            Child("web", self._start_web),
            Child("worker", lambda: _python("worker", "smsgate.worker", parent)),
            Child("beat", lambda: _python("beat", "smsgate.beat", parent)),
        ]
        for child in self.children:
            child.launch()
        threading.Thread(target=self._say_when_ready, daemon=True).start()

    def _start_web(self, **more_fds: list[int]) -> subprocess.Popen[str]:
        return _python("web", "smsgate.web.serve", self.web_fds | more_fds)

    def _embedded(self) -> list[Service]:
        services: list[Service] = []
        if self.config.embedded_postgres:
            services.append(Postgres(self.config))
        if self.config.embedded_redis:
            services.append(Redis(self.config))
        return services

    def _supervise(self, lock: Lock) -> None:
        had_terminal = os.isatty(2)
        while not self.stopping:
            if had_terminal and not os.isatty(2):
                return  # it was closed, and a `make` that is its first program keeps the SIGHUP
            for child in self.children:
                child.look_after()
            self._renew(lock)
            time.sleep(POLL_SECONDS)

    def _renew(self, lock: Lock) -> None:
        if self.renewal is not None:
            has_succeeded = self.renewal.look()
            if has_succeeded is not None:
                self.renewal = None
                lock.note_renewal(has_succeeded)
        elif self.is_asked_to_renew:
            self.is_asked_to_renew = False
            web, *others = [child for child in self.children if child.name not in _SERVERS]
            self.renewal = Renewal(
                web,
                others,
                lambda ready: self._start_web(SMSGATE_READY_FD=[ready]),
                self.config.web_processes,
            )

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
                if child.name != "postgres":
                    for process in child.processes():
                        process.kill()
        self.stopping = True

    def _on_renew(self, number: int, frame: object) -> None:
        self.is_asked_to_renew = True

    def _stop(self) -> None:
        """First those who use the servers, then the servers."""
        self.stopping = True
        if self.children:
            log("up", "INFO", "stopping; a second Ctrl-C does not wait for running requests")
        if self.renewal is not None:
            self.renewal.give_up()
        for group in (
            [child for child in self.children if child.name not in _SERVERS],
            [child for child in self.children if child.name in _SERVERS],
        ):
            deadline = time.monotonic() + self.config.drain_seconds + STOP_SECONDS
            for child in group:
                child.end()
            for child in group:
                child.wait(deadline)


def _python(name: str, module: str, fds: Mapping[str, Sequence[int]]) -> subprocess.Popen[str]:
    """Start a Python process of ours in its own session: Ctrl-C is for us alone."""
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


def main() -> int:
    try:
        config = configuration.load()
        os.environ["LOG_FORMAT"] = config.log_format  # a .env may have said it
        return Supervisor(config).run()
    except (CannotLive, RunsAlready, EmbeddedError, ConfigError) as error:
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
