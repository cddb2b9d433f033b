"""The agent's crash test, end to end: the laptop phone on the live service, killed by `kill -9` at a
step of its journal, started again, round after round, with one journal all along.

    .venv/bin/python android-agent/tools/crash_rounds.py --rounds 100

In each round: what was asked for is accounted for, and no text has reached the radio twice. On a slow
machine a lease may run out while the phone is dead; then the phone gives the message back, and it must
be sent in the end.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))

from smsgate.operations.sandbox import Sandbox, free_port  # noqa: E402

JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
KILLED = -9
MESSAGES = 3  # a round
FINAL = {"sent", "delivered", "failed", "uncertain"}
SETTLE_SECONDS = 180  # what was given back rests a minute

# How often a round comes to a point, about; beyond that the phone lives on, which is a round as well.
POINTS = {"claim": 5, "reply": 5, "accept": 5, "journal": 3, "radio": 3, "result": 6}
STATEMENTS = 90


class Rounds:
    """One service, one phone with many lives."""

    def __init__(self, folder: Path, service: Sandbox, jar: str, speed: float, seed: int) -> None:
        self.folder, self.service, self.speed = folder, service, speed
        # Whoever is killed leaves its copy of SQLite behind: it shall go with the folder.
        self.phone = [*JAVA, f"-Dorg.sqlite.tmpdir={folder}", "-jar", jar]
        self.chance = random.Random(seed)
        self.outbox = folder / "outbox.jsonl"
        self.kills = 0
        self.asked: list[int] = []

    def pair(self) -> None:
        options = ("--json", "--max-daily-sms", "100000")
        self.keys = json.loads(self.service.manage("provision", "Crash", *options))
        link = json.loads(self.service.manage("pair", str(self.keys["license_id"]), "--json"))[
            "link"
        ]
        assert self.live("pair", link) == 0

    def play(self, number: int) -> str:
        """One round. Answers what happened; raises AssertionError."""
        ids = [self.post_one(f"{number}-{index}") for index in range(MESSAGES)]
        self.asked += ids
        point, count = self.death(number)
        code = self.run_phone("--die-after", f"{point}:{count}")
        assert code in {0, KILLED}, f"the phone ended with {code}"
        self.kills += code == KILLED
        assert self.run_phone() == 0, "the phone did not come to its end"
        became = [self.check(id_) for id_ in ids]
        return f"{point}:{count} {'killed' if code else 'lived on'}: {', '.join(became)}"

    def check(self, id_: int) -> str:
        """Return what became of this message. Raise AssertionError if that cannot be."""
        message = self.get(f"/api/messages/{id_}/")
        status: str = message["status"]
        times = self.starts()[id_]
        assert times <= 1, f"{id_} was sent {times} times"
        if status == "pending":
            told = [change["to"] for change in message["timeline"]]
            assert not times, f"{id_} was sent and is {status}: {told}"
            assert "leased" in told, f"{id_} was never handed out: {told}"
            return "given back"
        assert status in FINAL, f"{id_} is left {status}"
        assert times or status == "uncertain", f"{id_} was never sent and is {status}"
        return status

    def settle(self) -> Counter[str]:
        """Return what has become of all messages, when what was given back has been sent as well."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while "given back" in (became := Counter(map(self.check, self.asked))):
            assert time.monotonic() < deadline, f"never sent: {became}"
            assert self.run_phone() == 0, "the phone did not come to its end"
            time.sleep(5)
        return became

    def get(self, path: str) -> dict[str, Any]:
        request = urllib.request.Request(
            self.service.url + path, headers={"Authorization": f"Bearer {self.keys['license_key']}"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            found: dict[str, Any] = json.load(response)
        return found

    def death(self, number: int) -> tuple[str, int]:
        """Every second round at a checkpoint, the others after any statement."""
        if number % 2:
            point = sorted(POINTS)[number // 2 % len(POINTS)]
            return point, self.chance.randint(1, POINTS[point])
        return "statement", self.chance.randint(1, STATEMENTS)

    def post_one(self, name: str) -> int:
        body = {
            "external_id": name,
            "message": f"Round {name} " + "x" * self.chance.choice([0, 0, 200]),
            "phone": f"+48{self.chance.randint(500_000_000, 799_999_999)}",
        }
        request = urllib.request.Request(
            f"{self.service.url}/api/messages/",
            json.dumps(body | {"license__key": self.keys["license_key"]}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        return int(answer["id"])

    def run_phone(self, *arguments: str) -> int:
        return self.live(
            "run", "--outbox", str(self.outbox), "--speed", str(self.speed), "--until-idle",
            "--max-seconds", "120", "--no-long-poll", *arguments,
        )  # fmt: skip

    def live(self, command: str, *arguments: str) -> int:
        journal = ("--journal", str(self.folder / "phone.sqlite3"))
        with (self.folder / "phone.log").open("ab") as log:
            return subprocess.run(
                [*self.phone, command, *journal, *arguments],
                cwd=PROJECT, stdout=log, stderr=log, timeout=180, check=False,
            ).returncode  # fmt: skip

    def starts(self) -> Counter[int]:
        if not self.outbox.exists():
            return Counter()
        lines = self.outbox.read_text(encoding="utf-8").splitlines()
        return Counter(json.loads(line)["message_id"] for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", type=float, default=30, help="of the phone's clock")
    parser.add_argument("--jar", default="android-agent/cli/target/phone.jar")
    options = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory(prefix="smsgate-crash-") as folder:
        # With a TLS port the pairing link names the server's own certificate.
        with (Path(folder) / "service.log").open("wb") as log:
            service = Sandbox(
                Path(folder) / "data", log, TLS_PORT=str(free_port()), DEVICE_RATE_PER_MINUTE="0"
            )
        rounds = Rounds(Path(folder), service, options.jar, options.speed, options.seed)
        try:
            service.wait_until_ready()
            rounds.pair()
            for number in range(1, options.rounds + 1):
                began = time.monotonic()
                try:
                    what = rounds.play(number)
                except AssertionError as error:
                    failures, what = failures + 1, f"FAILED: {error}"
                print(f"{number:>4} {time.monotonic() - began:5.1f} s  {what}", flush=True)
            print(f"killed {rounds.kills} times; in the end: {dict(rounds.settle())}")
        finally:
            service.stop()
    print(f"{options.rounds - failures} passed, {failures} failed")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
