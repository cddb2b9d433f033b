"""A phone in one process: the real agent, journal and pretended SIM on a clock that we move."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from phone_simulator import runner
from phone_simulator.agent import Agent
from phone_simulator.clock import ManualClock
from phone_simulator.journal import Journal
from phone_simulator.pretended_sim import Plan, PretendedSim
from phone_simulator.sms_sender import Sms
from phone_simulator.sql import SCHEMA
from phone_simulator.step import Step, StepKind
from phone_simulator.transport import Faults, FaultyTransport, Transport
from tests.phone_simulator.fake_server import TOKEN, DirectTransport, FakeServer

# Journals sync at every step: where there is a disk in memory, to that.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


class DiedError(Exception):
    """The process was killed."""


class Phone:
    """One phone over all its lives. What its radio was told survives them, as SMS do."""

    def __init__(
        self,
        journal: Path,
        server: FakeServer,
        *,
        plan: Plan | None = None,
        faults: Faults | None = None,
        seed: int = 0,
        paired: bool = True,
        schema: Sequence[str] = SCHEMA,
    ) -> None:
        self.clock = ManualClock()
        self.sent: list[tuple[float, Sms]] = []
        self._path = journal
        self._plan = plan or Plan()
        self._transport: Transport = DirectTransport(server)
        if faults is not None:
            self._transport = FaultyTransport(
                self._transport, faults, random.Random(seed), self.clock
            )
        self._fatal: tuple[str, int] | None = None
        self._life = 0
        self._schema = schema
        self.journal = Journal(journal, self.clock, schema=schema)
        if paired:
            self.journal.store_pairing("http://server.example", 7, TOKEN)
        self._be_born()

    @property
    def starts(self) -> Counter[tuple[int, int]]:
        return Counter((sms.message_id, sms.attempt) for _, sms in self.sent)

    def run(self, seconds: float = 86_400, *, die_at: tuple[str, int] | None = None) -> Step | None:
        """Until all is done, for so many seconds at most; None if it died on the way."""
        self._fatal = die_at
        try:
            return runner.run(
                self.agent,
                self.clock,
                has_long_poll=False,
                until_idle=True,
                max_seconds=seconds,
            )
        except DiedError:
            return None

    def step(self) -> Step:
        return self.agent.step()

    def steps(self) -> list[StepKind]:
        """All there is to do at this moment."""
        done: list[StepKind] = []
        while (step := self.step()).kind not in {
            StepKind.IDLE,
            StepKind.STOPPED,
            StepKind.JOURNAL_FAILED,
        }:
            done.append(step.kind)
        return [*done, step.kind]

    def restart(self) -> None:
        self.journal.close()
        self.journal = Journal(self._path, self.clock, schema=self._schema)
        self._be_born()

    def reboot(self) -> None:
        self.clock.reboot()
        self.restart()

    def _be_born(self) -> None:
        self._life += 1
        radio = _Recorded(self.clock, self._plan, self._note)
        self.agent = Agent(
            self.journal, self._transport, radio, self.clock, checkpoint=self._checkpoint
        )

    def _note(self, sms: Sms) -> None:
        # The wall moves on over reboots, so it tells the distance between any two starts.
        self.sent.append((self.clock.wall().timestamp(), sms))

    def _checkpoint(self, name: str) -> None:
        if self._fatal is None or self._fatal[0] != name:
            return
        self._fatal = name, self._fatal[1] - 1
        if self._fatal[1] == 0:
            raise DiedError(name)


class _Recorded(PretendedSim):
    def __init__(self, clock: ManualClock, plan: Plan, note: Callable[[Sms], None]) -> None:
        super().__init__(clock, plan, sims=2)
        self._note = note

    def send(self, sms: Sms) -> None:
        self._note(sms)
        super().send(sms)
