"""A snapshot of PostgreSQL's folder is put back below a service that nobody tells."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from smsgate.operations.sandbox import free_port
from tests.crash.checks import sent_at_most_once
from tests.crash.stack import PhoneProcess, Stack, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def call(stack: Stack, method: str, path: str, body: Any = None) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
    headers = {"Authorization": f"Bearer {stack.license_key}", "Content-Type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def post(stack: Stack, name: str) -> int:
    message = {"external_id": name, "phone": "+48500000001", "message": "x"}
    return int(call(stack, "POST", "/api/messages/", message)["id"])


def copy(folder: Path, to: Path) -> None:
    """With its owner, whom PostgreSQL insists on."""
    subprocess.run(["cp", "--archive", folder, to], check=True)


def test_what_was_sent_since_the_snapshot_is_held(tmp_path: Path) -> None:
    stack = Stack(tmp_path, free_port(), WEB_PROCESSES="1")
    postgres, snapshot = stack.data_dir / "postgres", tmp_path / "snapshot"
    with running(stack):
        phone = PhoneProcess(tmp_path, "phone")
        stack.pair(phone)
        first = post(stack, "before")
        assert stack.up is not None
        stack.up.stop()
        copy(postgres, snapshot)
        stack.start()
        lost = post(stack, "after")
        phone.drain(30)
        phone.wait(60)
        assert {message_id for message_id, _ in phone.starts()} == {first, lost}
        stack.up.stop()
        shutil.rmtree(postgres)
        snapshot.rename(postgres)
        stack.start()
        later = post(stack, "later")
        assert later > lost, "its number was given again"
        phone.drain(30)
        phone.wait(60)
        rows = {external_id: status for _, external_id, status in stack.rows()}
        assert rows == {"before": "uncertain", "later": "delivered"}
        assert not list(sent_at_most_once(stack))
        assert any("gone back in time" in line for line in stack.log)
        ready = call(stack, "GET", "/readyz/")
        assert ready["database"] == "went back in time"
