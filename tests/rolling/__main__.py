"""`make rolling`: web processes are stopped and started under load, and no request may fail.

Clients that never try twice post messages, each by new connections or by one that is kept; phones wait;
a program reads the event stream. First two services behind HAProxy, one after the other, without its
retries and with them; then one without a balancer, by `make restart`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

if __name__ == "__main__":  # what is imported below asks for settings, but for none of these
    os.environ |= {
        "SECRET_KEY": "rolling",
        "PEPPER_1": "rolling",
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    os.environ["DATABASE_URL"] = "postgresql:///none?host=/nowhere"

import psycopg2

from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import Sandbox, environment, manage
from smsgate.supervisor.embedded import Postgres, services
from tests.rolling.clients import Connection, Ledger, Listener, at_work, polls, posts
from tests.rolling.web import Web, haproxy, start
from tests.smsgate.processes import private_config, running_in, wait_until
from tests.support.installs import install

CLIENTS = 4  # of each kind
PAUSE = 1.5  # seconds between two restarts
PATIENCE = 60.0
SECRETS = {"SECRET_KEY": "rolling", "PEPPER_1": "rolling"}
LIMITS = {"LICENSE_RATE_PER_MINUTE": "0", "DEVICE_RATE_PER_MINUTE": "0"}


def rolled(
    environ: dict[str, str], port: int, database: str, restart: Callable[[], None], rounds: int
) -> tuple[Ledger, list[str]]:
    """Restart so often while clients ask that port; return what they heard, and what is wrong."""
    ledger = Ledger()
    key = json.loads(manage(environ, "provision", "Busy", "--json"))["license_key"]
    quiet = json.loads(manage(environ, "provision", "Quiet", "--json"))["license_id"]
    with ExitStack() as clients:
        listener = Listener(port, key, ledger)
        listener.start()
        wait_until(lambda: ledger.answers["stream"], "the stream has begun", PATIENCE)
        for number in range(CLIENTS):
            for is_kept in (True, False):
                kind = "kept" if is_kept else "new"
                connection = Connection(port, key, is_kept=is_kept)
                work = posts(f"{port}-{kind}-{number}", ledger)
                clients.enter_context(at_work(ledger, kind, connection, work))
            phone = Connection(port, _paired(environ, quiet, port), is_kept=True)
            clients.enter_context(at_work(ledger, "poll", phone, polls))
        for _ in range(rounds):
            time.sleep(PAUSE)
            restart()
        time.sleep(PAUSE)
    wrong = [f"{count} × {failure}" for failure, count in ledger.failures.items()]
    wrong += _compared(database, ledger, listener)
    listener.stopping.set()
    return ledger, wrong


def _paired(environ: dict[str, str], license_id: int, port: int) -> str:
    """Return the token of a new phone."""
    link = json.loads(manage(environ, "pair", str(license_id), "--json"))
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/companion/pair/",
        json.dumps({
            "code": link["code"], "install_id": link["code"], "name": "rolling", "android": "15",
            "app_version": "1", "sims": [],
        }).encode(),
        {"Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request) as response:
        return str(json.load(response)["token"])


def _compared(database: str, ledger: Ledger, listener: Listener) -> list[str]:
    """Return what was accepted and is not there once, and of which no event came once."""
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id FROM messaging_message m JOIN licenses_license l ON l.id = license_id"
            " JOIN licenses_account a ON a.id = l.account_id WHERE a.name = 'Busy'"
        )
        kept = [external_id for (external_id,) in cursor]
    wrong = [f"lost: {one}" for one in sorted(ledger.accepted - set(kept))]
    if len(kept) != len(set(kept)):
        wrong.append(f"{len(kept) - len(set(kept))} are there twice")
    wait_until(lambda: len(listener.seen) >= len(ledger.accepted), "every event came", PATIENCE)
    if len(listener.seen) != len(set(listener.seen)):
        wrong.append("an event came twice")
    return wrong


@contextmanager
def two_services(
    folder: Path, drain_seconds: int
) -> Iterator[tuple[dict[str, str], str, list[Web]]]:
    """Yield their environment, the URL of their database and both."""
    log = folder / "log"
    config = private_config(folder / "servers")
    with ExitStack() as running, services(config, durable=False) as (database, redis):
        environ = environment(
            folder / "data", DATABASE_URL=database, REDIS_URL=redis, BIND="127.0.0.1", TLS_PORT="0",
            DRAIN_SECONDS=str(drain_seconds), LOG_LEVEL="WARNING", **SECRETS, **LIMITS,
        )  # fmt: skip
        webs = [Web(environ, log), Web(environ, log)]
        for web in webs:
            web.start()
        for module in ("smsgate.worker", "smsgate.beat"):
            process = start(module, environ, log)
            running.callback(process.wait)
            running.callback(process.terminate)
        try:
            yield environ, database, webs
        finally:
            for web in webs:
                web.stop()


def behind_a_balancer(folder: Path, rounds: int, drain_seconds: int) -> bool:
    is_well = True
    with two_services(folder, drain_seconds) as (environ, database, webs):
        turns = cycle(webs)
        for tries_again in (False, True):
            with haproxy(folder, webs, tries_again=tries_again) as port:
                ledger, wrong = rolled(
                    environ, port, database, lambda: next(turns).restart(), rounds
                )
            name = f"HAProxy, {'with' if tries_again else 'without'} retries"
            is_well &= _said(name, ledger, wrong)
    return is_well


def in_its_place(folder: Path, rounds: int) -> bool:
    """`make up`, and `make restart` beside it."""
    with (folder / "up.log").open("w") as log:
        up = Sandbox(folder / "up", log, LOG_LEVEL="WARNING", as_user=None, **LIMITS)
    try:
        up.wait_until_ready()
        ledger, wrong = rolled(
            up.environ, up.port, Postgres(private_config(up.data_dir)).url(),
            lambda: _restart(up.environ), rounds,
        )  # fmt: skip
    finally:
        up.stop()
        for process in running_in(up.data_dir):
            process.kill()
    return _said("make restart", ledger, wrong)


def _restart(environ: dict[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "smsgate.supervisor.restart"],
        cwd=PROJECT_DIR, env=environ, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _said(name: str, ledger: Ledger, wrong: list[str]) -> bool:
    asked = ", ".join(f"{count} {kind}" for kind, count in sorted(ledger.answers.items()))
    failed = sum(ledger.failures.values())
    print(f"{name}: {failed} failed of {sum(ledger.answers.values())} ({asked})", flush=True)
    print("".join(f"  {each}\n" for each in wrong[:20]), end="", flush=True)
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="make rolling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="restarts of each story")
    parser.add_argument("--drain", type=int, default=3, metavar="SECONDS")
    options = parser.parse_args()
    install("support/install_from_debian.sh", "haproxy")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing is left running
    with tempfile.TemporaryDirectory(prefix="rolling-") as name:
        folder = Path(name)
        is_well = behind_a_balancer(folder, options.rounds, options.drain)
        is_well &= in_its_place(folder, options.rounds)
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
