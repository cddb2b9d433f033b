"""Rounds of crashes under load: each kills something, and everything must come back and be right."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from phone_simulator.cli import DIED
from phone_simulator.options import DIE_POINTS
from tests.crash.checks import (
    accepted_is_kept,
    accounted,
    nothing_is_guessed,
    nothing_is_surprised,
    sent_at_most_once,
)
from tests.crash.clients import Client, Ledger
from tests.crash.listeners import Listeners
from tests.crash.stack import CHILDREN, PATIENCE, PhoneProcess, Stack, drain, running
from tests.smsgate.processes import wait_until

CLIENTS = 4
PAUSE = 0.4  # seconds between two messages of a client: what the phones can send meanwhile
KILLS_A_SUPERVISOR = 2  # of the same child; it rests longer after each, and gives up in the end
DRAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Crash:
    victim: str
    point: str  # "at random", or the name of a place in the process `where`
    where: str = ""

    def __str__(self) -> str:
        place = f"{self.point} in {self.where}" if self.where else self.point
        return f"{self.victim} {place}"


CRASHES = [
    *(Crash(child, "at random") for child in CHILDREN),
    *(Crash("web", point, "web") for point in ("in transaction", "before commit", "after commit")),
    *(Crash("postgres", point, "web") for point in ("in transaction", "before commit")),
    Crash("redis", "after commit", "web"),
    *(
        Crash("worker", point, "worker")
        for point in ("in transaction", "before commit", "after commit")
    ),
    Crash("phone", "at random"),
    *(Crash("phone", point, "phone") for point in DIE_POINTS),
    Crash("up", "at random"),
    Crash("everything", "at random"),
]


class Rounds:
    def __init__(self, stack: Stack, seed: int) -> None:
        self.stack = stack
        self.ledger = Ledger()
        self.listeners = Listeners(stack, seed)
        self._chance = random.Random(f"crash {seed}")
        self._kills: Counter[str] = Counter()

    @contextmanager
    def load(self) -> Iterator[None]:
        """Clients post, phones send and programs listen, whatever happens inside."""
        self.listeners.start()
        for number in range(2):
            self.stack.pair(PhoneProcess(self.stack.folder, f"phone-{number}"))
        for phone in self.stack.phones:
            phone.start()
        clients = [
            Client(number, self.stack.port, self.stack.license_key, self.ledger, pause=PAUSE)
            for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        try:
            yield
        finally:
            for client in clients:
                client.stop()
        for client in clients:
            client.join(PATIENCE)

    def play(self, crash: Crash) -> list[str]:
        """Kill, wait until all is well again, look; answers what is wrong."""
        time.sleep(self._chance.uniform(0, 0.5))
        self._hurt(crash)
        self._heal()
        accepted = len(self.ledger.accepted)
        sent = self._sent()
        wait_until(lambda: len(self.ledger.accepted) > accepted, "messages are taken", PATIENCE)
        wait_until(lambda: self._sent() > sent, "messages are sent", PATIENCE)
        return [*accepted_is_kept(self.stack, self.ledger), *sent_at_most_once(self.stack)]

    def end(self) -> tuple[str, list[str]]:
        """Let the phones say all that they know; answers the sum in words, and what is wrong."""
        drain(self.stack.phones, DRAIN_SECONDS)
        self.listeners.drain(DRAIN_SECONDS)
        words, wrong = accounted(self.stack)
        words += f"; {len(set(self.listeners.feed.seen))} events"
        wrong += self.listeners.wrong()
        wrong += accepted_is_kept(self.stack, self.ledger)
        wrong += sent_at_most_once(self.stack)
        wrong += nothing_is_guessed(self.stack)
        wrong += nothing_is_surprised(self.stack)
        return words, wrong

    def draw(self) -> Crash:
        return self._chance.choice(CRASHES)

    def _sent(self) -> int:
        return sum(phone.starts().total() for phone in self.stack.phones)

    def _hurt(self, crash: Crash) -> None:
        match crash.victim:
            case "phone":
                self._hurt_phone(crash)
            case "up":
                self.stack.kill_supervisor()
            case "everything":
                self.stack.kill_everything()
            case child if crash.point == "at random":
                self.stack.kill(child)
            case child:
                if not self.stack.kill_at(child, crash.where, crash.point, patience=15):
                    self.stack.kill(child)
        self._kills[crash.victim] += 1

    def _hurt_phone(self, crash: Crash) -> None:
        phone = self._chance.choice(self.stack.phones)
        phone.kill()
        if crash.point != "at random":
            phone.start("--die-after", crash.point)
            assert phone.wait(PATIENCE) == DIED
        phone.start()

    def _heal(self) -> None:
        """What an operator would do: start again what is not there."""
        assert self.stack.up is not None
        if self.stack.up.ended:
            self._kills.clear()
            self.stack.start()
        elif max(self._kills.values()) >= KILLS_A_SUPERVISOR:
            self._kills.clear()
            self.stack.restart()
        for phone in self.stack.phones:
            if phone.process is None or phone.process.poll() is not None:
                phone.start()
        wait_until(
            lambda: all(map(self.stack.pid_of, CHILDREN)), "all processes are there", PATIENCE
        )


def play(
    folder: Path, port: int, count: int, seed: int, show: Callable[[int, Crash], None]
) -> tuple[str, list[str]]:
    """So many rounds; stops at the first that shows something wrong."""
    with running(Stack(folder, port)) as stack:
        rounds = Rounds(stack, seed)
        with rounds.load():
            for number in range(1, count + 1):
                crash = rounds.draw()
                show(number, crash)
                if wrong := rounds.play(crash):
                    return f"round {number}: {crash}", wrong
        return rounds.end()
