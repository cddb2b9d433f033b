"""`make failover`: the database's primary dies, moves or vanishes while programs post and phones send.

After each it must take writes again within half a minute, with nothing lost, nothing sent twice, and
nothing restarted by hand. Last a standby takes over that has not received the last moments: messages are
lost then, and still none is sent twice.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":  # what is imported below asks for settings, but for none of these
    os.environ |= {"SECRET_KEY": "failover", "PEPPER_1": "failover"}
    os.environ |= {"REDIS_URL": "redis://127.0.0.1:1"}
    os.environ["DATABASE_URL"] = "postgresql:///none?host=/nowhere"

from smsgate.operations.sandbox import free_port
from tests.crash.checks import accepted_is_kept, accounted, nothing_is_guessed, sent_at_most_once
from tests.crash.clients import Client, Ledger
from tests.crash.stack import PATIENCE, PhoneProcess, Stack, drain, running
from tests.failover.cluster import Cluster, Node, cluster
from tests.smsgate.processes import wait_until
from tests.support.installs import install

CLIENTS = 8
PHONES = 2
PAUSE = 0.02  # between two posts of a client
WRITES_AGAIN = 30.0  # seconds
LAG = 1.2
CALM = 3.0


@dataclass(frozen=True)
class Fault:
    name: str
    strikes: Callable[[Cluster, Node], None]
    mends: Callable[[Node], None] = lambda node: None


FAULTS = [
    Fault("a planned switchover", lambda cluster, leader: cluster.switch_over()),
    Fault("the postmaster is killed", lambda cluster, leader: leader.kill_postmaster()),
    Fault("all of the primary is killed", lambda cluster, leader: leader.kill(), Node.start),
    Fault("the primary vanishes, and comes back", lambda cluster, leader: leader.vanish(),
          Node.come_back),
]  # fmt: skip


class Service:
    """smsgate on a cluster, with programs that never give a message up and phones that drain it."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.ledger = stack, Ledger()
        self.clients = [
            Client(number, stack.port, stack.license_key, self.ledger, pause=PAUSE)
            for number in range(CLIENTS)
        ]

    def start(self) -> None:
        for number in range(PHONES):
            self.stack.pair(PhoneProcess(self.stack.folder, f"phone-{number}"))
            self.stack.phones[-1].start()
        for client in self.clients:
            client.start()

    def accepts(self) -> int:
        return len(self.ledger.accepted)

    def seconds_until_it_accepts(self) -> float:
        """From now on. A request that waits for what is gone is no answer: ten more must come."""
        began, enough = time.monotonic(), self.accepts() + 10 * CLIENTS
        wait_until(lambda: self.accepts() >= enough, "it takes messages", PATIENCE)
        return time.monotonic() - began

    def stop(self) -> None:
        for client in self.clients:
            client.stop()
        for client in self.clients:
            client.join(PATIENCE)
        drain(self.stack.phones, 20)


def without_loss(folder: Path, faults: list[Fault]) -> list[str]:
    """Return what is wrong after each of these befell a synchronous cluster."""
    wrong: list[str] = []
    with cluster(folder / "cluster") as servers:
        stack = Stack(folder, free_port(), database=servers.url(), DATABASE_URL=servers.url())
        with running(stack):
            service = Service(stack)
            service.start()
            service.seconds_until_it_accepts()
            for fault in faults:
                time.sleep(CALM)
                leader = servers.wait_until_whole()
                fault.strikes(servers, leader)
                took = service.seconds_until_it_accepts()
                print(f"{fault.name}: writes again after {took:.1f} s", flush=True)
                if took > WRITES_AGAIN:
                    wrong.append(f"{fault.name}: no writes for {took:.1f} s")
                time.sleep(CALM)
                fault.mends(leader)
            servers.wait_until_whole()
            service.stop()
            words, lost = accounted(stack)
            print(f"{words}, of {service.accepts()} answers", flush=True)
            wrong += [*lost, *accepted_is_kept(stack, service.ledger)]
            wrong += [*sent_at_most_once(stack), *nothing_is_guessed(stack)]
    return wrong


def with_loss(folder: Path) -> list[str]:
    """Return what is wrong after a standby took over that was LAG behind, but for what was lost."""
    with cluster(folder / "cluster", is_synchronous=False) as servers:
        stack = Stack(folder, free_port(), database=servers.url(), DATABASE_URL=servers.url())
        with running(stack):
            service = Service(stack)
            service.start()
            service.seconds_until_it_accepts()
            time.sleep(CALM)
            leader = servers.wait_until_whole()
            leader.for_standby.freeze()
            time.sleep(LAG)
            leader.kill()
            took = service.seconds_until_it_accepts()
            time.sleep(CALM)
            said = [line for line in stack.log if "went back in time" in line]
            service.stop()
            rows = {external_id for _, external_id, _ in stack.rows()}
            lost = len(service.ledger.accepted.keys() - rows)
            words, _ = accounted(stack)
            print(
                f"a standby that was {LAG} s behind took over: writes again after {took:.1f} s,"
                f" {lost} of {service.accepts()} lost; {words}",
                flush=True,
            )
            wrong = list(sent_at_most_once(stack))
            if lost and not said:
                wrong.append("nothing was noticed")
            if not lost:
                wrong.append("nothing was lost: this shows nothing")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="make failover", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a death and a loss only")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing is left running
    install("support/install_from_debian.sh", "etcd", "etcd-server")
    faults = FAULTS[2:3] if options.short else FAULTS
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="failover-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for story in ("safe", "behind"):
            (folder / story).mkdir()
        wrong += without_loss(folder / "safe", faults)
        wrong += with_loss(folder / "behind")
    print(f"{len(wrong)} violations")
    print("\n".join(wrong[:20]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
