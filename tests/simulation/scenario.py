"""A scenario: a seed and the actions drawn from it. Runs, judges, and shrinks what fails."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from http_api import redis
from tests.simulation import actions
from tests.simulation.checks import violations
from tests.simulation.history import History
from tests.simulation.world import BUSY_SECONDS, MONTH, World

_MEMORY = Path("/dev/shm")  # journals sync at every step: where there is one, to a disk in memory


@dataclass(frozen=True, slots=True)
class Planned:
    """An action, when it happens, and the seed of its own chances."""

    at: float
    name: str
    seed: int

    def __str__(self) -> str:
        return f"{self.at:7.0f} s  {self.name}"


@dataclass(frozen=True, slots=True)
class Scenario:
    seed: int
    planned: tuple[Planned, ...]

    @classmethod
    def of(cls, seed: int) -> Scenario:
        chance = random.Random(f"scenario {seed}")
        names = [action.__name__ for action in actions.WEIGHTS]
        weights = list(actions.WEIGHTS.values())
        count = chance.randint(15, 60)
        return cls(
            seed,
            tuple(
                Planned(at, chance.choices(names, weights)[0], chance.getrandbits(32))
                for at in sorted(chance.uniform(1, BUSY_SECONDS) for _ in range(count))
            ),
        )

    def run(self, skew: float = 0.0) -> History:
        """Play it against the real server, in a transaction that is undone afterwards."""
        folder = _MEMORY if _MEMORY.is_dir() else None
        with tempfile.TemporaryDirectory(dir=folder) as phones, transaction.atomic():
            world = World(self.seed, Path(phones), skew)
            try:
                self._play(world)
            finally:
                redis._resting_until = 0.0
                world.close()
                transaction.set_rollback(True)
        return world.history

    def _play(self, world: World) -> None:
        for planned in self.planned:
            act, chance = actions.BY_NAME[planned.name], random.Random(planned.seed)
            world.at(planned.at, lambda act=act, chance=chance: act(world, chance))  # type: ignore[misc]
        world.advance(BUSY_SECONDS)
        world.rest()
        # A month later some calls come once more, and nothing may move.
        world.now += MONTH
        actions.old_calls_come_again(world, random.Random(self.seed))
        world.rest()
        world.end()

    def shrunk(self, fails: Callable[[Scenario], bool]) -> Scenario:
        """The fewest actions that still fail: pieces are left out, halves first, then single ones."""
        planned, size = self.planned, len(self.planned) // 2
        while size > 0:
            start = 0
            while start < len(planned):
                fewer = Scenario(self.seed, planned[:start] + planned[start + size :])
                if fails(fewer):
                    planned = fewer.planned
                else:
                    start += size
            size //= 2
        return Scenario(self.seed, planned)


def problems(scenario: Scenario) -> list[str]:
    return violations(scenario.run())


def report(scenario: Scenario, found: list[str]) -> str:
    """What went wrong, the smallest scenario that shows it, and how to see it again."""
    kind = found[0].split(":")[0]
    small = scenario.shrunk(lambda fewer: any(p.startswith(kind) for p in problems(fewer)))
    history = small.run()
    wrong = violations(history)
    lines = [
        f"seed {scenario.seed}: {len(found)} violations; replay with: make sim SEED={scenario.seed}",
        *found[:10],
        f"the smallest scenario with {kind}:",
        *map(str, small.planned),
        *wrong[:5],
        "its history:",
        *(
            f"{entry}"
            for entry in history.entries
            if type(entry).__name__ not in {"Peeked", "Inbox"}
        ),
    ]
    return "\n".join(lines)
