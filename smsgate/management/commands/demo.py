"""`make demo`: the main job, end to end, on real parts, in a minute. Leaves nothing behind."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import NotReady, Sandbox
from smsgate.pages import examples
from smsgate.supervisor.pipes import pipe

SETTLE_SECONDS = 60.0

EXAMPLES: list[tuple[str, str, dict[str, Any]]] = [
    ("One message", "/api/messages/", examples.MESSAGE),
    ("Many messages", "/api/messages/bulk/", examples.MESSAGES_BULK),
    ("A contact, and a welcome", "/api/contacts/contacts/", examples.CONTACT),
    ("Many contacts", "/api/contacts/contacts/bulk/", examples.CONTACTS_BULK),
    ("A group", "/api/contacts/groups/", examples.GROUP),
    ("Many groups", "/api/contacts/groups/bulk/", examples.GROUPS_BULK),
]
ACCEPTED = 5  # SMS that the examples ask for

# How each is started, and how that is shown.
PHONES = {
    "python": ([sys.executable, "-m", "phone_simulator"], "manage.py phone"),
    "kotlin": (["java", "-jar", "android-agent/cli/target/phone.jar"], "java -jar phone.jar"),
}


class Command(BaseCommand):
    help = "Runs the whole service in a temporary folder, sends the example messages, shows it all."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--speed", type=float, default=30.0, help="how much faster the phone's clock runs"
        )
        parser.add_argument(
            "--phone", choices=PHONES, default="python", help="the phone that ships, or the agent's"
        )

    def handle(self, *args: Any, speed: float, phone: str, **options: Any) -> None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop everything then as well
        with tempfile.TemporaryDirectory(prefix="smsgate-demo-") as folder:
            demo = Demo(Path(folder), speed, phone)
            try:
                demo.start()
                demo.run()
            except KeyboardInterrupt:
                title("Interrupted: everything stops")
                sys.exit(130)
            finally:
                demo.stop()


class Demo:
    """One run of the service with a phone of its own."""

    def __init__(self, folder: Path, speed: float, phone: str = "python") -> None:
        self.folder = folder
        self.speed = speed
        self.phone, self.phone_shown = PHONES[phone]
        self.log = folder / "service.log"
        self.service: Sandbox | None = None
        self.keys: dict[str, Any] = {}

    def start(self) -> None:
        title("The service: PostgreSQL, a Redis-compatible server, web, Celery worker and beat")
        if shutil.which("curl") is None:
            say("(there is no curl here: Python sends the same requests)")
        began = time.monotonic()
        with self.log.open("wb") as log:
            self.service = Sandbox(self.folder / "data", log)
        try:
            self.service.wait_until_ready()
        except NotReady:
            raise CommandError(f"the service did not start:\n{self.log.read_text()}") from None
        say(
            f"ready on {self.service.url} after {time.monotonic() - began:.1f} s, in a temporary folder"
        )

    def stop(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it takes a second, and must be done
        if self.service is not None:
            self.service.stop()

    @property
    def _running(self) -> Sandbox:
        if self.service is None:
            raise CommandError("the service does not run")
        return self.service

    def run(self) -> None:
        title("An account with its keys")
        self.keys = self.manage_json("provision", "Demo", "--json")
        for name, path, body in EXAMPLES:
            title(name)
            self._post(path, body)
        title("A phone pairs, takes the messages, sends one every 10 s of its clock, and reports")
        say(f"(its clock runs {self.speed:.0f} times as fast here; its SIM is pretended)")
        self._run_phone()
        title("What became of them")
        self._show_result()

    def _post(self, path: str, body: dict[str, Any]) -> None:
        keys = {"license__key": "license_key", "key": "license_key", "api_key": "api_key"}
        filled = {
            name: self.keys[keys[name]] if name in keys else value for name, value in body.items()
        }
        text = json.dumps(filled, ensure_ascii=False)
        say(f"$ curl {self._running.url}{path} \\\n      -d '{text}'")
        status, answer = _curl(f"{self._running.url}{path}", "-d", text)
        say(f"→ {status} {answer}")
        if status not in {200, 201}:
            raise CommandError("the service refused an example")

    def _get(self, path: str, *, is_shown: bool = False) -> Any:
        key = f"Authorization: Bearer {self.keys['license_key']}"
        status, answer = _curl(f"{self._running.url}{path}", "-H", key)
        if is_shown:
            say(f"$ curl {self._running.url}{path} -H '{key}'")
            say(f"→ {status} {answer}")
        return json.loads(answer)

    def _run_phone(self) -> None:
        pairing = self.manage_json("pair", str(self.keys["license_id"]), "--json")
        self._phone("pair", pairing["link"])
        self._phone("run", "--speed", f"{self.speed:g}", "--until-idle")

    def _phone(self, *arguments: str) -> None:
        say(f"$ {self.phone_shown} {shlex.join(arguments)}")
        journal = str(self.folder / "phone.sqlite3")
        command = [*self.phone, *arguments, "--journal", journal]
        with subprocess.Popen(
            command, cwd=PROJECT_DIR, env=self._running.environ, stdout=subprocess.PIPE, text=True
        ) as phone:
            for line in pipe(phone.stdout):
                say(f"  {line.rstrip()}")
        if phone.returncode != 0:
            raise CommandError("the phone stopped with an error")

    def _show_result(self) -> None:
        messages = self.messages()
        deadline = time.monotonic() + SETTLE_SECONDS
        while any(message["status"] != "delivered" for message in messages):
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
            messages = self.messages()
        self._get(f"/api/messages/{messages[0]['id']}/", is_shown=True)
        print()
        for message in messages:
            name = message["external_id"] or "(a contact's)"
            say(f"{message['id']:>4}  {name:<26} {message['status']}")
        statuses = [message["status"] for message in messages]
        counts = {
            "accepted": len(messages),
            "sent": sum(message["sent_at"] is not None for message in messages),
            "delivered": statuses.count("delivered"),
            "uncertain": statuses.count("uncertain"),
        }
        print()
        say("   ".join(f"{name:>9}" for name in counts))
        say("   ".join(f"{count:>9}" for count in counts.values()))
        print(flush=True)
        if counts != {
            "accepted": ACCEPTED,
            "sent": ACCEPTED,
            "delivered": ACCEPTED,
            "uncertain": 0,
        }:
            raise CommandError("not every message was delivered")

    def messages(self) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = self._get("/api/messages/")["results"]
        return results[::-1]

    def manage_json(self, *arguments: str) -> dict[str, Any]:
        say(f"$ manage.py {shlex.join(arguments)}")
        output = self._running.manage(*arguments)
        say(f"→ {output.strip()}")
        result: dict[str, Any] = json.loads(output)
        return result


def _curl(url: str, *options: str) -> tuple[int, str]:
    """Ask by the real curl; by Python where there is none."""
    if shutil.which("curl") is None:
        return _python_instead_of_curl(url, *options)
    output = subprocess.run(
        ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", *options, url],
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    answer, _, status = output.rpartition("\n")
    return int(status), answer


def _python_instead_of_curl(url: str, option: str, value: str) -> tuple[int, str]:
    request = urllib.request.Request(url)
    if option == "-d":
        request.data = value.encode()
    else:
        request.add_header(*value.split(": "))
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def title(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def say(text: str) -> None:
    print(f"  {text}", flush=True)
