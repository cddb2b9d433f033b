"""The journal itself refuses a start after the lease, whatever its caller believes."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

from phone_simulator.clock import ManualClock
from phone_simulator.journal import Journal
from phone_simulator.leased_message import LeasedMessage
from phone_simulator.wire import SyncReply


def test_a_leased_message_comes_back_from_the_journal_with_every_field(tmp_path: Path) -> None:
    message = LeasedMessage(1, 2, "+48500000001", "hello", 1, 7, start_before_ms=600_000)
    assert all(astuple(message)), "give a field that is new a value that is not its default"
    journal = Journal(tmp_path / "phone.sqlite3", ManualClock(start=0))
    journal.accept(SyncReply([], [message], [], False, 60, 10, 24))
    assert journal.leased() == [message]
    journal.close()


def test_a_lease_is_checked_in_the_transaction_of_the_start(tmp_path: Path) -> None:
    clock = ManualClock(start=0)
    journal = Journal(tmp_path / "phone.sqlite3", clock)
    message = LeasedMessage(1, 1, "+48500000001", "hello", None, 0, start_before_ms=600_000)
    journal.accept(SyncReply([], [message], [], False, 60, 10, 24))
    assert not journal.start(message, 1, 0, 600_000, keep_pace_ms=60_000)
    assert journal.leased() == [message]
    assert (journal.unreported(), journal.pace_history()) == (0, [])
    assert journal.start(message, 1, 0, 599_999, keep_pace_ms=60_000)
    assert not journal.start(message, 1, 0, 599_999, keep_pace_ms=60_000)
    journal.close()
