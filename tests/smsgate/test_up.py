"""`make up` as a new user has it: the whole real stack, from nothing, in a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import psycopg2.extensions
import pytest

from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import environment
from smsgate.supervisor.embedded import services
from tests.smsgate.processes import (
    OtherUser,
    Up,
    needs_root,
    new_database,
    private_config,
    running_in,
    up,
    wait_until,
)

MEMORY_LIMIT = 400 * 1024 * 1024


def post(started: Up, key: str, external_id: str) -> int:
    """Post one message; the answer's status."""
    body = {
        "license__key": key,
        "external_id": external_id,
        "phone": "+48123456789",
        "message": "Hello",
    }
    request = urllib.request.Request(
        f"{started.url}/api/messages/",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def is_kept(started: Up, key: str, external_id: str) -> bool:
    request = urllib.request.Request(
        f"{started.url}/api/messages/?external_id={external_id}",
        headers={"Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        found: dict[str, Any] = json.load(response)
    return len(found["results"]) == 1


def proportional_memory(started: Up) -> int:
    """What the stack takes from the machine: pages that several share count once."""
    family = [psutil.Process(started.process.pid)]
    family += family[0].children(recursive=True)
    return sum(process.memory_full_info().pss for process in family)


def test_it_starts_from_nothing_and_finds_everything_again(data_dir: Path) -> None:
    with up(data_dir) as first:
        first.wait_until_ready()
        key = first.license_key
        assert [line for line in first.lines if line.startswith("smsgate is ready")] == [
            f"smsgate is ready: {first.url}"
        ]
        assert post(first, key, "kept") == 201
        if os.path.exists("/proc/self/smaps_rollup"):
            assert proportional_memory(first) < MEMORY_LIMIT
        assert first.stop() == 0
    assert not running_in(data_dir)

    with up(data_dir) as second:
        second.wait_until_ready()
        assert not second.said("licence key"), "keys are shown once"
        assert (data_dir / "secrets" / "metrics_token").exists(), "for Prometheus to read"
        assert is_kept(second, key, "kept")
        assert second.stop() == 0


def test_commands_beside_it_work_on_its_data_and_lead_to_it(data_dir: Path) -> None:
    def manage(*arguments: str) -> dict[str, str]:
        finished = subprocess.run(
            [sys.executable, "manage.py", *arguments, "--json"],
            cwd=PROJECT_DIR,
            env=environment(data_dir),
            capture_output=True,
            text=True,
            check=True,
        )
        assert finished.stderr == ""
        made: dict[str, str] = json.loads(finished.stdout)
        return made

    with up(data_dir) as started:
        started.wait_until_ready()
        made = manage("provision", "acme")
        assert post(started, made["license_key"], "a") == 201
        assert manage("pair", str(made["license_id"]))["link"].startswith(f"{started.url}/pair/#")
        assert started.stop() == 0


def test_another_user_starts_it_from_nothing(nobody: OtherUser, nobodys_data_dir: Path) -> None:
    with up(nobodys_data_dir, user=nobody) as started:
        started.wait_until_ready()
        assert post(started, started.license_key, "a") == 201
        assert {process.username() for process in running_in(nobodys_data_dir)} == {nobody.name}
        assert started.stop() == 0
    assert not running_in(nobodys_data_dir)


def test_what_is_killed_comes_back_and_no_accepted_message_is_lost(data_dir: Path) -> None:
    accepted: list[str] = []
    is_over = threading.Event()

    def write(started: Up, key: str, writer: int) -> None:
        for n in range(1_000_000):
            if is_over.is_set():
                return
            external_id = f"{writer}-{n}"
            if post(started, key, external_id) == 201:
                accepted.append(external_id)

    with up(data_dir, LICENSE_RATE_PER_MINUTE="0") as started:
        started.wait_until_ready()
        key = started.license_key
        writers = [threading.Thread(target=write, args=(started, key, n)) for n in range(3)]
        for thread in writers:
            thread.start()
        wait_until(lambda: len(accepted) > 30, "messages are being accepted")
        started.kill("postgres")
        before = len(accepted)
        wait_until(lambda: len(accepted) > before + 30, "the web process has reconnected")
        is_over.set()
        for thread in writers:
            thread.join()
        assert [lost for lost in accepted if not is_kept(started, key, lost)] == []

        check_log(started)

        for name in ("web", "redis", "worker"):
            started.kill(name)
        # The listening socket is the supervisor's: a request waits for the new web process.
        assert post(started, key, "after") == 201
        wait_until(lambda: all(map(started.pid_of, ("web", "redis", "worker"))), "all are back")
        assert started.stop() == 0


def check_log(started: Up) -> None:
    """Every line has one shape and tells nobody a phone number."""
    after = started.lines.index(f"smsgate is ready: {started.url}") + 1
    shape = re.compile(r"\d\d:\d\d:\d\d (up|web|worker|beat|postgres|redis) +(INFO|WARNING|ERROR) ")
    log = started.lines[after:]
    assert [line for line in log if not shape.match(line)] == []
    assert "48123456789" not in "".join(log)


def test_a_second_one_is_refused_and_one_that_was_killed_is_no_obstacle(data_dir: Path) -> None:
    with up(data_dir) as first:
        first.wait_until_ready()
        key = first.license_key
        second = Up(data_dir, PORT=str(first.port))
        assert second.result() == 1
        (line,) = second.lines
        assert str(data_dir) in line
        assert "DATA_DIR" in line
        assert post(first, key, "kept") == 201, "the first one was not disturbed"

        first.process.kill()
        first.process.wait()
        with up(data_dir) as third:
            third.wait_until_ready()
            assert is_kept(third, key, "kept")
            assert third.stop() == 0
    assert not running_in(data_dir)


@pytest.mark.parametrize("sign", ["secrets", "postgres.new-*", "postgres", "redis/redis.sock"])
def test_ctrl_c_in_the_first_start_leaves_a_folder_that_starts(data_dir: Path, sign: str) -> None:
    with up(data_dir) as first:
        wait_until(lambda: list(data_dir.glob(sign)) or first.ended, f"{sign} is there")
        first.interrupt()
        assert first.result() == 0
        assert not [line for line in first.lines if "Traceback" in line]
    assert not running_in(data_dir)
    with (
        services(private_config(data_dir)) as (database_url, _),
        contextlib.closing(psycopg2.connect(database_url)) as connection,
    ):
        assert connection.status == psycopg2.extensions.STATUS_READY


def test_ctrl_c_before_it_has_begun_ends_it_in_silence(data_dir: Path, tmp_path: Path) -> None:
    """While it imports what it needs: here a module that waits for us.

    One in Python: some interpreters (Debian's) have those in C built in, and look for no file.
    """
    (tmp_path / "socket.py").write_text("print('importing', flush=True)\ninput()\n")
    with subprocess.Popen(
        [sys.executable, "-m", "smsgate.supervisor.up"],
        cwd=PROJECT_DIR,
        env=environment(data_dir, PYTHONPATH=str(tmp_path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as starting:
        assert starting.stdout is not None
        assert starting.stderr is not None
        assert starting.stdout.readline() == "importing\n"
        starting.send_signal(signal.SIGINT)
        assert starting.stderr.read() == ""
    assert starting.returncode == -signal.SIGINT, "a shell shows 130"


def test_a_port_in_use_is_one_line(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with up(data_dir, PORT=str(port)) as refused:
            assert refused.result() == 1
    (line,) = refused.lines
    assert f"127.0.0.1:{port}" in line
    assert "already in use" in line
    assert "PORT" in line


def test_a_data_folder_of_another_version_is_one_line(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text("14\n")
    with up(data_dir) as refused:
        assert refused.result() == 1
    (line,) = refused.lines
    assert "was made by PostgreSQL 14" in line


def test_a_folder_that_may_not_be_written_is_one_line(nobody: OtherUser, data_dir: Path) -> None:
    with up(data_dir, user=nobody) as refused:
        assert refused.result() == 1
    (line,) = refused.lines
    assert str(data_dir) in line
    assert "permission denied" in line.lower()


def mounted(folder: Path, options: str) -> list[str]:
    """What to put before a command, so that it and nobody else sees a small disk in `folder`."""
    folder.mkdir()
    script = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'
    prefix = ["unshare", "--mount", "sh", "-c", script, "sh", options, str(folder)]
    if shutil.which("unshare") is None:
        pytest.skip("there is no `unshare` here to make a disk with")
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount a disk, not even root")
    return prefix


@needs_root
@pytest.mark.parametrize(
    ("options", "words"), [("size=20m", "full|no space left"), ("ro", "read-only")]
)
def test_a_disk_that_cannot_be_written_is_one_line(
    data_dir: Path, options: str, words: str
) -> None:
    with up(data_dir, before=mounted(data_dir, options)) as refused:
        assert refused.result() == 1
    (line,) = refused.lines
    assert re.search(words, line, re.IGNORECASE)


def test_given_urls_nothing_embedded_starts(data_dir: Path) -> None:
    redis_url = os.environ["REDIS_URL"]
    with (
        new_database() as database_url,
        up(data_dir, DATABASE_URL=database_url, REDIS_URL=redis_url) as started,
    ):
        started.wait_until_ready()
        assert post(started, started.license_key, "a") == 201
        for name in ("postgres", "redis"):
            assert started.pid_of(name) is None
            assert not (data_dir / name).exists()
        assert started.stop() == 0


def test_a_database_url_of_another_kind_is_one_line(data_dir: Path) -> None:
    with up(data_dir, DATABASE_URL="mysql://root:hunter2@db/x") as refused:
        assert refused.result() == 1
    (line,) = refused.lines
    assert line.startswith("smsgate: DATABASE_URL: expected postgresql://user:password@host/name")
    assert "hunter2" not in line


def test_a_database_that_does_not_answer_is_one_line(data_dir: Path) -> None:
    script = (
        "import django\n"
        "django.setup()\n"
        "from smsgate.web import startup\n"
        "try:\n"
        "    startup.wait_for_database(patience=0)\n"
        "except startup.DatabaseUnreachable as error:\n"
        "    print(error)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_DIR,
        env=environment(
            data_dir,
            DJANGO_SETTINGS_MODULE="smsgate.settings",
            DATABASE_URL="postgresql://smsgate:hunter2@127.0.0.1:1/x",
        ),
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = finished.stdout.splitlines()
    assert line.startswith('PostgreSQL does not answer: connection to server at "127.0.0.1"')
    assert line.endswith("Connection refused; is DATABASE_URL right?")
    assert "hunter2" not in finished.stdout + finished.stderr


def test_another_pepper_than_the_databases_starts_nothing(data_dir: Path) -> None:
    """A second web process with a data folder of its own would tell paired phones that they are not."""
    with new_database() as database_url:
        with up(data_dir, DATABASE_URL=database_url, PEPPER_1="the first") as first:
            first.wait_until_ready()
            assert first.stop() == 0
        with up(data_dir.with_name("other"), DATABASE_URL=database_url) as second:
            assert second.result() == 1
        words = "PEPPER_1 is not the one that the keys in this database were made with: "
        assert second.said(words)
        assert second.lines[-1].startswith("smsgate: w"), "web or worker, whichever saw it first"
        assert not second.said("Traceback")
        assert not second.said("smsgate is ready")
