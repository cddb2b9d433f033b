"""A full disk, under the server's data and under the phone's journal: a small disk in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smsgate.operations.sandbox import free_port
from tests.crash.checks import accepted_is_kept, accounted, nothing_is_guessed, sent_at_most_once
from tests.crash.clients import Client, Ledger
from tests.crash.stack import PATIENCE, PhoneProcess, Stack, drain, running
from tests.smsgate.processes import is_root, wait_until

pytestmark = pytest.mark.timeout(300)


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Skips where mounting is not allowed."""
    if not is_root or sys.platform != "linux":
        pytest.skip("only root can mount a disk")
    with tempfile.TemporaryDirectory(prefix="sms-disk-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", folder]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not allowed here")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> Path:
    """Take every byte that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**20, 2**12):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return filler


def test_a_full_disk_under_the_server_loses_nothing_that_was_accepted(tmp_path: Path) -> None:
    ledger = Ledger()
    with small_disk(256) as disk, running(Stack(tmp_path, free_port(), disk / "data")) as stack:
        stack.pair(PhoneProcess(tmp_path, "phone"))
        stack.phones[0].start()
        clients = [Client(n, stack.port, stack.license_key, ledger) for n in range(4)]
        for client in clients:
            client.start()
        wait_until(lambda: len(ledger.accepted) > 20, "messages are taken", PATIENCE)
        filler = fill(disk)
        wait_until(lambda: refused(ledger) > 20, "messages are refused", PATIENCE)
        filler.unlink()
        assert stack.up is not None
        if stack.up.ended:  # it had tried often enough
            stack.start()
        accepted = len(ledger.accepted)
        wait_until(lambda: len(ledger.accepted) > accepted + 20, "taken again", PATIENCE)
        for client in clients:
            client.stop()
        for client in clients:
            client.join(PATIENCE)
        drain(stack.phones, 5)
        assert list(accepted_is_kept(stack, ledger)) == []
        assert list(sent_at_most_once(stack)) == []
        assert list(nothing_is_guessed(stack)) == []
        assert accounted(stack)[1] == []


def refused(ledger: Ledger) -> int:
    return ledger.answers["503"] + ledger.answers["no answer"]


def test_a_phone_starts_nothing_that_it_cannot_write_down(tmp_path: Path) -> None:
    """Its disk fills up while it sends; with room again it goes on where it was."""
    ledger = Ledger()
    with small_disk(2) as disk, running(Stack(tmp_path, free_port())) as stack:
        phone = PhoneProcess(tmp_path, "phone", disk / "phone.sqlite3")
        stack.pair(phone)
        phone.start()
        client = Client(0, stack.port, stack.license_key, ledger)
        client.start()
        wait_until(lambda: phone.starts().total() > 5, "it sends", PATIENCE)
        filler = fill(disk)
        wait_until(lambda: "journal failed" in phone.said(), "it has noticed", PATIENCE)
        client.stop()
        client.join(PATIENCE)
        sent = phone.starts().total()
        os.truncate(filler, 0)
        wait_until(lambda: phone.starts().total() > sent, "it sends again", PATIENCE)
        drain(stack.phones, 5)
        assert list(sent_at_most_once(stack)) == []
        assert list(nothing_is_guessed(stack)) == []
        assert list(accepted_is_kept(stack, ledger)) == []
