"""A few crashes of those that `make crash ROUNDS=100` draws, and a short load."""

from __future__ import annotations

from pathlib import Path

import pytest

from smsgate.operations.sandbox import free_port
from tests.crash import load
from tests.crash.rounds import Crash, Rounds
from tests.crash.stack import Stack, running

pytestmark = pytest.mark.timeout(300)

_QUICK = [
    Crash("web", "after commit", "web"),
    Crash("postgres", "in transaction", "web"),
    Crash("phone", "journal", "phone"),
    Crash("everything", "at random"),
]


def test_no_crash_loses_or_repeats(tmp_path: Path) -> None:
    with running(Stack(tmp_path, free_port())) as stack:
        rounds = Rounds(stack, seed=0)
        with rounds.load():
            for crash in _QUICK:
                assert rounds.play(crash) == [], crash
        _, wrong = rounds.end()
        assert wrong == []


def test_a_restart_of_the_database_under_load_loses_nothing(tmp_path: Path) -> None:
    ledger, _, wrong = load.play(load.embedded, tmp_path, free_port(), seconds=4)
    assert wrong == []
    assert set(ledger.answers) <= {"201", "503", "429", "no answer"}
    assert ledger.answers["201"] > 0
