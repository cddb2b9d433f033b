"""Holds an agent against a contract vector; the format is described in protocol/vectors/README.md."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phone_simulator.agent import Agent
from phone_simulator.clock import ManualClock
from phone_simulator.device import Device
from phone_simulator.journal import Journal
from phone_simulator.pairing import PairingError, pair, read_invitation
from phone_simulator.sms_sender import Report, Sms
from phone_simulator.step import StepKind
from phone_simulator.transport import Reply, TransportError

_RESTS = {StepKind.IDLE, StepKind.STOPPED, StepKind.JOURNAL_FAILED}


class CrashError(Exception):
    """The phone dies here."""


class Names:
    """What each `$name` of a vector stands for: bound when it is first met, the same ever after."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def check(self, expected: Any, actual: Any, where: str) -> None:
        if isinstance(expected, dict):
            assert isinstance(actual, dict), where
            present = {key for key, value in actual.items() if value is not None}
            assert present == {k for k, v in expected.items() if v is not None}, where
            for key in present:
                self.check(expected[key], actual[key], f"{where}.{key}")
        elif isinstance(expected, list):
            assert isinstance(actual, list), where
            assert len(actual) == len(expected), f"{where}: {actual}"
            for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
                self.check(one, other, f"{where}[{index}]")
        elif isinstance(expected, str) and expected.startswith("$"):
            known = self._values.setdefault(expected, actual)
            assert known == actual, f"{where}: {expected} was {known}"
            assert len(set(self._values.values())) == len(self._values), f"{where}: not a new id"
        elif where.endswith(".wall_time"):
            assert _moment(actual) == _moment(expected), where
        else:
            assert actual == expected, where

    def fill(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        return self._values.get(value, value) if isinstance(value, str) else value


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    assert moment.utcoffset() is not None, f"{text} has no offset"
    return moment


class World:
    """The server and the SIM of a vector: both expect what is written, in that order."""

    def __init__(self, clock: ManualClock, names: Names) -> None:
        self.expected: list[dict[str, Any]] = []
        self.coming: list[Report] = []
        self.is_blocked_by: str | None = None
        self._clock = clock
        self._names = names

    def _next(self, kind: str, actual: Any) -> dict[str, Any]:
        assert self.expected, f"unexpected {kind}: {actual}"
        expected = self.expected.pop(0)
        assert kind in expected, f"{kind} where another thing was expected: {actual}"
        return expected

    # --- the server ---

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: dict[str, Any] | None = None,
        timeout: float = 30.0,
        give_up: Callable[[], bool] | None = None,
    ) -> Reply:
        actual = {"method": method, "path": path, "token": token, "body": body}
        expected = self._next("request", actual)
        if body is not None:
            wanted = expected["request"]["body"]
            free = {"health", "name", "android", "app_version", "sims"} - wanted.keys()
            actual["body"] = {key: item for key, item in body.items() if key not in free}
        self._names.check(expected["request"], actual, "request")
        return self._reply(expected["reply"])

    def _reply(self, reply: dict[str, Any]) -> Reply:
        self._clock.advance(reply.get("after_seconds", 0))
        if reply.get("lost"):
            raise TransportError("lost")
        body = json.dumps(self._names.fill(reply["body"])).encode() if "body" in reply else b""
        headers = {name.lower(): value for name, value in reply.get("headers", {}).items()}
        return Reply(reply["status"], body[: len(body) // 2] if reply.get("cut") else body, headers)

    # --- the SIM ---

    def blocked(self, sim: int | None) -> str | None:
        return self.is_blocked_by

    def slot(self, sim: int | None) -> int:
        return sim or 0

    def send(self, sms: Sms) -> None:
        actual = {name: getattr(sms, name) for name in Sms.__slots__}
        self._names.check(self._next("radio", actual)["radio"], actual, "radio")

    def reports(self) -> list[Report]:
        coming, self.coming = self.coming, []
        return coming

    def next_report_at(self) -> float | None:
        return None


class Vector:
    """One vector, played turn by turn."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._vector = json.loads(path.read_text(encoding="utf-8"))
        self._file = folder / "phone.sqlite3"
        self._clock = ManualClock()
        self._names = Names()
        self._world = World(self._clock, self._names)
        self._fatal: str | None = None
        self._stall: dict[str, Any] = {}
        self._made = 0
        self._journal = self._open()
        self._fill_journal(self._vector["before"])
        self._agent = self._new_agent()

    def play(self) -> None:
        for number, turn in enumerate(self._vector["turns"], start=1):
            try:
                self._turn(turn)
            except AssertionError as error:
                error.add_note(f"in turn {number}: {str(turn)[:300]}")
                raise
        self._check_journal(self._vector["after"])
        self._journal.close()

    def _turn(self, turn: dict[str, Any]) -> None:
        match turn:
            case {"run": expected}:
                self._stall = turn.get("stall", {})
                self._play(expected, lambda: self._run(turn.get("crash_after")))
            case {"wait": expected}:
                assert self._agent.may_wait
                self._play(expected, self._agent.wait)
            case {"pair": link, "http": expected}:
                self._play(expected, lambda: self._pair(link))
            case {"advance": seconds}:
                self._clock.advance(seconds)
            case {"restart": True}:
                self._restart()
            case {"reboot": True}:
                self._clock.reboot()
                self._restart()
            case {"radio_says": reports}:
                self._world.coming += [Report(**report) for report in reports]
            case {"receive": inbound}:
                self._journal.receive(**inbound)
            case {"sim": reason}:
                self._world.is_blocked_by = reason
            case {"resume": True}:
                self._journal.resume_sims()
            case {"journal": expected}:
                self._check_journal(expected)
            case _:
                raise AssertionError("a turn that nobody understands")

    def _play(self, expected: list[dict[str, Any]], act: Callable[[], object]) -> None:
        self._world.expected = list(expected)
        act()
        assert not self._world.expected, f"did not happen: {self._world.expected}"

    def _run(self, crash_after: str | None) -> None:
        self._fatal = crash_after
        try:
            while self._agent.step().kind not in _RESTS:
                pass
            assert crash_after is None, f"never came to {crash_after}"
        except CrashError:
            self._fatal = None

    def _pair(self, link: str) -> None:
        try:
            pair(self._journal, self._world, read_invitation(link), Device())
        except PairingError:
            assert self._journal.get("token") is None

    # --- the phone ---

    def _open(self) -> Journal:
        return Journal(self._file, self._clock, ids=self._new_id)

    def _new_id(self) -> str:
        self._made += 1
        return f"a0000000-0000-4000-8000-{self._made:012d}"

    def _new_agent(self) -> Agent:
        return Agent(
            self._journal, self._world, self._world, self._clock, checkpoint=self._checkpoint
        )

    def _checkpoint(self, name: str) -> None:
        if name == self._stall.get("after"):
            self._clock.advance(self._stall["seconds"])
            self._stall = {}
        if name == self._fatal:
            raise CrashError(name)

    def _restart(self) -> None:
        self._journal.close()
        self._journal = self._open()
        self._agent = self._new_agent()

    # --- its journal ---

    def _fill_journal(self, before: dict[str, Any]) -> None:
        with sqlite3.connect(self._file) as connection:
            for key, value in before["setting"].items():
                connection.execute("INSERT INTO setting (key, value) VALUES (?, ?)", (key, value))
            for table in ("attempt", "part", "event", "pace"):
                for row in before.get(table, []):
                    columns, marks = ", ".join(row), ", ".join("?" * len(row))
                    connection.execute(
                        f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values())
                    )
        connection.close()

    def _check_journal(self, expected: dict[str, Any]) -> None:
        connection = sqlite3.connect(self._file)
        settings = dict(connection.execute("SELECT key, value FROM setting"))
        attempts = [
            {"message_id": message_id, "attempt": attempt, "state": state}
            for message_id, attempt, state in connection.execute(
                "SELECT message_id, attempt, state FROM attempt ORDER BY message_id, attempt"
            )
        ]
        events = [
            json.loads(body)
            for (body,) in connection.execute("SELECT body FROM event ORDER BY seq")
        ]
        connection.close()
        self._names.check(expected["attempts"], attempts, "journal.attempts")
        self._names.check(expected["events"], events, "journal.events")
        for key, value in expected.get("setting", {}).items():
            self._names.check(value, settings.get(key), f"journal.setting.{key}")
