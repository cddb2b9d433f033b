"""PgBouncer in transaction mode before a PostgreSQL, as those who have many processes run it."""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg2

from smsgate.operations.sandbox import free_port
from tests.support.installs import install

PATIENCE = 30.0

_SETTINGS = """
[databases]
* = host={host}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 2000
server_idle_timeout = 2
server_login_retry = 1
logfile = {log}
"""


@contextmanager
def pgbouncer(folder: Path, url: str, pool_size: int = 20) -> Iterator[str]:
    """Yield the URL that leads to the same database through it. `url`: by a Unix socket."""
    install("support/install_from_debian.sh", "pgbouncer")
    parts = urlsplit(url)
    host, port = parse_qs(parts.query)["host"][0], free_port()
    server = pwd.getpwuid(os.stat(host).st_uid)  # only this user reaches the socket
    home = folder / "pgbouncer"
    home.mkdir(mode=0o755)
    users, file, log = home / "users", home / "ini", home / "log"
    users.write_text(f'"{parts.username}" "{unquote(parts.password or "")}"\n')
    file.write_text(
        _SETTINGS.format(host=host, port=port, users=users, log=log, pool_size=pool_size)
    )
    Path(host).parent.chmod(0o711)  # root's folder, which that user has to pass
    for path in (folder, home, users, file):
        os.chown(path, server.pw_uid, -1)
    process = subprocess.Popen(
        ["pgbouncer", "-q", str(file)],
        user=server.pw_uid,
        group=server.pw_gid,
    )
    pooled = parts._replace(
        netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}", query=""
    ).geturl()
    try:
        _wait_for(pooled)
        yield pooled
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg2.connect(url).close()
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
