"""The shipped phone in a simulated world: its own clock, SIM, network and lives."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from phone_simulator.agent import Agent
from phone_simulator.device import Device, pretended_sims
from phone_simulator.journal import Journal
from phone_simulator.journal_file import JournalError
from phone_simulator.pairing import Invitation, PairingError, pair
from phone_simulator.pretended_sim import Plan, PretendedSim
from phone_simulator.sms_sender import Report, Sms
from phone_simulator.step import StepKind
from phone_simulator.transport import Faults, FaultyTransport, Reply
from tests.simulation.history import Forgot, Heard, Paired, ReceivedSms, Started

if TYPE_CHECKING:
    from tests.simulation.world import Tenant, World

_AT_REST = {StepKind.IDLE, StepKind.STOPPED, StepKind.JOURNAL_FAILED}
MOST_STEPS = 2_000  # without coming to rest: the agent would be going round in circles


class KilledError(BaseException):
    """`kill -9`: nobody may catch it."""


class SimClock:
    """Counts from the phone's boot; the wall clock may be wrong by years."""

    def __init__(self, world: World, ids: Callable[[], str]) -> None:
        self._world = world
        self._ids = ids
        self.skew = 0.0
        self.reboot()

    def reboot(self) -> None:
        self.boot_id = self._ids()
        self._booted_at = self._world.now - 3.0

    def monotonic(self) -> float:
        return self._world.now - self._booted_at

    def to_world(self, monotonic: float) -> float:
        return monotonic + self._booted_at

    def wall(self) -> dt.datetime:
        return self._world.time() + dt.timedelta(seconds=self.skew)

    def sleep(self, seconds: float) -> None:
        self._world.advance(self._world.now + seconds)


class SimRadio(PretendedSim):
    """Writes each start into the history. Its chances do not depend on the messages' ids."""

    def __init__(self, phone: SimPhone, plan: Plan) -> None:
        super().__init__(phone.clock, plan, sims=2)
        self._phone = phone

    def send(self, sms: Sms) -> None:
        world = self._phone.world
        name = world.name_of(sms.message_id)
        world.history.add(
            Started(
                world.now,
                self._phone.name,
                self._phone.tenant.name,
                sms.sim,
                name,
                sms.attempt,
                sms.parts,
                world.local_time(),
                self.blocked(sms.sim) or "",
            )
        )
        super().send(replace(sms, message_id=name))

    def reports(self) -> list[Report]:
        return [
            replace(report, message_id=self._phone.world.id_of(report.message_id))
            for report in super().reports()
        ]


class NotingJournal(Journal):
    """Tells the history what the radio said once it is on the disk."""

    phone: SimPhone

    def record(self, reports: Any) -> None:
        written = list(reports)
        super().record(written)
        world = self.phone.world
        for report in written:
            world.history.add(
                Heard(
                    world.now,
                    self.phone.name,
                    self.phone.life,
                    world.name_of(report.message_id),
                    report.attempt,
                    report.type,
                    report.part,
                )
            )


class SimPhone:
    """A phone that belongs to a tenant, with everything that can befall it."""

    def __init__(self, world: World, name: str, tenant: Tenant, seed: int) -> None:
        self.world, self.name, self.tenant, self.seed = world, name, tenant, seed
        self.chance = random.Random(seed)
        self.clock = SimClock(world, self.new_id)
        self.is_instant = self.chance.random() < 0.5
        self.weather = Faults()
        self.dies_at: str | None = None  # a checkpoint of its agent
        self.pages: int | None = None  # a journal that may not grow: the disk is full
        self.device_id: int | None = None
        self._code: tuple[float | None, str] = None, ""
        self.life = 0  # counts memories, not processes
        self.is_alive = self.is_busy = self._is_doomed = False
        self._wake_number = 0
        self._folder = world.folder
        self._path = self._folder / f"{name}.sqlite3"
        self.plan = Plan(
            sent_after_seconds=self.chance.choice([0.5, 2, 9, 40]),
            delivered_after_seconds=self.chance.choice([0.5, 3, 100]),
            fail_rate=self.chance.choice([0, 0, 0.2]),
            silent_rate=self.chance.choice([0, 0, 0.2]),
            undelivered_rate=self.chance.choice([0, 0.2]),
            seed=seed,
        )

    def new_id(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    @property
    def install_id(self) -> str | None:
        """None while it is off."""
        return self.journal.get("install_id") if self.is_alive else None

    @property
    def has_work(self) -> bool:
        return self.is_alive and bool(self.journal.counts())

    # --- its life ---

    def start(self) -> None:
        """The app starts, after a crash with what its journal says."""
        if self.is_alive or self.is_busy:
            return
        try:
            self.journal = NotingJournal(self._path, self.clock, self.new_id, self.pages)
        except JournalError:  # the disk is too full to open it: later
            self.world.at(self.world.now + 60, self.start)
            return
        self.journal.phone = self
        self.radio = SimRadio(self, self.plan)
        self.agent = Agent(
            self.journal,
            self,
            self.radio,
            self.clock,
            device=Device(sims=pretended_sims(2)),
            checkpoint=self._checkpoint,
        )
        self.is_alive, self._is_doomed = True, False
        self.wake()

    def kill(self) -> None:
        """At once where it rests; where it waits for the network, when that comes back."""
        if self.is_busy:
            self._is_doomed = True
        elif self.is_alive:
            self._die()

    def _die(self) -> None:
        self.is_alive = self._is_doomed = False
        self.journal.close()

    def reboot(self, after: float) -> None:
        if self.is_busy:
            return
        self.kill()
        self.world.at(self.world.now + after, self._boot)

    def _boot(self) -> None:
        if not self.is_alive:
            self.clock.reboot()
            self.start()

    def tend(self) -> None:
        """Its owner looks after it: a phone that has to be paired is paired, in its own place.

        The same code is tried again for a while, since only the answer may have been lost.
        """
        if not self.is_alive or self.is_busy:
            return
        with self._acting(), suppress(PairingError, JournalError):
            if self.journal.get("stopped") is not None:
                self.journal.unset("stopped")
            elif self.journal.get("token") is not None:
                return
            invitation = Invitation("http://testserver", self._pairing_code())
            answer = pair(self.journal, self, invitation, Device(name=self.name))
            self.device_id = answer.device_id
            self.world.history.add(Paired(self.world.now, self.name, self.life))
        self.wake()

    def _pairing_code(self) -> str:
        made_at, code = self._code
        if made_at is None or self.world.now > made_at + 500:
            code = self.world.new_pairing_code(self.tenant, self.device_id)
            self._code = self.world.now, code
        return code

    def reinstall(self) -> None:
        """Its memory is gone; its owner pairs it anew in the place of the old install."""
        if self.is_busy:
            return
        self.kill()
        for path in self._files():
            path.unlink()
        self._forget()

    def back_up(self) -> None:
        if self.is_alive and not self.is_busy:
            for path in self._files():
                shutil.copy(path, self._folder / f"backup-{path.name}")

    def restore(self) -> None:
        """Put the backup in the place of the journal: what happened since is forgotten."""
        backups = list(self._folder.glob(f"backup-{self._path.name}*"))
        if not backups or self.is_busy:
            return
        self.kill()
        for path in self._files():
            path.rename(self._folder / f"replaced-{self.life}-{path.name}")
        for path in backups:
            shutil.copy(path, self._folder / path.name.removeprefix("backup-"))
        self._forget()

    def double(self) -> None:
        """A second phone is made from this one, with all that it holds."""
        twin = f"{self.name}'s twin"
        if not self.is_alive or any(phone.name == twin for phone in self.world.phones):
            return
        for path in self._files():
            shutil.copy(path, self._folder / path.name.replace(self.name, twin))
        self.world.add_phone(twin, self.tenant).start()

    def _files(self) -> list[Path]:
        return list(self._folder.glob(f"{self._path.name}*"))

    def _forget(self) -> None:
        self.world.history.add(Forgot(self.world.now, self.name, self.life))
        self.life += 1
        self._code = None, ""
        self.world.at(self.world.now + 90, self.start)

    # --- what it does ---

    def wake(self) -> None:
        """Everything there is to do now; then it sleeps until its next moment."""
        if not self.is_alive or self.is_busy:
            return
        with self._acting():
            step = self.agent.step()
            steps = 1
            while step.kind not in _AT_REST:
                step = self.agent.step()
                steps += 1
                assert steps < MOST_STEPS, f"{self.name} does not come to rest: {step}"
            self._sleep_until(step.wake_at)

    def _sleep_until(self, moment: float | None) -> None:
        self._wake_number += 1
        number = self._wake_number
        if moment is not None:
            at = max(self.clock.to_world(moment), self.world.now + 0.001)
            self.world.at(at, lambda: self.wake() if number == self._wake_number else None)

    @contextmanager
    def _acting(self) -> Iterator[None]:
        """Nobody else moves this phone meanwhile; it may be killed, and then starts again."""
        self.is_busy = True
        try:
            yield
        except KilledError:
            self._die()
            self.world.at(self.world.now + self.chance.choice([1, 30, 900]), self.start)
        finally:
            self.is_busy = False

    def poke(self) -> None:
        """Its long poll is answered, if it has one open."""
        if not (self.is_alive and self.is_instant) or self.is_busy:
            return
        if not self.world.messages("pending", "scheduled"):
            return
        if self.journal.get("token") is None or self.journal.get("stopped") is not None:
            return
        if not self.agent.may_wait:
            return
        with self._acting():
            self.agent.wait()
        self.wake()

    def receive(self, sender: str, text: str) -> None:
        """An SMS comes in; a phone that is off gets it from the network later."""
        if not self.is_alive or self.is_busy or self.pages is not None:
            self.world.at(self.world.now + 120, lambda: self.receive(sender, text))
            return
        self.journal.receive(sender, text, 0)
        self.world.history.add(ReceivedSms(self.world.now, self.name, self.life, sender, text))
        self.wake()

    def request(self, method: str, path: str, **arguments: Any) -> Reply:
        """Its network (a `phone_simulator.transport.Transport`), as bad as the weather."""
        line = self.world.server.line(self)
        transport = FaultyTransport(line, self.weather, self.chance, self.clock)
        try:
            return transport.request(method, path, **arguments)
        finally:
            if self._is_doomed:
                raise KilledError

    def _checkpoint(self, name: str) -> None:
        if self.dies_at == name:
            self.dies_at = None
            raise KilledError
