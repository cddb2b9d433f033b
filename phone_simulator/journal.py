"""The phone's journal: what makes a crash harmless. The SQL is in protocol/journal.sql.

Every method is one transaction; when it returns, the disk has it. Methods that report to the server
put the event into the outbox in the same transaction as the change that it reports.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

from phone_simulator.clock import Clock
from phone_simulator.failing_sims import Pause, Refused
from phone_simulator.journal_file import (
    JournalCopiedError,
    JournalCorruptError,
    JournalFile,
    transaction,
    translated,
)
from phone_simulator.leased_message import AttemptKey, LeasedMessage
from phone_simulator.pace import Start
from phone_simulator.sms_sender import Report
from phone_simulator.sql import SCHEMA, SQL
from phone_simulator.wire import SyncReply
from protocol import NOT_THE_SIM

_REFUSED, _PAUSED = "refused_by_sim_", "paused_sim_"  # settings of each SIM

# Why a journal was set aside; its owner decides how it goes on.
SET_ASIDE = frozenset({JournalCorruptError.stopped, JournalCopiedError.stopped})


class AttemptState(StrEnum):
    """A state of an attempt, by the server's name; the value is the word in the file."""

    LEASED = "held"
    SENDING = "started"
    ANSWERED = "done"
    UNCERTAIN = "unknown"
    RELEASED = "released"


class Journal:
    """`ids` makes the UUIDs of events, claims and the install. `max_pages` fakes a full disk.

    A corrupt or copied file is set aside, unless `sets_aside` is off: then JournalCorruptError is
    raised.
    """

    def __init__(
        self,
        path: Path | str,
        clock: Clock,
        ids: Callable[[], str] = lambda: str(uuid4()),
        max_pages: int | None = None,
        *,
        sets_aside: bool = True,
        schema: Sequence[str] = SCHEMA,
    ) -> None:
        self._file = JournalFile(Path(path), max_pages, schema)
        self._clock = clock
        self._ids = ids
        self.set_aside_as: Path | None = None
        try:
            self._connection = self._file.open()
        except JournalCorruptError as error:
            if not sets_aside:
                raise
            with ExitStack() as on_error:
                on_error.callback(self.close)
                self.set_aside(error.stopped)
                on_error.pop_all()

    # --- the file ------------------------------------------------------------------------------

    def set_aside(self, stopped: str | None = JournalCorruptError.stopped) -> Path:
        """Rename the file and begin an empty one, which is a new install to the server.

        The new one is `stopped` for that reason until its owner decides. Return the old one's name.
        """
        self.close()
        self.set_aside_as = self._file.move_aside()
        self._connection = self._file.open()
        if stopped is not None:
            self.set("stopped", stopped)
        return self.set_aside_as

    def close(self) -> None:
        if hasattr(self, "_connection"):
            with suppress(sqlite3.Error):
                self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with transaction(self._connection):
                yield
        except sqlite3.Error as error:
            raise translated(error) from error

    def _do(self, name: str, **values: Any) -> int:
        return self._connection.execute(SQL[name], values).rowcount

    def _rows(self, name: str, **values: Any) -> list[Any]:
        try:
            return self._connection.execute(SQL[name], values).fetchall()
        except sqlite3.Error as error:
            raise translated(error) from error

    # --- settings ------------------------------------------------------------------------------

    def get(self, key: str) -> str | None:
        rows = self._rows("setting", key=key)
        return str(rows[0]["value"]) if rows else None

    def set(self, key: str, value: str) -> None:
        with self._transaction():
            self._do("set", key=key, value=value)

    def unset(self, key: str) -> None:
        with self._transaction():
            self._do("unset", key=key)

    def install_id(self) -> str:
        """Return what names this journal to the server; a new journal is a new install."""
        return self._get_or_make("install_id")

    def claim_id(self) -> str:
        """Return the id of the next claim, on disk before it is asked, and the same until a 200 came."""
        return self._get_or_make("claim_id")

    def _get_or_make(self, key: str) -> str:
        known = self.get(key)
        if known is None:
            known = self._ids()
            self.set(key, known)
        return known

    def store_pairing(
        self, base_url: str, device_id: int, token: str, pin: str | None = None
    ) -> None:
        """Write down a new token; release what was leased to another device of this phone."""
        with self._transaction():
            if self.get("device_id") not in {None, str(device_id)}:
                for message in self.leased():
                    self._release(message.key, "cancelled")
            for key, value in (("base_url", base_url), ("device_id", device_id), ("token", token)):
                self._do("set", key=key, value=str(value))
            if pin is None:
                self._do("unset", key="pin")
            else:
                self._do("set", key="pin", value=pin)
            self._do("unset", key="stopped")
            self._do("unset", key="sync_number")  # another server's, maybe

    # --- reading -------------------------------------------------------------------------------

    def leased(self) -> list[LeasedMessage]:
        """Return them in the order in which they go: high priority first, then by id."""
        return [LeasedMessage(**dict(row)) for row in self._rows("leased")]

    def first_started_ms(self) -> int | None:
        """Return when the oldest attempt was started that still waits for the radio's answer."""
        value = self._rows("first_started")[0]["started_ms"]
        return None if value is None else int(value)

    def outbox(self, limit: int) -> list[str]:
        """Return the oldest events, as JSON."""
        return [str(row["body"]) for row in self._rows("outbox", limit=limit)]

    def unreported(self) -> int:
        return int(self._rows("unreported")[0]["count"])

    def pace_history(self) -> list[Start]:
        return [Start(**dict(row)) for row in self._rows("pace")]

    def counts(self) -> dict[AttemptState, int]:
        """Return how many attempts are in which state."""
        return {AttemptState(row["state"]): int(row["count"]) for row in self._rows("counts")}

    # --- the life of an attempt ----------------------------------------------------------------

    def recover(self) -> tuple[list[AttemptKey], list[AttemptKey]]:
        """Return, after a start of the program, what was released and what became unknown.

        Whatever was started and not answered is unknown for ever after a crash. After a reboot the
        monotonic clock counts anew, so that every lease counts as run out.
        """
        now_ms = self._now_ms()
        rebooted = self._is_other_boot(now_ms)
        with self._transaction():
            unknown = self._give_up(not_after_ms=2**62)
            released = [message.key for message in self.leased()] if rebooted else []
            for key in released:
                self._release(key, "window_closed")
            if rebooted:
                self._do("restart_pace", now_ms=now_ms)
                for sim, pause in self.pauses().items():
                    self._do("set", key=f"{_PAUSED}{sim}", value=str(pause.rebooted(now_ms)))
            self._do("set", key="boot_id", value=self._clock.boot_id)
        return released, unknown

    def _is_other_boot(self, now_ms: int) -> bool:
        latest = max((start.at_ms for start in self.pace_history()), default=0)
        return self.get("boot_id") != self._clock.boot_id or latest > now_ms

    def accept(self, reply: SyncReply) -> int:
        """Write down everything that a sync's 200 says; return how many messages are new."""
        new = 0
        with self._transaction():
            for event_id in reply.acked:
                self._do("ack", event_id=event_id)
            for message in reply.messages:
                new += self._do("lease", **asdict(message))
                self._release_older(message)
            for message in self.leased():
                if message.message_id in reply.cancel:
                    self._release(message.key, "cancelled")
            if reply.forget:
                self._unset_of_sims(_REFUSED)
            self._do("unset", key="claim_id")
            self._do("set", key="pace_ms", value=str(int(reply.pace_seconds * 1000)))
            self._do("set", key="segments_per_minute", value=str(reply.segments_per_minute))
            if reply.sync_number is not None:
                self._do("set", key="sync_number", value=str(reply.sync_number))
            self._do("set", key="synced_at", value=self._wall_time())
            self._do("purge_acked")
            self._do("purge_parts")
        return new

    def _release_older(self, message: LeasedMessage) -> None:
        """Release older attempts that were never started: a newer one fences them off."""
        older = self._rows(
            "older_leases", message_id=message.message_id, before_attempt=message.attempt
        )
        for row in older:
            self._release((row["message_id"], row["attempt"]), "cancelled")

    def start(
        self, message: LeasedMessage, parts: int, sim: int, now_ms: int, *, keep_pace_ms: int
    ) -> bool:
        """Write down leased → sending, its event and its place in the pace; then call the radio.

        Return False where it may not be started any more.
        """
        with self._transaction():
            if self._do("start", **_at(message.key), parts=parts, sim=sim, now_ms=now_ms) != 1:
                return False
            if (pause := self.pauses().get(sim)) is not None:  # this one shows whether it is over
                self._do("set", key=f"{_PAUSED}{sim}", value=str(pause.probed(now_ms)))
            self._report("started", message.key, parts=parts)
            self._do("prune_pace", not_after_ms=now_ms - keep_pace_ms)
            self._do("note_pace", at_ms=now_ms, sim=sim, segments=parts)
        return True

    def release(self, message: LeasedMessage, code: str) -> None:
        with self._transaction():
            self._release(message.key, code)

    def _release(self, key: AttemptKey, code: str) -> None:
        if self._do("release", **_at(key)) == 1:
            self._report("released", key, code=code)

    def give_up(self, not_after_ms: int) -> list[AttemptKey]:
        """Write down sending → uncertain for all that were started then or before; return them."""
        with self._transaction():
            return self._give_up(not_after_ms)

    def _give_up(self, not_after_ms: int) -> list[AttemptKey]:
        rows = self._rows("sending", not_after_ms=not_after_ms)
        keys = [(row["message_id"], row["attempt"]) for row in rows]
        for key in keys:
            self._do("give_up", **_at(key))
            self._report("unknown", key)
        return keys

    def record(self, reports: Iterable[Report]) -> None:
        """Write down what the radio and the network said; the same report twice is passed on once.

        A report that comes after its attempt was forgotten is passed on all the same.
        """
        with self._transaction():
            for report in reports:
                key = report.message_id, report.attempt
                at = _at(key)
                rows = self._rows("route", **at)
                if rows and self._do("answer", **at, part=report.part, type=report.type) == 0:
                    continue
                self._report(
                    report.type, key, part=report.part, parts=report.parts, code=report.code
                )
                is_finished = self._do("finish", **at) == 1
                if rows:
                    self._judge_sim(rows[0]["sim"], rows[0]["phone"], report, is_finished)

    def _judge_sim(self, sim: int | None, phone: str, report: Report, is_finished: bool) -> None:
        """End a SIM's pause with a part that was sent; begin one with attempts that failed whole."""
        if sim is None:  # started by an earlier version of this program
            return
        if report.type != "part_failed":
            self._resume(str(sim))
            return
        at = _at((report.message_id, report.attempt))
        if not is_finished or report.code in NOT_THE_SIM or not self._rows("is_refused", **at):
            return
        refused = Refused.read(self.get(f"{_REFUSED}{sim}")).once_more(phone)
        if sim in self.pauses():
            return
        if refused.is_enough:
            self._do("unset", key=f"{_REFUSED}{sim}")
            self._do("set", key=f"{_PAUSED}{sim}", value=str(Pause.begin(self._now_ms())))
        else:
            self._do("set", key=f"{_REFUSED}{sim}", value=str(refused))

    def _resume(self, sim: str) -> None:
        for prefix in (_REFUSED, _PAUSED):
            self._do("unset", key=f"{prefix}{sim}")

    def resume_sims(self) -> None:
        """End all pauses: the owner wants these SIMs tried again."""
        with self._transaction():
            for prefix in (_REFUSED, _PAUSED):
                self._unset_of_sims(prefix)

    def _unset_of_sims(self, prefix: str) -> None:
        for row in self._rows("settings_of_sims", prefix=prefix):
            self._do("unset", key=row["key"])

    def pauses(self) -> dict[int, Pause]:
        """Return the SIMs that are paused since they cannot send."""
        rows = self._rows("settings_of_sims", prefix=_PAUSED)
        return {int(row["key"].removeprefix(_PAUSED)): Pause.read(row["value"]) for row in rows}

    def receive(
        self,
        sender: str,
        text: str,
        sim: int | None,
        event_id: str | None = None,
        sent_time: str | None = None,
    ) -> None:
        """Put an inbound SMS into the outbox. Whoever may hand it over twice gives it an id.

        `sent_time` is the network's, in ISO 8601.
        """
        event_id = event_id or self._ids()
        sms: dict[str, Any] = {"sender": _clean(sender), "text": _clean(text), "sim": sim}
        if sent_time is not None:
            sms["sent_time"] = sent_time
        with self._transaction():
            self._do("receive", event_id=event_id, body=self._body(event_id, "received", sms))

    def _report(self, type_: str, key: AttemptKey, **fields: Any) -> None:
        event_id, at = self._ids(), _at(key)
        self._do("report", event_id=event_id, **at, body=self._body(event_id, type_, at | fields))

    def _body(self, event_id: str, type_: str, fields: dict[str, Any]) -> str:
        event = {"event_id": event_id, "type": type_, "wall_time": self._wall_time()}
        return json.dumps(event | fields, ensure_ascii=False, separators=(",", ":"))

    def _now_ms(self) -> int:
        return int(self._clock.monotonic() * 1000)

    def _wall_time(self) -> str:
        return self._clock.wall().isoformat(timespec="milliseconds")


def _at(key: AttemptKey) -> dict[str, int]:
    return {"message_id": key[0], "attempt": key[1]}


def _clean(text: str) -> str:
    """Replace half emojis and NULs, for which the server would refuse the call again and again."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
