"""Plays the phone's contract vectors (tests/contract/README.md) on the Python phone.

`python -m tests.phone.vectors FILE…` plays files and writes into them what the phone did: for a
deliberate change of behaviour, to be reviewed in the diff.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from phone import wire
from phone.agent import Agent, Did, Step
from phone.clock import ManualClock
from phone.device import Device, pretended_sims
from phone.journal import Journal
from phone.pairing import Invitation, PairingError, pair
from phone.radio import Dispatch, RadioResult
from phone.transport import Reply, TransportError

Json = dict[str, Any]

ENDS = {Did.IDLE, Did.STOPPED, Did.JOURNAL_FAILED}
_LEFT_OUT = {"base_url", "device_id", "install_id"}
_TABLES = {
    "attempt": "SELECT * FROM attempt ORDER BY message_id, attempt",
    "part": "SELECT * FROM part ORDER BY message_id, attempt, part, type",
    "pace": "SELECT * FROM pace ORDER BY at_ms, sim",
}


class Died(BaseException):
    """The crash that a vector asked for."""


class VectorRadio:
    """Sends nothing, says what the vector lets it say."""

    def __init__(self) -> None:
        self.sends: list[Json] = []
        self.said: list[RadioResult] = []
        self.code: str | None = None

    def blocked(self, sim: int | None) -> str | None:
        return self.code

    def slot(self, sim: int | None) -> int:
        return sim or 0

    def send(self, dispatch: Dispatch) -> None:
        names = ("message_id", "attempt", "phone", "text", "parts", "sim")
        self.sends.append({name: getattr(dispatch, name) for name in names})

    def results(self) -> list[RadioResult]:
        said, self.said = self.said, []
        return said

    def next_result_at(self) -> float | None:
        return None


class VectorTransport:
    """Answers from the vector, one exchange a request, and notes what was asked."""

    def __init__(self, clock: ManualClock) -> None:
        self.exchanges: list[Json] = []
        self.requests: list[Json] = []
        self._clock = clock

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: Json | None = None,
        timeout: float = 30.0,
        give_up: Callable[[], bool] | None = None,
    ) -> Reply:
        shown = {key: value for key, value in (body or {}).items() if key != "health"}
        self.requests.append({"method": method, "path": path, "token": token, "body": shown})
        assert len(self.requests) <= len(self.exchanges), f"one request too many: {shown}"
        reply = self.exchanges[len(self.requests) - 1]["reply"]
        self._clock.advance(reply.get("after_seconds", 0))
        if reply.get("lost"):
            raise TransportError("lost")
        text = reply["text"] if "text" in reply else json.dumps(reply.get("body", {}))
        return Reply(reply["status"], text.encode(), reply.get("headers", {}))


class Player:
    """One vector on one journal file. `outcome` is the vector with what the phone did."""

    def __init__(self, vector: Json, journal: Path) -> None:
        self.outcome: Json = json.loads(json.dumps(vector))
        self._path = journal
        self._clock = ManualClock()
        self._drawn = 0
        self._radio = VectorRadio()
        self._transport = VectorTransport(self._clock)
        self._device = Device(sims=pretended_sims(vector.get("sims", 1)))
        self._die_after: str | None = None
        self._stall: tuple[str, float] | None = None
        Journal(journal, self._clock, self._draw).close()
        load(journal, vector["before"])
        self._boot()

    def play(self) -> Json:
        for step in self.outcome["steps"]:
            getattr(self, f"_do_{step['do']}")(step)
        self._journal.close()
        return self.outcome

    def _boot(self) -> None:
        self._journal = Journal(self._path, self._clock, self._draw)
        self._agent = Agent(
            self._journal,
            self._transport,
            self._radio,
            self._clock,
            device=self._device,
            checkpoint=self._checkpoint,
        )

    def _draw(self) -> str:
        self._drawn += 1
        return f"00000000-0000-4000-8000-{self._drawn:012d}"

    def _checkpoint(self, name: str) -> None:
        if self._stall is not None and self._stall[0] == name:
            self._clock.advance(self._stall[1])
        if self._die_after == name:
            raise Died

    # --- what a step of a vector may do --------------------------------------------------------

    def _do_run(self, step: Json) -> None:
        self._die_after = step.get("die_after")
        stall = step.get("stall")
        self._stall = None if stall is None else (stall["at"], stall["seconds"])
        with self._talking(step):
            step["ends"] = self._run()
        step["sends"], self._radio.sends = self._radio.sends, []
        step["after"] = dump(self._path)

    def _run(self) -> str:
        try:
            while True:
                done: Step = self._agent.step()
                if done.did in ENDS:
                    return done.did.value
        except Died:
            return "died"

    def _do_wait(self, step: Json) -> None:
        with self._talking(step):
            step["ends"] = self._agent.wait().did.value

    def _do_pair(self, step: Json) -> None:
        invitation = Invitation(step["base_url"], step["code"])
        with self._talking(step):
            try:
                pair(self._journal, self._transport, invitation, self._device)
                step["ends"] = "paired"
            except PairingError:
                step["ends"] = "refused"
        step["after"] = dump(self._path)

    @contextmanager
    def _talking(self, step: Json) -> Iterator[None]:
        exchanges = step.setdefault("exchanges", [])
        self._transport.exchanges, self._transport.requests = exchanges, []
        yield
        asked = self._transport.requests
        assert len(asked) == len(exchanges), f"{len(exchanges) - len(asked)} requests too few"
        for exchange, request in zip(exchanges, asked, strict=True):
            reply = exchange.pop("reply")
            exchange["request"], exchange["reply"] = request, reply

    def _do_advance(self, step: Json) -> None:
        self._clock.advance(step["seconds"])

    def _do_skew(self, step: Json) -> None:
        self._clock.skew(step["seconds"])

    def _do_restart(self, step: Json) -> None:
        self._journal.close()
        self._radio.said.clear()
        if step.get("reboot"):
            self._clock.reboot()
        if step.get("corrupt"):
            self._path.write_bytes(b"this is not a database " * 100)
        self._boot()

    def _do_radio(self, step: Json) -> None:
        self._radio.said += [RadioResult(**result) for result in step["says"]]

    def _do_block(self, step: Json) -> None:
        self._radio.code = step["code"]

    def _do_receive(self, step: Json) -> None:
        self._journal.receive(step["sender"], step["text"], step["sim"])

    def _do_disk(self, step: Json) -> None:
        writable = "OFF" if step["is_writable"] else "ON"
        self._journal._connection.execute(f"PRAGMA query_only = {writable}")


# --- the journal as JSON -----------------------------------------------------------------------


def load(path: Path, state: Json) -> None:
    """Put a journal's content, as a vector writes it, into an empty journal file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for key, value in state.get("setting", {}).items():
            connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (key, value))
        for table in _TABLES:
            for row in state.get(table, []):
                filled = {"phone": "", "text": ""} | row if table == "attempt" else row
                marks = ", ".join(f":{name}" for name in filled)
                connection.execute(
                    f"INSERT INTO {table} ({', '.join(filled)}) VALUES ({marks})", filled
                )
        for event in state.get("event", []):
            connection.execute(
                "INSERT INTO event (event_id, message_id, attempt, body) VALUES (?, ?, ?, ?)",
                (
                    event["event_id"],
                    event.get("message_id"),
                    event.get("attempt"),
                    wire.encode(event).decode(),
                ),
            )


def dump(path: Path) -> Json:
    """The content of a journal file: empty tables and empty columns are left out."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        settings = dict(
            connection.execute("SELECT key, value FROM setting ORDER BY key").fetchall()
        )
        state: Json = {"setting": {k: v for k, v in settings.items() if k not in _LEFT_OUT}}
        for table, query in _TABLES.items():
            rows = [dict(row) for row in connection.execute(query)]
            state[table] = [
                {name: value for name, value in row.items() if value not in (None, "")}
                for row in rows
            ]
        bodies = connection.execute("SELECT body FROM event ORDER BY seq").fetchall()
        state["event"] = [json.loads(row["body"]) for row in bodies]
    return {name: content for name, content in state.items() if content}


# --- files -------------------------------------------------------------------------------------


def same_instants(value: Any) -> Any:
    """Times compare as instants, however they are written."""
    if isinstance(value, dict):
        return {
            key: dt.datetime.fromisoformat(item).timestamp()
            if key == "wall_time"
            else same_instants(item)
            for key, item in value.items()
        }
    return [same_instants(item) for item in value] if isinstance(value, list) else value


def pretty(value: Any, indent: str = "", used: int = 0) -> str:
    """JSON with whatever fits on a line on one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(indent) + used + len(flat) <= 100:
        return flat
    deeper = indent + " "
    if isinstance(value, list):
        lines = [deeper + pretty(item, deeper) for item in value]
        return "[\n" + ",\n".join(lines) + f"\n{indent}]"
    lines = [
        f'{deeper}"{key}": ' + pretty(item, deeper, len(key) + 4) for key, item in value.items()
    ]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def play(vector: Json, folder: Path) -> Json:
    return Player(vector, folder / "journal.sqlite3").play()


def main(names: list[str]) -> None:
    for name in names:
        file = Path(name)
        with tempfile.TemporaryDirectory() as folder:
            outcome = play(json.loads(file.read_text(encoding="utf-8")), Path(folder))
        file.write_text(pretty(outcome) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
