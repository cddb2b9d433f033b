"""The checkers can fail: without any one of the protocol's rules a promise is broken, and seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulation.removed_rules import REMOVED, Removed
from tests.simulation.scenario import Scenario

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]

SEEDS = 200


@pytest.mark.parametrize("removed", REMOVED, ids=lambda removed: removed.rule)
def test_each_rule_is_needed(removed: Removed) -> None:
    with removed.without():
        for seed in _seeds(removed):
            found = Scenario.of(seed).problems()
            if any(problem.startswith(removed.falls) for problem in found):
                print(f"{removed.rule}: seed {seed}: {found[0]}")
                return
    pytest.fail(f"{removed.falls} held in {SEEDS} worlds without the rule")


def _seeds(removed: Removed) -> Iterator[int]:
    """The known one first."""
    yield removed.seed
    yield from (seed for seed in range(SEEDS) if seed != removed.seed)
