"""podman, with settings, storage and networks of its own, apart from all else on the machine."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smsgate" / "containers"
_RUN = Path("/run/smsgate-containers", hashlib.sha256(bytes(CACHE)).hexdigest()[:8])

_PACKAGES = [
    "podman", "buildah", "runc", "netavark", "aardvark-dns", "fuse-overlayfs", "iptables",
    "catatonit", "debootstrap",
]  # fmt: skip

# runc, since crun refuses machines that mount both kinds of cgroups; ulimits below what a machine in a
# container of its own may not exceed.
_CONTAINERS_CONF = f"""\
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
pids_limit = 0
[network]
network_backend = "netavark"
network_config_dir = "{CACHE}/networks"
[engine]
tmp_dir = "{_RUN}/libpod"
cgroup_manager = "cgroupfs"
runtime = "runc"
"""
_STORAGE_CONF = f"""\
[storage]
driver = "overlay"
graphroot = "{CACHE}/storage"
runroot = "{_RUN}"
"""


class CannotRun(Exception):
    """Why this machine runs no containers, as one line."""


def prepare() -> None:
    """Install podman where it is missing, and point it at our own settings. Raises CannotRun."""
    if os.geteuid() != 0:
        raise CannotRun("only root may install podman and debootstrap and run them here")
    namespaces = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]
    if subprocess.run(namespaces, capture_output=True, check=False).returncode != 0:
        raise CannotRun("this machine may not make namespaces, which containers consist of")
    with Path("/run/smsgate-containers.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # apt-get serves one at a time
        _install()
    CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in (("containers", _CONTAINERS_CONF), ("storage", _STORAGE_CONF)):
        path = CACHE / f"{name}.conf"
        path.write_text(text)
        os.environ[f"CONTAINERS{'_STORAGE' if name == 'storage' else ''}_CONF"] = str(path)


def _install() -> None:
    if all(map(shutil.which, ("podman", "runc", "debootstrap"))):
        return
    if shutil.which("apt-get") is None:
        raise CannotRun("podman and debootstrap are missing, and there is no apt-get")
    say(f"installing Debian's packages {' '.join(_PACKAGES)}")
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends"]
    for command in (["apt-get", "update", "--quiet"], [*install, *_PACKAGES]):
        done = subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise CannotRun(f"`{' '.join(command[:2])}` failed; its reason is above")


def podman(*arguments: str | Path, stdin: Any = None) -> str:
    """What it prints. Its complaints, of a systemd that is not there, are shown only where it failed."""
    done = subprocess.run(
        ["podman", *map(str, arguments)],
        stdin=stdin, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.stderr.write(done.stderr[-4000:])
        raise AssertionError(f"podman {' '.join(map(str, arguments))}: {done.returncode}")
    return done.stdout.strip()


def has_image(name: str) -> bool:
    return subprocess.run(["podman", "image", "exists", name], check=False).returncode == 0


_began = time.monotonic()


def say(words: str) -> None:
    print(f"{time.monotonic() - _began:5.0f} s  {words}", flush=True)


def run(story: Callable[[], None], name: str) -> int:
    """The exit code of a story: 0 also where this machine cannot tell it, which is said in one line."""
    try:
        prepare()
    except CannotRun as reason:
        print(f"{name}: skipped: {reason}", file=sys.stderr)
        return 0
    story()
    say(f"{name}: all held")
    return 0


def show_containers() -> None:
    """What each container says, for whoever reads why a story did not hold."""
    everything = ["podman", "ps", "--all"]
    subprocess.run(everything, stdout=sys.stderr, check=False)
    for container in podman(*everything[1:], "--format", "{{.Names}}").split():
        print(f"--- the last lines of {container}", file=sys.stderr, flush=True)
        subprocess.run(
            ["podman", "logs", "--tail", "40", container], stdout=sys.stderr, check=False
        )


def wait_until(is_true: Callable[[], object], what: str, seconds: float = 240.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.3)
