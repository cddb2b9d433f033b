"""The phone as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Program:
    """`python -m phone_simulator` with one journal and one outbox."""

    def __init__(self, folder: Path) -> None:
        self.journal = folder / "phone.sqlite3"
        self.outbox = folder / "outbox.jsonl"

    def __call__(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "phone_simulator",
                command,
                "--journal",
                str(self.journal),
                *arguments,
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Ten minutes a second, until idle."""
        fast = ("--speed", "600", "--until-idle", "--max-seconds", "100")
        return self("run", *fast, "--outbox", str(self.outbox), *arguments)

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self("status", "--json").stdout)
        return status

    def sent(self) -> list[dict[str, Any]]:
        if not self.outbox.exists():
            return []
        return [json.loads(line) for line in self.outbox.read_text(encoding="utf-8").splitlines()]

    def starts(self) -> Counter[tuple[int, int]]:
        return Counter((line["message_id"], line["attempt"]) for line in self.sent())
