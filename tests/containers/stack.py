"""docker-compose.yml, unchanged, as an operator has it; and a phone on the host."""

from __future__ import annotations

import json
import os
import secrets
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import free_port
from tests.containers.engine import podman, wait_until

SECRETS = ("SECRET_KEY", "PEPPER_1", "POSTGRES_PASSWORD", "REDIS_PASSWORD")
SERVICES = ("postgres", "redis", "web", "worker", "beat")


class Stack:
    """One .env, what compose makes of it, and what a program and a phone see of that."""

    def __init__(self, project: str, folder: Path) -> None:
        self.project = project
        self.folder = folder
        self.compose_file = PROJECT_DIR / "docker-compose.yml"
        self.port = free_port()
        self.settings = {name: secrets.token_hex(32) for name in SECRETS}
        self.settings["PORT"] = str(self.port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.trusted: ssl.SSLContext | None = None
        self.key = ""
        self.sent = 0

    # --- compose ---------------------------------------------------------------------------------

    def compose(self, *arguments: str, stdin: Any = None, is_shown: bool = True) -> str:
        """What podman-compose prints; its own chatter is shown only where it failed."""
        env_file = self.folder / ".env"
        env_file.write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))
        # podman-compose fills in what it inherits before what .env says.
        inherited = {k: v for k, v in os.environ.items() if k not in {"BIND", "PORT", "PUBLIC_URL"}}
        finished = subprocess.run(
            [sys.executable, "-m", "podman_compose", "--file", self.compose_file,
             "--env-file", env_file, "-p", self.project, *arguments],
            cwd=PROJECT_DIR, env=inherited, stdin=stdin, capture_output=True, check=False,
        )  # fmt: skip
        if finished.returncode != 0 and is_shown:
            sys.stderr.write(finished.stderr.decode(errors="replace")[-4000:])
            raise AssertionError(f"compose {' '.join(arguments)}: {finished.returncode}")
        return finished.stdout.decode(errors="replace")

    def up(self, *arguments: str, options: Sequence[str] = ()) -> None:
        self.compose(*options, "up", "-d", *arguments)

    def down(self, *arguments: str) -> None:
        # podman-compose forgets those that --scale made. One at a time: asked for several, podman
        # removes them beside each other, each with its dependents, and leaves some running.
        ours = ("--filter", f"label=io.podman.compose.project={self.project}")
        while left := podman("ps", "--all", "--quiet", *ours).split():
            podman("rm", "--force", "--depend", "--ignore", "--time", "30", left[0])
        self.compose("--profile", "https", "down", *arguments, is_shown=False)
        networks = podman("network", "ls", "--quiet", *ours)
        assert not networks, f"left behind, and in the next stack's way: {networks}"

    def in_web(self, *command: str) -> str:
        return self.compose("exec", "-T", "web", *command)

    def container(self, service: str, number: int = 1) -> str:
        return f"{self.project}_{service}_{number}"

    def pid(self, container: str) -> int:
        return int(podman("inspect", "--format", "{{.State.Pid}}", container))

    # --- what a program sees ---------------------------------------------------------------------

    def call(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            | {name.replace("_", "-"): value for name, value in headers.items()},
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.trusted) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                body = error.read()  # Caddy's own refusals have none
                return error.code, json.loads(body) if body else None

    def is_well(self) -> bool:
        try:
            status, said = self.call("/readyz/")
        except (OSError, ValueError):
            return False
        parts = ("database", "redis", "worker")
        return status == 200 and all(said[part] == "ok" for part in parts)

    def wait_until_well(self) -> None:
        wait_until(self.is_well, "/readyz/ says ok")

    # --- the main job ----------------------------------------------------------------------------

    def provision(self) -> None:
        made = json.loads(self.in_web("python", "manage.py", "provision", "Acme", "--json"))
        self.key = made["license_key"]
        pair = ["python", "manage.py", "pair", str(made["license_id"]), "--json"]
        code = json.loads(self.in_web(*pair))["code"]
        self.phone("pair", code, "--server", self.url)

    def phone(self, *arguments: str) -> None:
        journal = ("--journal", str(self.folder / "phone.sqlite3"))
        subprocess.run(
            [sys.executable, "-m", "phone_simulator", *arguments, *journal],
            cwd=PROJECT_DIR, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip

    def post(self) -> str:
        self.sent += 1
        name = f"message {self.sent}"
        status, said = self.try_to_post(name)
        assert status == 201, (status, said)
        return name

    def try_to_post(self, name: str) -> tuple[int, Any]:
        message = {"phone": "+48123456789", "message": name, "external_id": name}
        return self.call("/api/messages/", message)

    def status_of(self, name: str) -> str:
        _, said = self.call(f"/api/messages/?external_id={name.replace(' ', '%20')}")
        (message,) = said["results"]
        return str(message["status"])

    def deliver(self) -> None:
        """One message, all the way."""
        name = self.post()
        self.phone("run", "--speed", "30", "--until-idle", "--max-seconds", "120")
        wait_until(lambda: self.status_of(name) == "delivered", f"{name} is delivered", 60)
