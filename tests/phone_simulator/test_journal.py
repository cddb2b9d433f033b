"""What the phone does when its memory fails it."""

import shutil
import sqlite3
from pathlib import Path

from phone_simulator.leased_message import LeasedMessage
from phone_simulator.sms_sender import Report
from phone_simulator.step import StepKind
from phone_simulator.wire import MAX_REQUEST_BYTES, SyncReply, encode
from tests.phone_simulator.fake_server import TOKEN, FakeServer
from tests.phone_simulator.world import Phone


def test_a_corrupt_journal_is_set_aside_and_sending_stops(tmp_path: Path) -> None:
    server, path = FakeServer(), tmp_path / "phone.sqlite3"
    phone = Phone(path, server)
    phone.journal.close()
    path.write_bytes(b"not a database" * 1000)
    server.add()
    phone.restart()
    assert phone.journal.set_aside_as is not None
    assert phone.journal.set_aside_as.read_bytes().startswith(b"not a database")
    assert phone.steps() == [StepKind.STOPPED]
    phone.restart()
    assert phone.steps() == [StepKind.STOPPED], "it is its owner who decides, not a restart"
    assert not phone.sent
    phone.journal.close()


def test_a_copy_of_a_journal_sends_nothing(tmp_path: Path) -> None:
    """A backup put back, or a phone that was doubled: the original may have sent it since."""
    server, path, backup = FakeServer(), tmp_path / "phone.sqlite3", tmp_path / "backup"
    phone = Phone(path, server)
    for _ in range(2):
        server.add()
    phone.steps()  # one is sent, one is held
    phone.journal.close()
    shutil.copy(path, backup)
    doubled = Phone(backup, server, paired=False)
    assert doubled.steps() == [StepKind.STOPPED]
    assert doubled.journal.get("stopped") == "journal_copied"
    assert doubled.journal.unreported() == 0, "it gives nothing back that the original may send"
    phone.restart()
    phone.run()
    assert phone.starts == {(1, 1): 1, (2, 1): 1}
    phone.journal.close()
    doubled.journal.close()


def test_what_cannot_be_written_is_not_started(tmp_path: Path) -> None:
    server = FakeServer()
    phone = Phone(tmp_path / "phone.sqlite3", server)
    server.add()
    server.add()
    phone.steps()
    assert len(phone.sent) == 1
    with sqlite3.connect(tmp_path / "phone.sqlite3") as blocker:
        # As a full disk does: every write fails, and reading goes on.
        blocker.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON attempt BEGIN SELECT raise(ABORT, 'full'); END"
        )
        blocker.commit()
        phone.clock.advance(10)
        assert phone.steps()[-1] is StepKind.JOURNAL_FAILED
        assert len(phone.sent) == 1
        blocker.execute("DROP TRIGGER full")
        blocker.commit()
    blocker.close()
    phone.run()
    assert phone.starts == {(1, 1): 1, (2, 1): 1}
    phone.journal.close()


def test_the_radios_word_is_not_lost_while_the_disk_is_full(tmp_path: Path) -> None:
    server = FakeServer()
    phone = Phone(tmp_path / "phone.sqlite3", server)
    server.add()
    phone.steps()
    with sqlite3.connect(tmp_path / "phone.sqlite3") as blocker:
        blocker.execute(
            "CREATE TRIGGER full BEFORE INSERT ON part BEGIN SELECT raise(ABORT, 'full'); END"
        )
        blocker.commit()
        phone.clock.advance(5)
        assert phone.steps() == [StepKind.JOURNAL_FAILED]
        blocker.execute("DROP TRIGGER full")
        blocker.commit()
    blocker.close()
    phone.run()
    assert server.types(1) == ["started", "part_sent", "part_delivered"]
    phone.journal.close()


def test_a_word_of_the_radio_is_reported_once(tmp_path: Path) -> None:
    server = FakeServer()
    phone = Phone(tmp_path / "phone.sqlite3", server)
    report = Report(server.add(), 1, 1, 1, "part_sent")
    phone.steps()
    phone.journal.record([report, report])
    phone.journal.record([report])
    assert phone.journal.unreported() == 2, "started and part_sent"
    phone.journal.close()


def test_another_server_gets_nothing_of_this_one(tmp_path: Path) -> None:
    server = FakeServer()
    server.add()
    server.add()
    phone = Phone(tmp_path / "phone.sqlite3", server)
    phone.steps()
    assert [message.message_id for message in phone.journal.leased()] == [2]
    phone.journal.store_pairing("http://server.example", 8, TOKEN)
    assert phone.journal.leased() == []
    phone.journal.close()


def test_a_call_carries_200_events_and_256_kib_at_most(tmp_path: Path) -> None:
    server = FakeServer()  # which refuses more
    phone = Phone(tmp_path / "phone.sqlite3", server)
    for number in range(450):
        phone.journal.receive("+48500000001", f"{number}: " + "ż" * 900, 0)
    phone.run()
    texts = [event["text"] for event in server.events.values()]
    assert [int(text.partition(":")[0]) for text in texts] == list(range(450))
    assert phone.journal.unreported() == 0
    phone.journal.close()


def test_a_call_fits_however_much_is_held(tmp_path: Path) -> None:
    server = FakeServer()
    phone = Phone(tmp_path / "phone.sqlite3", server)
    phone.steps()  # an empty journal's first start
    start_before_ms = int((phone.clock.monotonic() + 6000) * 1000)
    messages = [
        LeasedMessage(10**18 + n, 1, "+48500000001", "hello", None, 0, start_before_ms)
        for n in range(8000)
    ]
    phone.journal.accept(SyncReply([], messages, [], False, 60, 10, 24))
    phone.clock.advance(901)
    phone.steps()
    call = server.syncs[1]
    assert len(call["held"]) == 1000
    assert len(encode(call)) <= MAX_REQUEST_BYTES
    assert call["health"]["queue"] > 7900
    phone.journal.close()
