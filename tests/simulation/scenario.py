"""A scenario: a seed and the actions drawn from it. Runs, judges, and shrinks what fails."""

from __future__ import annotations

import random
import tempfile
import traceback
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from django.db import transaction

from tests.phone_simulator.world import MEMORY
from tests.simulation import actions
from tests.simulation.checks import violations
from tests.simulation.history import History
from tests.simulation.world import BUSY_SECONDS, MONTH, World


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
    has_sequel: bool = True  # a month later some calls come once more

    @classmethod
    def of(
        cls,
        seed: int,
        only: Collection[str] = (),
        *,
        has_sequel: bool = True,
        with_losses: bool = False,
    ) -> Scenario:
        """`only`: the names of the actions to draw from; none given, from all.

        `with_losses`: the database goes back in time now and then.
        """
        chance = random.Random(f"scenario {seed}")
        drawn_from = actions.WEIGHTS_WITH_LOSSES if with_losses else actions.WEIGHTS
        weighed = {
            action.__name__: weight
            for action, weight in drawn_from.items()
            if not only or action.__name__ in only
        }
        names, weights = list(weighed), list(weighed.values())
        count = chance.randint(8, 40)
        # Things come together: a fault matters to a phone that has something to send.
        minutes = [chance.uniform(1, BUSY_SECONDS - 60) for _ in range(1 + count // 6)]
        return cls(
            seed,
            tuple(
                Planned(at, chance.choices(names, weights)[0], chance.getrandbits(32))
                for at in sorted(
                    chance.choice(minutes) + chance.uniform(0, 60) for _ in range(count)
                )
            ),
            has_sequel,
        )

    def run(self, skew: float = 0.0) -> History:
        """Play it against the real server, in a transaction that is undone afterwards."""
        with tempfile.TemporaryDirectory(dir=MEMORY) as phones, transaction.atomic():
            world = World(self.seed, Path(phones), skew)
            try:
                self._play(world)
            finally:
                world.close()
                transaction.set_rollback(True)
        return world.history

    def _play(self, world: World) -> None:
        for planned in self.planned:
            act, chance = actions.BY_NAME[planned.name], random.Random(planned.seed)
            world.at(planned.at, lambda act=act, chance=chance: act(world, chance))  # type: ignore[misc]
        world.advance(BUSY_SECONDS)
        world.rest()
        if self.has_sequel:  # and nothing may move
            world.now += MONTH
            actions.old_calls_come_again(world, random.Random(self.seed))
            world.rest()
        world.end()

    def problems(self) -> list[str]:
        """What is wrong with its history, or how the world came to a sudden end; [] if all is well."""
        try:
            return violations(self.run())
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(where.filename).name}:{where.lineno}"
            return [f"crash: {type(error).__name__} at {place}: {error}"]

    def shrunk(self, fails: Callable[[Scenario], bool]) -> Scenario:
        """The fewest actions that still fail: pieces are left out, halves first, then single ones."""
        planned, size = self.planned, len(self.planned) // 2
        while size > 0:
            start = 0
            while start < len(planned):
                fewer = replace(self, planned=planned[:start] + planned[start + size :])
                if fails(fewer):
                    planned = fewer.planned
                else:
                    start += size
            size //= 2
        return replace(self, planned=planned)


def report(scenario: Scenario, found: list[str]) -> str:
    """What went wrong, the smallest scenario that shows it, and how to see it again."""
    kind = found[0].split(":")[0]
    small = scenario.shrunk(lambda fewer: any(p.startswith(kind) for p in fewer.problems()))
    wrong = small.problems()
    lines = [
        f"seed {scenario.seed}: {len(found)} violations; replay: make sim SEED={scenario.seed}",
        *found[:10],
        f"the fewest of its {len(scenario.planned)} actions with {kind}:",
        *map(str, small.planned),
        *wrong[:5],
    ]
    if kind != "crash":
        lines += ["the history of these:", *map(str, small.run().entries)]
    return "\n".join(lines)
