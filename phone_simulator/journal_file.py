"""The journal's file: opened, checked and brought to the newest version, or set aside."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from phone_simulator.sql import SCHEMA

_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class JournalError(Exception):
    """The journal could not be read or written (disk full, for one): nothing may start."""


class JournalNewerError(JournalError):
    """The file was written by a newer version of the phone, whose tables this one does not know."""


class JournalCorruptError(JournalError):
    """The file is not a sound database."""

    stopped = "journal_corrupt"


class JournalCopiedError(JournalCorruptError):
    """The file is a copy: the original may have sent, since, what this one still holds."""

    stopped = "journal_copied"


class JournalFile:
    """`max_pages` fakes a full disk; `schema` has the steps that bring a file to their last version."""

    def __init__(
        self, path: Path, max_pages: int | None = None, schema: Sequence[str] = SCHEMA
    ) -> None:
        self.path = path
        self._max_pages = max_pages
        self._schema = schema

    def open(self) -> sqlite3.Connection:
        """Return the journal, ready for use. Raises JournalError."""
        try:
            self.path.touch(mode=0o600)  # the token is in it; SQLite's side files follow its mode
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=5)
            connection.row_factory = sqlite3.Row
            with ExitStack() as on_error:
                on_error.callback(connection.close)
                self._make_ready(connection)
                on_error.pop_all()
        except (sqlite3.Error, OSError) as error:
            raise translated(error) from error
        return connection

    def move_aside(self) -> Path:
        """Rename the file with its side files; return its new name."""
        number = 1
        while (aside := Path(f"{self.path}.aside-{number}")).exists():
            number += 1
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
        return aside

    def _make_ready(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise JournalCorruptError(verdict)
        self._upgrade(connection)
        self._check_identity(connection)
        if self._max_pages is not None:
            connection.execute(f"PRAGMA max_page_count = {self._max_pages:d}")

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        """Bring the tables to the newest version: all steps that are missing, or none of them."""
        if not self._missing_steps(connection):
            return
        with transaction(connection):
            for step in self._missing_steps(connection):  # fewer, if another program was first
                for statement in step.split(";"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(self._schema)}")

    def _missing_steps(self, connection: sqlite3.Connection) -> Sequence[str]:
        """Return the steps after the file's version. Raises JournalNewerError."""
        version, newest = connection.execute("PRAGMA user_version").fetchone()[0], len(self._schema)
        if version > newest:
            raise JournalNewerError(
                "it was written by a newer version of the phone (journal version "
                f"{version}, this one knows {newest}): run that version"
            )
        return self._schema[version:]

    def _check_identity(self, connection: sqlite3.Connection) -> None:
        """Raise JournalCopiedError for a backup put back, or a second phone made from the first.

        Known by the file's number on its disk. (The Android agent keeps its token under a hardware
        key, which no copy has.)
        """
        number = str(self.path.stat().st_ino)
        connection.execute("INSERT OR IGNORE INTO setting VALUES ('file', ?)", (number,))
        known = connection.execute("SELECT value FROM setting WHERE key = 'file'").fetchone()[0]
        if known != number:
            raise JournalCopiedError(f"{self.path} is a copy of a journal")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing, begun as a writer; after it the disk has it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have rolled back by itself already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def translated(error: sqlite3.Error | OSError) -> JournalError:
    """Return the same error in the journal's terms."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return JournalCorruptError(str(error)) if code in _BROKEN else JournalError(str(error))
