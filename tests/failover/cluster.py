"""Two PostgreSQL servers that Patroni keeps, with etcd between them, each as if on a machine of its own.

A machine is four proxies: clients reach its PostgreSQL by one, the other server by another, so that a
standby may be behind; others reach its Patroni by the third, and it reaches etcd by the fourth. Frozen,
none lets anything through, and nobody is told: the machine has vanished.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from smsgate.operations.sandbox import free_port
from smsgate.supervisor.embedded import Postgres
from tests.freezing_proxy import FreezingProxy, freezing_proxy
from tests.smsgate.other_user import somebody
from tests.smsgate.processes import OtherUser, is_root, private_config, wait_until
from tests.support.installs import install

PATIENCE = 90.0
TTL = 20  # seconds for which a silent leader stays one: Patroni's least
DATABASE = "smsgate"

_Answer = dict[str, Any]


class Node:
    """A machine with a PostgreSQL and its Patroni."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.name, self._cluster = name, cluster
        self.folder = cluster.folder / name
        self._postgres, self._rest = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        proxied = cluster.stack.enter_context
        self.for_clients: FreezingProxy = proxied(freezing_proxy(("127.0.0.1", self._postgres)))
        self.for_standby: FreezingProxy = proxied(freezing_proxy(("127.0.0.1", self._postgres)))
        self._for_patroni: FreezingProxy = proxied(freezing_proxy(("127.0.0.1", self._rest)))
        self._to_etcd: FreezingProxy = proxied(freezing_proxy(("127.0.0.1", cluster.etcd_port)))
        self._proxies = (self._to_etcd, self._for_patroni, self.for_standby, self.for_clients)

    # --- its life ---

    def start(self) -> None:
        self.come_back()
        self.folder.mkdir(exist_ok=True)
        if is_root:
            shutil.chown(self.folder, self._cluster.user.name)
        file = self.folder / "patroni.json"  # YAML's readers read JSON
        file.write_text(json.dumps(self._settings()))
        file.chmod(0o644)
        user = self._cluster.user
        with (self._cluster.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [user.python, "-m", "patroni", str(file)],
                cwd=self.folder,
                env=user.environ | {"PATH": os.environ["PATH"], "HOME": str(self.folder)},
                stdout=log,
                stderr=log,
                start_new_session=True,
                **(user.as_user if is_root else {}),
            )

    def _settings(self) -> _Answer:
        cluster, known = self._cluster, self._cluster.password
        login = {
            name: {"username": name, "password": known} for name in ("superuser", "replication")
        }
        return {
            "scope": "smsgate",
            "name": self.name,
            "restapi": {
                "listen": f"127.0.0.1:{self._rest}",
                "connect_address": f"127.0.0.1:{self._for_patroni.port}",
            },
            # Not by the addresses that etcd itself names: they lead past the proxy.
            "etcd3": {"hosts": [f"127.0.0.1:{self._to_etcd.port}"], "use_proxies": True},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL,
                    "loop_wait": 2,
                    "retry_timeout": 3,
                    "synchronous_mode": cluster.is_synchronous,
                    "postgresql": {"use_pg_rewind": True},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self._postgres}",
                "connect_address": f"127.0.0.1:{self.for_standby.port}",
                "data_dir": str(self.folder / "data"),
                "bin_dir": str(cluster.bin),
                "authentication": login,
                "pg_hba": [
                    "host all all 127.0.0.1/32 md5",
                    "host replication all 127.0.0.1/32 md5",
                ],
                "parameters": {"unix_socket_directories": str(self.folder), "max_connections": 100},
            },
        }

    def _processes(self) -> list[psutil.Process]:
        """Its Patroni, and all of its PostgreSQL, which outlives that."""
        mine = [self._process.pid] if self._process is not None else []
        with suppress(OSError, ValueError, IndexError):
            mine.append(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))
        found: list[psutil.Process] = []
        for pid in mine:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                found += [process, *process.children(recursive=True)]
        return found

    def kill(self) -> None:
        """The power goes: nobody listens any more."""
        for proxy in self._proxies:
            proxy.refuse()
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def kill_postmaster(self) -> None:
        os.kill(
            int((self.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL
        )

    def vanish(self) -> None:
        for proxy in self._proxies:
            proxy.freeze()

    def come_back(self) -> None:
        for proxy in self._proxies:
            proxy.thaw()

    # --- what it says ---

    def says(self, path: str = "/patroni", body: _Answer | None = None) -> _Answer:
        """Return Patroni's answer; {} where there is none."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._rest}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                text = response.read()
        except OSError:
            return {}
        try:
            answer: _Answer = json.loads(text)
        except ValueError:
            return {"says": text.decode(errors="replace")}
        return answer

    @property
    def is_leader(self) -> bool:
        said = self.says()
        return said.get("role") in {"primary", "master"} and said.get("state") == "running"

    @property
    def is_standby(self) -> bool:
        """It follows, and copies what is written."""
        said = self.says()
        return said.get("role") in {"replica", "sync_standby"} and (
            said.get("replication_state") == "streaming"
        )


class Cluster:
    def __init__(
        self,
        folder: Path,
        stack: ExitStack,
        user: OtherUser,
        etcd_port: int,
        *,
        is_synchronous: bool,
    ) -> None:
        self.folder, self.stack, self.user, self.etcd_port = folder, stack, user, etcd_port
        self.is_synchronous = is_synchronous
        self.password = secrets.token_hex(16)
        self.bin = Postgres(private_config(folder / "programs")).bin
        self.nodes = [Node(self, "a"), Node(self, "b")]

    def leader(self) -> Node | None:
        return next((node for node in self.nodes if node.is_leader), None)

    def other(self, node: Node) -> Node:
        return self.nodes[1 - self.nodes.index(node)]

    def wait_until_whole(self) -> Node:
        """Return the leader, once the other server follows it."""

        def is_whole() -> bool:
            leader = self.leader()
            return leader is not None and self.other(leader).is_standby and self._is_safe(leader)

        wait_until(is_whole, "one server leads and the other follows", PATIENCE)
        leader = self.leader()
        assert leader is not None
        return leader

    def _is_safe(self, leader: Node) -> bool:
        return not self.is_synchronous or any(
            member.get("role") == "sync_standby"
            for member in leader.says("/cluster").get("members", [])
        )

    def url(self, database: str = DATABASE) -> str:
        """The URL of whichever server takes writes."""
        hosts = ",".join(f"127.0.0.1:{node.for_clients.port}" for node in self.nodes)
        return f"postgresql://superuser:{self.password}@{hosts}/{database}?target_session_attrs=read-write"

    def switch_over(self) -> None:
        """Return once the other one leads."""
        leader = self.leader()
        assert leader is not None
        other = self.other(leader)
        leader.says("/switchover", {"leader": leader.name, "candidate": other.name})
        wait_until(lambda: other.is_leader, "the other one leads", PATIENCE)


@contextmanager
def _etcd(folder: Path) -> Iterator[int]:
    install("support/install_from_debian.sh", "etcd", "etcd-server")
    client, peer = free_port(), free_port()
    with (folder / "etcd.log").open("ab") as log:
        process = subprocess.Popen(
            ["etcd", "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync",
             "--listen-client-urls", f"http://127.0.0.1:{client}",
             "--advertise-client-urls", f"http://127.0.0.1:{client}",
             "--listen-peer-urls", f"http://127.0.0.1:{peer}",
             "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
             "--initial-cluster", f"default=http://127.0.0.1:{peer}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield client
    finally:
        process.terminate()
        process.wait()


@contextmanager
def cluster(folder: Path, *, is_synchronous: bool = True) -> Iterator[Cluster]:
    """Yield one that is whole, with an empty database."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    with ExitStack() as stack:
        user: OtherUser | None = OtherUser(getpass.getuser(), sys.executable)
        if is_root:  # as whom PostgreSQL refuses to run
            user = stack.enter_context(somebody("nobody"))
        assert user is not None, "no user `nobody` here who can run Python in the project's folder"
        etcd_port = stack.enter_context(_etcd(folder))
        made = Cluster(folder, stack, user, etcd_port, is_synchronous=is_synchronous)
        try:
            for node in made.nodes:
                node.start()
            made.wait_until_whole()
            _create_database(made)
            yield made
        finally:
            for node in made.nodes:
                node.come_back()
                node.kill()


def _create_database(made: Cluster) -> None:
    connection = psycopg2.connect(made.url("postgres"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    connection.close()
