"""The command line, as its user meets it."""

import datetime as dt
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from phone_simulator.cli import FAILED, JOURNAL_CORRUPT, MUST_PAIR, OK, main
from phone_simulator.pairing import PairingError, read_invitation
from tests.phone_simulator.fake_server import CODE, FakeServer, served

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """One command on one journal: its exit code, what it said and what it complained of."""

    def call(command: str, *arguments: str) -> tuple[int, str, str]:
        code = main([command, "--journal", str(tmp_path / "phone.sqlite3"), *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.mark.parametrize(
    ("given", "server", "expected"),
    [
        ("http://host:8000/pair/#AB-CD", None, ("http://host:8000", "AB-CD")),
        ("https://host/sms/pair#AB-CD", None, ("https://host/sms", "AB-CD")),
        ("smsgate://pair?server=https%3A%2F%2Fhost&code=AB-CD", None, ("https://host", "AB-CD")),
        ("AB-CD", "https://host/", ("https://host", "AB-CD")),
        ("http://host/pair/#AB-CD", "https://other", ("https://other", "AB-CD")),
    ],
)
def test_it_reads_links_and_codes(
    given: str, server: str | None, expected: tuple[str, str]
) -> None:
    invitation = read_invitation(given, server)
    assert (invitation.base_url, invitation.code) == expected


@pytest.mark.parametrize(
    "given", ["", "AB-CD", "http://host/pair/", "smsgate://pair?code=AB", "https:///pair/#AB"]
)
def test_it_refuses_half_a_link(given: str) -> None:
    with pytest.raises(PairingError):
        read_invitation(given)


def test_pair_run_status(run: Run, tmp_path: Path) -> None:
    server, outbox = FakeServer(), tmp_path / "sent.jsonl"
    server.add("hello")
    with served(server) as url:
        code, out, _ = run("pair", f"{url}/pair/#{CODE}", "--name", "kitchen")
        assert code == OK
        assert out.startswith(f"pairing with {url.removeprefix('http://')}\n")
        assert server.pairings[0]["name"] == "kitchen"
        fast = ("--speed", "600", "--until-idle", "--max-seconds", "30")
        code, out, _ = run("run", *fast, "--outbox", str(outbox))
        assert code == OK
    assert [line for line in out.splitlines() if "+48500000001" in line and "hello" in line]
    assert json.loads(outbox.read_text(encoding="utf-8"))["text"] == "hello"
    assert server.types(1) == ["started", "part_sent", "part_delivered"]
    code, out, _ = run("status", "--json")
    assert code == OK
    facts = json.loads(out)
    assert (facts["paired"], facts["held"], facts["unknown"]) == (True, 0, 0)
    assert dt.datetime.fromisoformat(facts["last_sync"]).tzinfo is not None


def test_an_inbound_sms_is_reported(run: Run) -> None:
    server = FakeServer()
    with served(server) as url:
        run("pair", CODE, "--server", url)
        assert run("receive", "+48500000009", "Zażółć")[0] == OK
        assert run("run", "--speed", "600", "--until-idle", "--max-seconds", "30")[0] == OK
    (event,) = server.events.values()
    assert (event["type"], event["sender"], event["text"]) == ("received", "+48500000009", "Zażółć")


def test_a_sim_that_cannot_send_is_paused_until_its_owner_resumes_it(run: Run) -> None:
    server = FakeServer()
    for _ in range(9):
        server.add()
    fast = ("--speed", "2000", "--until-idle", "--max-seconds", "30")
    with served(server) as url:
        run("pair", CODE, "--server", url)
        code, out, _ = run("run", *fast, "--fail-rate", "1")
        assert code == OK
        assert "SIM 1 cannot send: it is paused" in out
        failed = [event for event in server.events.values() if event["type"] == "part_failed"]
        assert 5 <= len(failed) < 9
        assert json.loads(run("status", "--json")[1])["paused_sims"] == [0]
        assert run("resume")[0] == OK
        assert json.loads(run("status", "--json")[1])["paused_sims"] == []
        assert run("run", *fast)[0] == OK
    sent = [event for event in server.events.values() if event["type"] == "part_sent"]
    given_back = {e["message_id"] for e in server.events.values() if e["type"] == "released"}
    assert len(failed) + len(sent) + len(given_back) == 9


def test_a_wrong_code_is_one_line(run: Run) -> None:
    with served(FakeServer()) as url:
        code, _, err = run("pair", f"{url}/pair/#WRONG")
    assert code == FAILED
    assert err.count("\n") == 1
    assert "ask for a new one" in err


def test_a_server_that_is_not_there_is_one_line(run: Run) -> None:
    with served(FakeServer()) as url:
        pass
    code, _, err = run("pair", f"{url}/pair/#{CODE}")
    assert code == FAILED
    assert err.count("\n") == 1


def test_a_revoked_phone_stops_and_says_how_to_go_on(run: Run) -> None:
    server = FakeServer()
    with served(server) as url:
        run("pair", f"{url}/pair/#{CODE}")
        server.token = "another"
        code, _, err = run("run", "--until-idle")
        assert code == MUST_PAIR
        assert "pair" in err
        asked = len(server.pairings)
        assert run("run", "--until-idle")[0] == MUST_PAIR
        assert len(server.pairings) == asked, "it never pairs again by itself"
        run("pair", f"{url}/pair/#{CODE}")
        assert run("run", "--speed", "600", "--until-idle")[0] == OK


def test_a_phone_that_was_never_paired_says_so(run: Run) -> None:
    code, _, err = run("run")
    assert code == MUST_PAIR
    assert "not paired" in err


def test_after_a_corrupt_journal_its_owner_decides(run: Run, tmp_path: Path) -> None:
    server = FakeServer()
    with served(server) as url:
        run("pair", f"{url}/pair/#{CODE}")
        (tmp_path / "phone.sqlite3").write_bytes(b"nonsense" * 1000)
        code, _, err = run("run", "--until-idle")
        assert code == JOURNAL_CORRUPT
        assert "aside" in err
        assert run("pair", f"{url}/pair/#{CODE}")[0] == FAILED, "reset comes first"
        assert run("reset")[0] == OK
        assert run("pair", f"{url}/pair/#{CODE}")[0] == OK
    first, second = (pairing["install_id"] for pairing in server.pairings)
    assert first != second, "what the old install held is doubtful, and the server is to know"


def test_a_reset_keeps_what_is_not_reported(run: Run) -> None:
    with served(FakeServer()) as url:
        run("pair", f"{url}/pair/#{CODE}")
    run("receive", "+48500000009", "hello")
    code, _, err = run("reset")
    assert code == FAILED
    assert "--force" in err
    assert run("reset", "--force")[0] == OK


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--speed", "fast", "--speed: expected a number above 0"),
        ("--max-seconds", "0", "--max-seconds: expected a number above 0"),
        ("--fail-rate", "1.5", "--fail-rate: expected a number from 0 to 1"),
        ("--sent-after", "nan", "--sent-after: expected a number, 0 or more"),
        ("--die-after", "lunch", "--die-after: must be one of claim, reply"),
        ("--die-after", "radio:0", "--die-after: the number after the colon counts from 1"),
    ],
)
def test_a_flag_of_no_use_is_one_line(
    capsys: pytest.CaptureFixture[str], flag: str, value: str, words: str
) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["run", flag, value])
    assert leaving.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("phone run: ")
    assert words in line


def test_a_journal_in_no_folder_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    nowhere = tmp_path / "none" / "phone.sqlite3"
    assert main(["run", "--journal", str(nowhere)]) == FAILED
    assert capsys.readouterr().err == f"phone: {nowhere}.lock: No such file or directory\n"


@pytest.mark.parametrize("command", [[], ["pair"], ["run"], ["status"], ["receive"], ["reset"]])
def test_there_is_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main([*command, "--help"], prog="manage.py phone")
    assert leaving.value.code == 0
    assert capsys.readouterr().out.startswith("usage: manage.py phone")


@pytest.mark.parametrize(
    "command",
    [
        ["pair", "AB-CD", "--server", "http://127.0.0.1:1"],
        ["run", "--until-idle"],
        ["status"],
        ["resume"],
        ["receive", "+48500000009", "hello"],
        ["reset"],
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("state", ["sound", "corrupt", "newer"])
def test_every_way_out_closes_the_journal(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], state: str
) -> None:
    path, opened = tmp_path / "phone.sqlite3", []
    with closing(sqlite3.connect(path)) as before:
        before.execute(f"PRAGMA user_version = {99 if state == 'newer' else 0}")
    if state == "corrupt":
        path.write_bytes(b"no database" * 100)
    connect = sqlite3.connect

    def noted(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        opened.append(connection)
        return connection

    monkeypatch.setattr(sqlite3, "connect", noted)
    run(*command)
    assert opened
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
