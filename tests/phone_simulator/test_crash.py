"""A real process, killed at each step of a message's life and started again."""

from pathlib import Path

import pytest

from phone_simulator.cli import DIED
from phone_simulator.lock import only_one
from phone_simulator.options import DIE_POINTS
from tests.phone_simulator.fake_server import CODE, FakeServer, served
from tests.phone_simulator.program import Program
from tests.phone_simulator.test_faults import what_is_lost

# A death before the radio call sends nothing for the message that it hits, one after it sends it.
SENT = {"claim": 3, "reply": 3, "accept": 3, "journal": 2, "radio": 3, "result": 3}


@pytest.mark.parametrize("point", DIE_POINTS)
def test_a_killed_phone_neither_repeats_nor_loses(point: str, tmp_path: Path) -> None:
    server, phone = FakeServer(), Program(tmp_path)
    for text in ("one", "x" * 200, "three"):
        server.add(text)
    with served(server) as url:
        assert phone("pair", f"{url}/pair/#{CODE}").returncode == 0
        # Slow enough for a lease to outlive the second that a busy machine takes to start it again.
        assert phone.run("--speed", "60", "--die-after", point).returncode == DIED
        ended = phone.run("--speed", "60")
        assert ended.returncode == 0, ended.stderr
    assert len(phone.starts()) == SENT[point]
    assert set(phone.starts().values()) == {1}
    assert what_is_lost(server) == []
    status = phone.status()
    assert (status["held"], status["started"], status["unreported"]) == (0, 0, 0)


def test_a_bad_network_neither_repeats_nor_loses(tmp_path: Path) -> None:
    server, phone = FakeServer(), Program(tmp_path)
    for number in range(8):
        server.add(f"message {number}")
    faults = ["--lose-requests", "0.2", "--lose-replies", "0.2", "--duplicate", "0.2"]
    faults += ["--cut", "0.1", "--reorder", "--skew", "-315360000", "--seed", "3"]
    with served(server) as url:
        phone("pair", f"{url}/pair/#{CODE}")
        ended = phone.run(*faults)
    assert ended.returncode == 0, ended.stderr
    assert phone.starts() == {(number, 1): 1 for number in range(1, 9)}
    assert what_is_lost(server) == []


def test_one_journal_is_one_running_phone(tmp_path: Path) -> None:
    phone = Program(tmp_path)
    with only_one(phone.journal):
        ended = phone.run()
    assert ended.returncode == 1
    assert "another phone is running" in ended.stderr
