"""`make load SECONDS=60`: 32 clients at full rate, while phones drain and PostgreSQL is restarted once.

Every 2xx must be in the database, every failure honest, nothing sent twice. With --pooler the service
reaches a PostgreSQL of its own through PgBouncer.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

if __name__ == "__main__":  # what is imported below asks for settings, but for none of these
    os.environ |= {"SECRET_KEY": "load", "PEPPER_1": "load", "REDIS_URL": "redis://127.0.0.1:1"}
    os.environ["DATABASE_URL"] = "postgresql:///none?host=/nowhere"

from smsgate.operations.sandbox import free_port
from smsgate.supervisor.embedded import Postgres
from tests.crash.checks import accepted_is_kept, accounted, nothing_is_guessed, sent_at_most_once
from tests.crash.clients import Client, Ledger
from tests.crash.stack import PATIENCE, PhoneProcess, Stack, drain, running
from tests.smsgate.processes import private_config, wait_until
from tests.support.pgbouncer import pgbouncer

CLIENTS = 32
PHONES = 2
DRAIN_SECONDS = 5.0  # the queue is far too long to be sent; what is under way ends
RATE_PER_MINUTE = 4_500  # so that a minute shows refusals as well


@contextmanager
def embedded(folder: Path, port: int, **environ: str) -> Iterator[tuple[Stack, Callable[[], None]]]:
    """Yield a running service, and what restarts its PostgreSQL."""
    with running(Stack(folder, port, None, **environ)) as stack:

        def restart() -> None:
            before = stack.pid_of("postgres")
            stack.kill("postgres", signal.SIGINT)  # as `pg_ctl restart` stops it
            gone = {None, before}
            wait_until(lambda: stack.pid_of("postgres") not in gone, "restarted", PATIENCE)

        yield stack, restart


@contextmanager
def pooled(folder: Path, port: int, **environ: str) -> Iterator[tuple[Stack, Callable[[], None]]]:
    """As `embedded`, through PgBouncer."""
    folder.chmod(0o755)
    postgres = Postgres(private_config(folder / "server"))
    postgres.prepare()
    postgres.start()
    postgres.wait_until_ready()

    def restart() -> None:
        postgres.stop()
        postgres.start()

    try:
        with pgbouncer(folder, postgres.url()) as url:
            stack = Stack(folder, port, None, database=postgres.url(), DATABASE_URL=url, **environ)
            with running(stack):
                yield stack, restart
    finally:
        postgres.stop()


Started = Callable[..., AbstractContextManager[tuple[Stack, Callable[[], None]]]]


def play(
    started: Started, folder: Path, port: int, seconds: float
) -> tuple[Ledger, str, list[str]]:
    """Answers what the clients heard, the sum in words, and what is wrong."""
    ledger = Ledger()
    with started(folder, port, LICENSE_RATE_PER_MINUTE=str(RATE_PER_MINUTE)) as (stack, restart):
        for number in range(PHONES):
            stack.pair(PhoneProcess(folder, f"phone-{number}"))
            stack.phones[-1].start()
        clients = [Client(n, port, stack.license_key, ledger) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(seconds / 2)
        restart()
        time.sleep(seconds / 2)
        for client in clients:
            client.stop()
        for client in clients:
            client.join(PATIENCE)
        drain(stack.phones, DRAIN_SECONDS)
        words, wrong = accounted(stack)
        wrong += accepted_is_kept(stack, ledger)
        wrong += sent_at_most_once(stack)
        wrong += nothing_is_guessed(stack)
        return ledger, words, wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pooler", action="store_true", help="PgBouncer before PostgreSQL")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing is left running
    port = int(os.environ.get("PORT") or free_port())
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        started = pooled if options.pooler else embedded
        ledger, words, wrong = play(started, Path(folder), port, options.seconds)
    heard = ", ".join(f"{count} × {answer}" for answer, count in sorted(ledger.answers.items()))
    pace = ledger.answers["201"] / options.seconds
    print(f"{CLIENTS} clients for {options.seconds:.0f} s: {heard} ({pace:.0f} accepted/s)")
    print(f"{words}; {len(wrong)} violations")
    print("\n".join(wrong[:20]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
