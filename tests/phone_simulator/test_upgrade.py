"""A journal of an older version is brought to the newest, and one of a newer version is refused."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

import protocol
from phone_simulator.clock import ManualClock
from phone_simulator.journal import AttemptState, Journal
from phone_simulator.journal_file import JournalError, JournalNewerError
from phone_simulator.sql import SCHEMA
from tests.phone_simulator.fake_server import FakeServer
from tests.phone_simulator.world import Phone

# A version that no phone has yet: a new column, and every row written anew.
NEXT = """ALTER TABLE attempt ADD COLUMN of_later TEXT;
UPDATE attempt SET of_later = 'from version ' || 1;
CREATE INDEX attempt_state ON attempt (state)"""
BROKEN = "ALTER TABLE attempt ADD COLUMN of_later TEXT; UPDATE no_such_table SET of_later = 1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of version 1 in the middle of its work."""
    file = tmp_path / "phone.sqlite3"
    connection = sqlite3.connect(file)
    connection.executescript((protocol.FOLDER / "vectors/journal_1.sql").read_text("utf-8"))
    connection.close()
    return file


def tables(file: Path) -> list[tuple[str, ...]]:
    """What a file's tables and indexes are; the text of a statement may say it otherwise."""
    connection = sqlite3.connect(file)
    names = connection.execute("SELECT type, name FROM sqlite_master ORDER BY name").fetchall()
    columns = [
        (name, *map(str, row[1:]))
        for _, name in names
        for row in connection.execute(f"SELECT * FROM pragma_table_info('{name}')")
    ]
    version = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return [*names, *columns, tuple(map(str, version))]


@pytest.mark.parametrize("schema", [SCHEMA, [*SCHEMA, NEXT]], ids=["newest", "next"])
def test_an_upgraded_journal_has_the_tables_of_a_new_one(
    path: Path, tmp_path: Path, schema: list[str]
) -> None:
    Journal(path, ManualClock(), schema=schema).close()
    Journal(tmp_path / "new.sqlite3", ManualClock(), schema=schema).close()
    assert tables(path) == tables(tmp_path / "new.sqlite3")


@pytest.mark.parametrize("schema", [SCHEMA, [*SCHEMA, NEXT]], ids=["newest", "next"])
def test_a_phone_goes_on_with_the_journal_of_version_1(path: Path, schema: list[str]) -> None:
    server = FakeServer(token="token-of-version-1", last_id=3)
    phone = Phone(path, server, paired=False, schema=schema)
    assert phone.journal.counts() == dict.fromkeys(
        (AttemptState.LEASED, AttemptState.SENDING, AttemptState.ANSWERED), 1
    )
    assert [message.start_before_ms for message in phone.journal.leased()] == [1_600_000]
    assert phone.journal.unreported() == 3
    server.add("fourth")
    phone.run()
    assert phone.starts == {(3, 2): 1, (4, 1): 1}, "1 and 2 went out before the upgrade"
    assert [server.types(message_id) for message_id in (1, 2)] == [
        ["part_sent"],
        ["started", "unknown"],
    ]
    assert server.types(3) == ["started", "part_sent", "part_delivered"]
    assert [event["text"] for event in server.events.values() if event["type"] == "received"] == [
        "STOP"
    ]
    assert phone.journal.unreported() == 0
    phone.journal.close()


def test_an_upgrade_is_made_once(path: Path) -> None:
    for _ in range(2):
        Journal(path, ManualClock(), schema=[*SCHEMA, NEXT]).close()
    assert tables(path)[-1] == (str(len(SCHEMA) + 1),)


def test_a_step_that_fails_changes_nothing(path: Path, tmp_path: Path) -> None:
    before = tmp_path / "before.sqlite3"
    shutil.copy(path, before)
    with pytest.raises(JournalError, match="no_such_table"):
        Journal(path, ManualClock(), schema=[*SCHEMA, BROKEN])
    assert tables(path) == tables(before)
    journal = Journal(path, ManualClock())
    assert len(journal.leased()) == 1
    journal.close()


def test_a_newer_journal_is_refused_and_left_alone(path: Path, tmp_path: Path) -> None:
    Journal(path, ManualClock(), schema=[*SCHEMA, NEXT]).close()
    before = path.read_bytes()
    with pytest.raises(JournalNewerError, match=r"newer version of the phone \(journal version"):
        Journal(path, ManualClock())
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir() if "aside" in file.name] == []
