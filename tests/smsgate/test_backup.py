"""`make backup` and `make restore`, with the real service and the real phone: nothing is sent twice."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tarfile
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from messaging.services.restore import MESSAGE_IDS
from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import environment, free_port
from tests.smsgate.processes import Up, running_in, up


def command(data_dir: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT_DIR,
        env=environment(data_dir, **environ),
        capture_output=True,
        text=True,
        check=False,
    )


def backup(data_dir: Path, file: Path) -> None:
    finished = command(data_dir, "-m", "smsgate.operations.backup", str(file))
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == str(file)
    assert finished.stderr == "", "nobody watches: no bar"


def restore(data_dir: Path, file: Path, *more: str) -> str:
    finished = command(data_dir, "-m", "smsgate.operations.backup", "--restore", str(file), *more)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


class Program:
    """A program that posts messages, and the phone that sends them, over restores."""

    def __init__(self, folder: Path, started: Up) -> None:
        self.folder = folder
        self.url = started.url
        self.license_key = started.license_key
        self.phone("pair", json.loads(started.manage("pair", "1", "--json"))["link"])

    def phone(self, *arguments: str, code: int = 0) -> None:
        journal = ("--journal", str(self.folder / "phone.sqlite3"))
        finished = command(self.folder, "-m", "phone_simulator", *arguments, *journal)
        assert finished.returncode == code, finished.stdout + finished.stderr

    def run_phone(self, *arguments: str, code: int = 0) -> None:
        outbox = ("--outbox", str(self.folder / "outbox"), "--speed", "200", "--until-idle")
        self.phone("run", *outbox, *arguments, code=code)

    def sent(self) -> Counter[str]:
        """How often each text went to the radio."""
        lines = (self.folder / "outbox").read_text().splitlines()
        return Counter(json.loads(line)["text"] for line in lines)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.license_key}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def post(self, text: str, **fields: Any) -> int:
        body = {"phone": "+48123456789", "message": text, "external_id": text, **fields}
        return int(self.call("POST", "/api/messages/", body)["id"])

    def statuses(self) -> dict[str, str]:
        found = self.call("GET", "/api/messages/")["results"]
        return {one["message"]: one["status"] for one in found}


def test_a_restore_of_an_older_state_sends_nothing_twice(data_dir: Path, tmp_path: Path) -> None:
    file, elsewhere, port = tmp_path / "b.tar", data_dir.with_name("new"), str(free_port())
    with up(data_dir, PORT=port) as old:
        old.wait_until_ready()
        program = Program(tmp_path, old)
        program.post("delivered before")
        program.run_phone()
        for text in ("sent since", "held since"):
            program.post(text)
        program.post("code", on_uncertain="resend")
        program.post("next year", send_after="2099-01-01T00:00:00Z")
        backup(data_dir, file)
        # What the backup does not know: one is sent, all are acknowledged and forgotten …
        program.run_phone("--die-after", "radio:1", code=86)
        program.run_phone()
        program.post("accepted since")
        program.post("held at the end")
        program.run_phone("--die-after", "accept:1", code=86)  # … and two are in the phone's hands
        assert old.stop() == 0
    before = program.sent()
    assert before["sent since"] == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with tarfile.open(file) as tar:
        assert {member.mode for member in tar} == {0o600}, "unpacked by hand it is private too"

    said = restore(elsewhere, file)
    assert "2 messages may have been sent since" in said
    assert "1 go again" in said
    assert "1 are not due yet" in said
    with up(elsewhere, PORT=port) as new:
        new.wait_until_ready()
        assert not new.said("licence key"), "it is no first start"
        assert program.statuses() == {
            "delivered before": "delivered", "sent since": "uncertain", "held since": "uncertain",
            "code": "pending", "next year": "pending",
        }  # fmt: skip
        assert program.post("new") > MESSAGE_IDS
        program.run_phone()
        after = program.sent()
        assert after - before == Counter({"new": 1, "code": 1})
        assert program.statuses()["new"] == "delivered"
        # Its owner decides, and the phone, which knew an attempt 1 of it, takes the new one.
        (doubtful,) = program.call("GET", "/api/messages/?external_id=held%20since")["results"]
        program.call("POST", f"/api/messages/{doubtful['id']}/resolve/", {"as": "again"})
        program.run_phone()
        assert program.sent() - after == Counter({"held since": 1})
        assert new.stop() == 0


def test_a_stopped_service_moves_and_nothing_is_held(data_dir: Path, tmp_path: Path) -> None:
    file, elsewhere, port = tmp_path / "b.tar", data_dir.with_name("new"), str(free_port())
    with up(data_dir, PORT=port) as old:
        old.wait_until_ready()
        program = Program(tmp_path, old)
        program.post("waiting")
        assert old.stop() == 0
    (data_dir / "secrets" / "tls.pem").write_text("what phones trust")
    for name in ("p12", "password"):
        (data_dir / "secrets" / f"apk-keystore.{name}").write_text("what signs the app")
    backup(data_dir, file)
    assert not running_in(data_dir)
    restore(elsewhere, file, "--moved")
    signing = ("apk-keystore.p12", "apk-keystore.password")
    for name in ("pepper_1", "secret_key", "tls.pem", *signing):
        assert (elsewhere / "secrets" / name).read_text() == (
            data_dir / "secrets" / name
        ).read_text()
    with up(elsewhere, PORT=port) as new:
        new.wait_until_ready()
        assert program.statuses() == {"waiting": "pending"}
        program.run_phone()
        assert program.sent() == {"waiting": 1}
        assert new.stop() == 0


def broken(kind: str, file: Path) -> None:
    if kind == "cut":
        with tarfile.open(file, "w") as tar:
            tar.add(PROJECT_DIR / "README.md", "manifest.json")
        os.truncate(file, 700)
    elif kind == "of something else":
        with tarfile.open(file, "w") as tar:
            tar.add(PROJECT_DIR / "README.md", "README.md")
    elif kind == "no tar":
        file.write_text("hello")
    elif kind == "of links":
        with tarfile.open(file, "w") as tar:
            for name in ("manifest.json", "database.dump"):
                member = tarfile.TarInfo(name)
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
                tar.addfile(member)
    elif kind == "no dump":
        with tarfile.open(file, "w") as tar:
            tar.add(PROJECT_DIR / "README.md", "manifest.json")
            tar.add(PROJECT_DIR / "README.md", "database.dump")


@pytest.mark.parametrize(
    "kind", ["cut", "of something else", "of links", "no tar", "no dump", "missing"]
)
def test_what_is_no_backup_is_one_line_and_leaves_nothing(
    data_dir: Path, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / "b.tar"
    broken(kind, file)
    finished = command(data_dir, "-m", "smsgate.operations.backup", "--restore", str(file))
    assert finished.returncode == 1
    (line,) = finished.stderr.splitlines()
    assert line.startswith("smsgate: ")
    assert not (data_dir / "postgres").exists()
    assert not (data_dir / "restoring").exists()
    assert not running_in(data_dir)


def test_data_that_is_there_is_never_restored_over(data_dir: Path, tmp_path: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    finished = command(
        data_dir, "-m", "smsgate.operations.backup", "--restore", str(tmp_path / "b.tar")
    )
    assert finished.returncode == 1
    assert "choose an empty DATA_DIR" in finished.stderr


def test_an_empty_folder_has_nothing_to_back_up(data_dir: Path, tmp_path: Path) -> None:
    finished = command(data_dir, "-m", "smsgate.operations.backup", str(tmp_path / "b.tar"))
    assert finished.returncode == 1
    assert finished.stderr == f"smsgate: there is no data in {data_dir}\n"
    assert list(tmp_path.iterdir()) == []
