"""The phone's journal: what makes a crash harmless. The SQL is in journal.sql.

Every method is one transaction; when it returns, the disk has it. Methods that report to the server
put the event into the outbox in the same transaction as the change that it reports.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from phone.clock import Clock
from phone.pace import Start
from phone.radio import RadioResult
from phone.wire import SyncReply

SCHEMA_VERSION = 1

_SQL_FILE = Path(__file__).with_name("journal.sql")
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _named_statements(source: str) -> dict[str, str]:
    pieces = re.split(r"^-- name: (\w+)\n", source, flags=re.MULTILINE)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


_SQL = _named_statements(_SQL_FILE.read_text(encoding="utf-8"))


class JournalError(Exception):
    """The journal could not be read or written (disk full, for one): nothing may start."""


class JournalCorruptError(JournalError):
    """The file is not a sound database."""

    stopped = "journal_corrupt"


class JournalCopiedError(JournalCorruptError):
    """The file is a copy: the original may have sent, since, what this one still holds."""

    stopped = "journal_copied"


# Why a journal was set aside; its owner decides how it goes on.
SET_ASIDE = frozenset({JournalCorruptError.stopped, JournalCopiedError.stopped})


@dataclass(frozen=True, slots=True)
class Held:
    """A message that may still be started, until `start_before_ms`."""

    message_id: int
    attempt: int
    phone: str
    text: str
    sim: int | None
    priority: int
    start_before_ms: int


AttemptKey = tuple[int, int]  # message_id, attempt


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
    ) -> None:
        self.path = Path(path)
        self._clock = clock
        self._ids = ids
        self._max_pages = max_pages
        self.set_aside_as: Path | None = None
        try:
            self._connection = self._open()
        except JournalCorruptError as error:
            if not sets_aside:
                raise
            self.set_aside(error.stopped)

    # --- the file ------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = None
        try:
            self.path.touch(mode=0o600)  # the token is in it; SQLite's side files follow its mode
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=5)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._check(connection)
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                self._create(connection)
            self._check_identity(connection)
            if self._max_pages is not None:
                connection.execute(f"PRAGMA max_page_count = {self._max_pages:d}")
        except (sqlite3.Error, OSError) as error:
            if connection is not None:
                connection.close()
            raise _translated(error) from error
        except JournalError:
            if connection is not None:
                connection.close()
            raise
        return connection

    def _check(self, connection: sqlite3.Connection) -> None:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise JournalCorruptError(verdict)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise JournalError(f"{self.path} was written by a newer version of the phone")

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.executescript(
            f"BEGIN IMMEDIATE; {_SQL['schema']} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )

    def _check_identity(self, connection: sqlite3.Connection) -> None:
        """A backup put back, or a second phone made from the first, must not act as this phone.

        Known by the file's number on its disk. (The Android agent keeps its token under a hardware
        key, which no copy has.)
        """
        number = str(self.path.stat().st_ino)
        connection.execute("INSERT OR IGNORE INTO setting VALUES ('file', ?)", (number,))
        if (
            connection.execute("SELECT value FROM setting WHERE key = 'file'").fetchone()[0]
            != number
        ):
            raise JournalCopiedError(f"{self.path} is a copy of a journal")

    def set_aside(self, stopped: str | None = JournalCorruptError.stopped) -> Path | None:
        """Rename the file and begin an empty one, which is a new install to the server.

        The new one is `stopped` for that reason until its owner decides. Answers the new name.
        """
        self.close()
        aside = _unused_name(self.path)
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
        self._connection = self._open()
        if stopped is not None:
            self.set("stopped", stopped)
        self.set_aside_as = aside
        return aside

    def close(self) -> None:
        if hasattr(self, "_connection"):
            with suppress(sqlite3.Error):
                self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled back by itself already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _translated(error) from error

    def _do(self, name: str, **values: Any) -> int:
        return self._connection.execute(_SQL[name], values).rowcount

    def _rows(self, name: str, **values: Any) -> list[Any]:
        try:
            return self._connection.execute(_SQL[name], values).fetchall()
        except sqlite3.Error as error:
            raise _translated(error) from error

    # --- settings ------------------------------------------------------------------------------

    def get(self, key: str) -> str | None:
        rows = self._rows("setting", key=key)
        return str(rows[0][0]) if rows else None

    def set(self, key: str, value: str) -> None:
        with self._transaction():
            self._do("set", key=key, value=value)

    def unset(self, key: str) -> None:
        with self._transaction():
            self._do("unset", key=key)

    def install_id(self) -> str:
        """Names this journal to the server; a new journal is a new install."""
        return self._get_or_make("install_id")

    def claim_id(self) -> str:
        """The id of the next claim, on disk before it is asked, and the same until a 200 came."""
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
        """A new token. What was leased to another device of this phone is given back."""
        with self._transaction():
            if self.get("device_id") not in {None, str(device_id)}:
                for held in self.held():
                    self._release((held.message_id, held.attempt), "cancelled")
            for key, value in (("base_url", base_url), ("device_id", device_id), ("token", token)):
                self._do("set", key=key, value=str(value))
            if pin is None:
                self._do("unset", key="pin")
            else:
                self._do("set", key="pin", value=pin)
            self._do("unset", key="stopped")

    # --- reading -------------------------------------------------------------------------------

    def held(self) -> list[Held]:
        """In the order in which they go: high priority first, then by id."""
        return [Held(*row) for row in self._rows("held")]

    def expired(self, now_ms: int) -> list[Held]:
        return [held for held in self.held() if held.start_before_ms <= now_ms]

    def first_started_ms(self) -> int | None:
        """When the oldest attempt was started that still waits for the radio's answer."""
        value = self._rows("first_started")[0][0]
        return None if value is None else int(value)

    def outbox(self, limit: int) -> list[str]:
        """The oldest events, as JSON."""
        return [str(row[0]) for row in self._rows("outbox", limit=limit)]

    def unreported(self) -> int:
        return int(self._rows("unreported")[0][0])

    def pace_history(self) -> list[Start]:
        return [Start(*row) for row in self._rows("pace")]

    def counts(self) -> dict[str, int]:
        """How many attempts are in which state."""
        return {str(state): int(count) for state, count in self._rows("counts")}

    # --- the life of an attempt ----------------------------------------------------------------

    def recover(self) -> tuple[list[AttemptKey], list[AttemptKey]]:
        """After a start of the program: what was released, and what became unknown.

        Whatever was started and not answered is unknown for ever after a crash. After a reboot the
        monotonic clock counts anew, so that every lease counts as run out.
        """
        now_ms = self._now_ms()
        rebooted = self._is_other_boot(now_ms)
        with self._transaction():
            unknown = self._give_up(not_after_ms=2**62)
            released = [(h.message_id, h.attempt) for h in self.held()] if rebooted else []
            for key in released:
                self._release(key, "window_closed")
            if rebooted:
                self._do("restart_pace", now_ms=now_ms)
            self._do("set", key="boot_id", value=self._clock.boot_id)
        return released, unknown

    def _is_other_boot(self, now_ms: int) -> bool:
        latest = max((start.at_ms for start in self.pace_history()), default=0)
        return self.get("boot_id") != self._clock.boot_id or latest > now_ms

    def accept(self, reply: SyncReply, asked_at_ms: int) -> int:
        """Everything a sync's 200 says. Leases count from before the request.

        Answers how many messages are new.
        """
        new = 0
        with self._transaction():
            for event_id in reply.acked:
                self._do("acked", event_id=event_id)
            for order in reply.messages:
                new += self._do(
                    "hold",
                    message_id=order.message_id,
                    attempt=order.attempt,
                    phone=order.phone,
                    text=order.text,
                    sim=order.sim,
                    priority=order.priority,
                    start_before_ms=asked_at_ms + int(order.start_within_seconds * 1000),
                )
                self._release_older(order.message_id, order.attempt)
            for held in self.held():
                if held.message_id in reply.cancel:
                    self._release((held.message_id, held.attempt), "cancelled")
            self._do("unset", key="claim_id")
            self._do("set", key="pace_ms", value=str(int(reply.pace_seconds * 1000)))
            self._do("set", key="segments_per_minute", value=str(reply.segments_per_minute))
            self._do("set", key="synced_at", value=self._wall_time())
            self._do("bury")
            self._do("bury_parts")
        return new

    def _release_older(self, message_id: int, attempt: int) -> None:
        """A newer attempt fences off an older one that was never started."""
        older = self._rows("held_of", message_id=message_id, before_attempt=attempt)
        for row in older:
            self._release((row[0], row[1]), "cancelled")

    def start(self, held: Held, parts: int, sim: int, now_ms: int, *, keep_pace_ms: int) -> bool:
        """held → started, its event and its place in the pace, before the radio is called.

        False: it may not be started any more.
        """
        key = held.message_id, held.attempt
        with self._transaction():
            at = {"message_id": key[0], "attempt": key[1]}
            if self._do("start", **at, parts=parts, now_ms=now_ms) != 1:
                return False
            self._report("started", key, parts=parts)
            self._do("prune_pace", not_after_ms=now_ms - keep_pace_ms)
            self._do("note_pace", at_ms=now_ms, sim=sim, segments=parts)
        return True

    def release(self, held: Held, code: str) -> None:
        with self._transaction():
            self._release((held.message_id, held.attempt), code)

    def _release(self, key: AttemptKey, code: str) -> None:
        if self._do("release", message_id=key[0], attempt=key[1]) == 1:
            self._report("released", key, code=code)

    def give_up(self, not_after_ms: int) -> list[AttemptKey]:
        """started → unknown for all that were started then or before."""
        with self._transaction():
            return self._give_up(not_after_ms)

    def _give_up(self, not_after_ms: int) -> list[AttemptKey]:
        keys = [(row[0], row[1]) for row in self._rows("started", not_after_ms=not_after_ms)]
        for key in keys:
            self._do("give_up", message_id=key[0], attempt=key[1])
            self._report("unknown", key)
        return keys

    def record(self, results: Iterable[RadioResult]) -> None:
        """What the radio and the network said; the same word twice is reported once.

        A report that comes after its attempt was forgotten is passed on all the same.
        """
        with self._transaction():
            for result in results:
                key = result.message_id, result.attempt
                at = {"message_id": key[0], "attempt": key[1]}
                known = bool(self._rows("known", **at))
                if known and self._do("answer", **at, part=result.part, type=result.type) == 0:
                    continue
                self._report(
                    result.type, key, part=result.part, parts=result.parts, code=result.code
                )
                self._do("finish", **at)

    def receive(self, sender: str, text: str, sim: int | None, event_id: str | None = None) -> None:
        """An inbound SMS for the outbox. Whoever may hand it over twice gives it an id."""
        event_id = event_id or self._ids()
        sms = {"sender": _clean(sender), "text": _clean(text), "sim": sim}
        with self._transaction():
            self._do("receive", event_id=event_id, body=self._body(event_id, "received", sms))

    def _report(self, type_: str, key: AttemptKey, **fields: Any) -> None:
        event_id = self._ids()
        at = {"message_id": key[0], "attempt": key[1]}
        self._do("report", event_id=event_id, **at, body=self._body(event_id, type_, at | fields))

    def _body(self, event_id: str, type_: str, fields: dict[str, Any]) -> str:
        event = {"event_id": event_id, "type": type_, "wall_time": self._wall_time()}
        return json.dumps(event | fields, ensure_ascii=False, separators=(",", ":"))

    def _now_ms(self) -> int:
        return int(self._clock.monotonic() * 1000)

    def _wall_time(self) -> str:
        return self._clock.wall().isoformat(timespec="milliseconds")


def _translated(error: sqlite3.Error | OSError) -> JournalError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return JournalCorruptError(str(error)) if code in _BROKEN else JournalError(str(error))


def _clean(text: str) -> str:
    """Half an emoji, or a NUL, would make the server refuse the whole call, again and again."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _unused_name(path: Path) -> Path:
    number = 1
    while (aside := Path(f"{path}.aside-{number}")).exists():
        number += 1
    return aside
