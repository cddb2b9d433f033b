"""The journal itself refuses a start after the lease, whatever its caller believes."""

from __future__ import annotations

from pathlib import Path

from phone.clock import ManualClock
from phone.journal import Journal
from phone.wire import Order, SyncReply


def test_a_lease_is_checked_in_the_transaction_of_the_start(tmp_path: Path) -> None:
    clock = ManualClock(start=0)
    journal = Journal(tmp_path / "phone.sqlite3", clock)
    order = Order(1, 1, "+48500000001", "hello", None, 0, start_within_seconds=600)
    journal.accept(SyncReply([], [order], [], False, 60, 10, 24), asked_at_ms=0)
    (held,) = journal.held()
    assert not journal.start(held, 1, 0, 600_000, keep_pace_ms=60_000)
    assert journal.held() == [held]
    assert (journal.unreported(), journal.pace_history()) == (0, [])
    assert journal.start(held, 1, 0, 599_999, keep_pace_ms=60_000)
    assert not journal.start(held, 1, 0, 599_999, keep_pace_ms=60_000)
    journal.close()
