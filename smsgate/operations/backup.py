"""`make backup` and `make restore`. `python -m smsgate.operations.backup [FILE]`, `… --restore FILE`

A backup is one tar: PostgreSQL's dump, the secrets without which no key works, and a manifest. It is
taken while the service runs or stands. A restore makes a whole new data folder beside the place where it
is to be, applies the rule of `manage.py after_restore` to it, and puts it there by a rename at the end:
interrupted, it has done nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from smsgate import config as configuration
from smsgate.config import PROJECT_DIR, Config, ConfigError
from smsgate.operations.progress import Progress
from smsgate.supervisor.embedded import EmbeddedError, Postgres
from smsgate.supervisor.embedded.errors import one_line
from smsgate.supervisor.pipes import pipe
from smsgate.supervisor.running import Lock, RunsAlready
from smsgate.version import VERSION

# Secrets that are not backed up: a restore creates these servers anew. All others are: the peppers,
# without which no key works, and the certificate that phones trust.
_MADE_ANEW = frozenset({"postgres_password", "postgres_admin_password", "redis_password"})
_CHUNK = 1 << 20


class BackupError(Exception):
    """Why there is no backup, or no restored folder; one line."""


def backup(config: Config, target: Path) -> None:
    """Write everything that cannot be made again into one file that only we can read."""
    draft = target.with_name(f".{target.name}.new")
    with one_line(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".smsgate-", dir=target.parent) as folder:
        dump = Path(folder) / "database.dump"
        with _database(config) as (programs, environment):
            _dump(programs, environment, dump)
        kept = sorted(set(os.listdir(config.secrets_dir)) - _MADE_ANEW)
        manifest = {"smsgate": VERSION, "made_at": int(time.time()), "secrets": kept}
        (Path(folder) / "manifest.json").write_text(json.dumps(manifest))
        with one_line(target):
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                with tarfile.open(fileobj=file, mode="w") as tar:
                    tar.add(Path(folder) / "manifest.json", "manifest.json", filter=_private)
                    tar.add(dump, "database.dump", filter=_private)
                    for name in kept:
                        tar.add(config.secrets_dir / name, f"secrets/{name}", filter=_private)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, target)


def _private(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """For its owner's eyes, also where it is unpacked by hand."""
    member.mode = 0o600
    return member


@contextmanager
def _database(config: Config) -> Iterator[tuple[Path, dict[str, str]]]:
    """PostgreSQL's programs, and what they need to find the database. Starts it where it stands."""
    postgres = Postgres(config)
    if not config.embedded_postgres:
        yield postgres.bin, libpq(config.database_url)
        return
    if not (config.postgres_dir / "PG_VERSION").exists():
        raise BackupError(f"there is no data in {config.data_dir}")
    try:
        lock = Lock(config)
    except RunsAlready:  # it runs
        yield postgres.bin, libpq(postgres.url())
        return
    with closing(lock):
        postgres.prepare()
        postgres.start()
        try:
            postgres.wait_until_ready()
            yield postgres.bin, libpq(postgres.url())
        finally:
            postgres.stop()


def libpq(url: str) -> dict[str, str]:
    """Return libpq's environment variables: everybody can read a password on a command line."""
    from psycopg2.extensions import parse_dsn

    variables = {"dbname": "PGDATABASE"}
    return {variables.get(key, f"PG{key.upper()}"): value for key, value in parse_dsn(url).items()}


def _dump(programs: Path, environment: dict[str, str], target: Path) -> None:
    progress = Progress("dumping")
    with _program(programs / "pg_dump", ["--format=custom"], environment) as process:
        source = pipe(process.stdout)
        with target.open("wb") as file:
            while chunk := source.read(_CHUNK):
                file.write(chunk)
                progress.add(len(chunk))
    progress.end()


@contextmanager
def _program(
    program: Path, arguments: list[str], environment: dict[str, str], **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """One of PostgreSQL's programs at work; raises BackupError with its word if it fails."""
    with (
        tempfile.TemporaryFile() as words,
        subprocess.Popen(
            [program, *arguments], env={**os.environ, **environment}, stderr=words,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options,
        ) as process,
    ):  # fmt: skip
        yield process
        if process.stdin is not None:
            process.stdin.close()
        if process.wait() != 0:
            words.seek(0)
            said = words.read().decode(errors="replace").strip().splitlines() or ["no word"]
            raise BackupError(f"{program.name} failed: {said[0]}")


# --- restore ---------------------------------------------------------------------------------------


def restore(config: Config, source: Path, *, is_moved: bool) -> dict[str, int]:
    """Make the data folder from a backup; answers what `after_restore` did."""
    if not config.embedded_postgres:
        raise BackupError(
            "DATABASE_URL is set: load the backup's database.dump there with pg_restore, then run"
            " manage.py after_restore (docs/operating.md)"
        )
    with closing(Lock(config)):
        if config.postgres_dir.exists():
            raise BackupError(f"there is data in {config.data_dir}: choose an empty DATA_DIR")
        draft = replace(config, data_dir=config.data_dir / "restoring")
        with one_line(draft.data_dir):
            shutil.rmtree(draft.data_dir, ignore_errors=True)
            draft.data_dir.mkdir(mode=0o700)
        try:
            _take_out(source, draft)
            held = _fill(draft, is_moved=is_moved)
            _put_in_place(draft, config)
        finally:
            shutil.rmtree(draft.data_dir, ignore_errors=True)
    return held


def _take_out(source: Path, draft: Config) -> None:
    try:
        with tarfile.open(source, mode="r:") as tar:
            members = {member.name: member for member in tar if _is_ours(member)}
            if not members.keys() >= {"manifest.json", "database.dump"}:
                raise BackupError(f"{source} is no backup of smsgate")
            draft.secrets_dir.mkdir(mode=0o700)
            for name, member in members.items():
                _write_out(tar, member, draft.data_dir / name)
    except (tarfile.TarError, EOFError):
        raise BackupError(f"{source} is no backup, or only a part of one") from None
    except OSError as error:
        raise BackupError(f"{source}: {error.strerror}") from None


def _is_ours(member: tarfile.TarInfo) -> bool:
    """Say whether it is a regular file under a name of ours, which leads nowhere else."""
    folder, _, name = member.name.rpartition("/")
    is_secret = folder == "secrets" and name not in _MADE_ANEW | {"", ".", ".."}
    return member.isreg() and (is_secret or member.name in {"manifest.json", "database.dump"})


def _write_out(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Copy the content only: nothing else of a tar is trusted, neither its modes nor its links.

    Not by extractall(filter="data"), which Python has since 3.11.4 only.
    """
    source = tar.extractfile(member)
    if source is None:
        raise BackupError(f"{member.name} is no regular file")
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source, os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(source, file, _CHUNK)


def _fill(draft: Config, *, is_moved: bool) -> dict[str, int]:
    postgres = Postgres(draft)
    postgres.prepare()
    postgres.start()
    try:
        postgres.wait_until_ready()
        _load(postgres, draft.data_dir / "database.dump")
        return _apply_rule(draft, is_moved=is_moved)
    finally:
        postgres.stop()


def _load(postgres: Postgres, dump: Path) -> None:
    progress = Progress("restoring", dump.stat().st_size)
    arguments = ["--no-owner", "--no-privileges", "--exit-on-error", "--dbname=smsgate"]
    environment = libpq(postgres.url())
    with (
        _program(postgres.bin / "pg_restore", arguments, environment) as process,
        dump.open("rb") as file,
        closing(pipe(process.stdin)) as target,
    ):
        try:
            while chunk := file.read(_CHUNK):
                target.write(chunk)
                progress.add(len(chunk))
        except BrokenPipeError:
            pass  # it gave up; it has said why
    progress.end()


def _apply_rule(draft: Config, *, is_moved: bool) -> dict[str, int]:
    finished = subprocess.run(
        [sys.executable, "manage.py", "after_restore", "--json", *(["--moved"] * is_moved)],
        cwd=PROJECT_DIR,
        env={**os.environ, "DATA_DIR": str(draft.data_dir), "LOG_LEVEL": "ERROR"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise BackupError("the restored database could not be made ready; the reason is above")
    held: dict[str, int] = json.loads(finished.stdout)
    return held


def _put_in_place(draft: Config, config: Config) -> None:
    """Move the secrets first and PostgreSQL's folder last: only with that is it a data folder."""
    with one_line(config.data_dir):
        config.secrets_dir.mkdir(mode=0o700, exist_ok=True)
        for secret in draft.secrets_dir.iterdir():
            os.replace(secret, config.secrets_dir / secret.name)
        os.rename(draft.postgres_dir, config.postgres_dir)


# --- the command ------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="smsgate.operations.backup", description="Back up, or restore."
    )
    parser.add_argument("file", nargs="?", type=Path, help="default: DATA_DIR/backups/TIME.tar")
    parser.add_argument("--restore", action="store_true")
    parser.add_argument(
        "--moved", action="store_true",
        help="nothing has run since the backup was taken: hold nothing (never true after an accident)",
    )  # fmt: skip
    options = parser.parse_args()
    try:
        config = configuration.load()
        if options.restore:
            if options.file is None:
                raise BackupError('which backup? make restore ARGS="FILE"')
            _say_restored(config, restore(config, options.file, is_moved=options.moved))
        else:
            name = time.strftime("%Y%m%d-%H%M%S.tar", time.gmtime())
            target = options.file or config.data_dir / "backups" / name
            backup(config, target.absolute())
            print(target)
    except (BackupError, ConfigError, EmbeddedError, RunsAlready) as error:
        print(f"smsgate: {error}", file=sys.stderr)
        return 1
    return 0


def _say_restored(config: Config, held: dict[str, int]) -> None:
    print(f"restored into {config.data_dir}")
    print(
        f"  {held['uncertain']} messages may have been sent since: now uncertain, yours to decide"
    )
    print(f"  {held['again']} go again, as their on_uncertain says")
    print(f"  {held['scheduled']} are not due yet and go when they are")


if __name__ == "__main__":
    sys.exit(main())
