"""The base of both embedded servers: whose user they run as, their process, their log, their end."""

from __future__ import annotations

import datetime as dt
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from smsgate.config import Config
from smsgate.supervisor.embedded.errors import EmbeddedError, one_line
from smsgate.supervisor.pipes import pipe

START_SECONDS = 60.0  # recovery after a crash may replay a lot
STOP_SECONDS = 30.0

# Users that exist on every Unix and own nothing: for servers that refuse to run as root.
_UNPRIVILEGED = ("postgres", "nobody")

# Where a root-owned copy of binaries goes that an unprivileged user cannot reach in a private home.
_REACHABLE_CACHE = Path("/var/cache/smsgate")


def log(name: str, level: str, message: str) -> None:
    """One line in the shape that every process of the service writes (http_api.logs)."""
    if os.environ.get("LOG_FORMAT", "").lower() == "json":
        moment = dt.datetime.now(dt.UTC).isoformat("T", "milliseconds")
        line = json.dumps(
            {"time": moment, "process": name, "level": level, "message": message},
            ensure_ascii=False,
        )
    else:
        line = f"{time.strftime('%H:%M:%S')} {name:<8} {level:<7} {message}"
    with suppress(OSError):  # the terminal was closed: there is nobody to tell, and much to stop
        # In one piece with its newline: other processes write to the same terminal.
        print(f"{line}\n", end="", file=sys.stderr, flush=True)


class Service:
    """One server process in its own folder. Subclasses say how it starts and when it is ready."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, config: Config, folder: Path) -> None:
        self.config = config
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None
        self.last_lines: deque[str] = deque(maxlen=5)
        self.user = self._choose_user()

    # --- what subclasses say ---------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the folder ready: idempotent, and safe to be killed in."""
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def standard_input(self) -> str:
        return ""

    def is_ready(self) -> bool:
        raise NotImplementedError

    def orphan_pid(self) -> int | None:
        """Return the pid in this server's own pid file; None if there is none."""
        raise NotImplementedError

    def shown(self, line: str) -> str | None:
        """Format a line of the server's log as `LEVEL message`; None to leave it out."""
        raise NotImplementedError

    # --- running ---------------------------------------------------------------------------------

    def start(self) -> subprocess.Popen[str]:
        """Start the server; it is not ready yet. Ends what a killed supervisor left running."""
        self._end_orphan()
        self.process = self._spawn(self.command(), stderr=subprocess.STDOUT)
        with pipe(self.process.stdin) as stdin:
            stdin.write(self.standard_input())
        self._reader = threading.Thread(target=self._read_log, args=(self.process,), daemon=True)
        self._reader.start()
        return self.process

    @property
    def started(self) -> subprocess.Popen[str]:
        """Return its process."""
        if self.process is None:
            raise EmbeddedError(f"{self.name} was not started")
        return self.process

    def wait_until_ready(self) -> None:
        """Raise EmbeddedError with the server's last words where it does not come up."""
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.started.poll() is not None:
                raise EmbeddedError(f"{self.name} did not start: {self.last_words()}")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{self.name} was not ready after {START_SECONDS:.0f} s")
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()

    def last_words(self) -> str:
        return self.last_lines[-1] if self.last_lines else "it said nothing"

    def _read_log(self, process: subprocess.Popen[str]) -> None:
        with pipe(process.stdout) as lines:
            for line in map(str.rstrip, lines):
                if line:
                    self.last_lines.append(line)
                if shown := self.shown(line):
                    log(self.name, *shown.split(" ", 1))

    def _end_orphan(self) -> None:
        """Stop a server of ours that outlived its supervisor (kill -9), and wait until it is gone."""
        pid = self.orphan_pid()
        if pid is None or not self._is_ours(pid):
            return
        os.kill(pid, self.stop_signal)
        deadline = time.monotonic() + STOP_SECONDS
        while self._is_ours(pid):
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"an old {self.name} (process {pid}) does not stop; end it first"
                )
            time.sleep(0.05)

    def _is_ours(self, pid: int) -> bool:
        """Say whether this pid is a server that works in our folder (pids are used again)."""
        try:
            return Path(f"/proc/{pid}/cwd").samefile(self.folder)
        except OSError:
            return False

    # --- the user it runs as ---------------------------------------------------------------------

    def _choose_user(self) -> pwd.struct_passwd | None:
        """None: as ourselves. Root gives up its rights for an unprivileged user that exists."""
        if os.geteuid() != 0:
            return None
        if self.folder.exists() and (owner := self.folder.stat().st_uid) != 0:
            return pwd.getpwuid(owner)
        for name in _UNPRIVILEGED:
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise EmbeddedError(f"{self.name} must not run as root, and there is no user `nobody`")

    def make_folder(self, folder: Path) -> None:
        """Create the folder with mode 0700, owned by the user that the server runs as.

        One that exists may lie in /tmp: a link, or somebody else's folder, is refused before root
        gives anything away. Raise EmbeddedError.
        """
        owner = os.geteuid() if self.user is None else self.user.pw_uid
        with one_line(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = folder.lstat()
            if not stat.S_ISDIR(about.st_mode) or about.st_uid not in {owner, os.geteuid()}:
                raise EmbeddedError(f"{folder} belongs to somebody else; remove it")
            folder.chmod(0o700)
            if self.user is not None:
                os.chown(folder, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)

    def _spawn(
        self, command: Sequence[str], *, cwd: Path | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """Start a program in the service's folder, as its user, out of reach of the terminal's Ctrl-C.

        The folder is entered before the rights are given up, so that it may lie below a folder
        which that user cannot enter.
        """
        as_user: dict[str, Any] = {} if self.user is None else {
            "user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": [],
        }  # fmt: skip
        return subprocess.Popen(
            command,
            cwd=cwd or self.folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            **as_user,
            **options,
        )

    def reachable(self, program: Path, trees: Sequence[Path], version: str) -> Path:
        """`program` where the server's user can run it: its folders are copied once if need be.

        `trees` lie side by side, and `program` is in the first. Never loosens the rights of a
        folder that somebody else made.
        """
        if self.user is None:
            return program
        # By its real path: a link to it may lie where that user cannot go.
        if _can_reach(program.resolve(), self.user):
            return program.resolve()
        copy = _REACHABLE_CACHE / f"{self.name}-{version}"
        if not copy.exists():
            log(
                self.name,
                "INFO",
                f"copying its programs to {copy}, where {self.user.pw_name} can run them",
            )
            with one_line(copy):
                _copy(trees, copy)
        return copy / program.relative_to(trees[0].parent)


def _copy(trees: Sequence[Path], target: Path) -> None:
    """Copy these trees atomically; readable by everybody, writable by root."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)  # our own folder, whatever root's umask is
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    for tree in trees:
        shutil.copytree(tree, draft / tree.name, symlinks=True)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    os.replace(draft, target)


def _can_reach(path: Path, user: pwd.struct_passwd) -> bool:
    def allows(place: Path) -> bool:
        status = place.stat()
        if status.st_uid == user.pw_uid:
            return bool(status.st_mode & 0o100)
        if status.st_gid == user.pw_gid:
            return bool(status.st_mode & 0o010)
        return bool(status.st_mode & 0o001)

    return all(allows(place) for place in (path, *path.parents))
