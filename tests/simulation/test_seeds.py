"""Simulated worlds: `make sim SEEDS=1000`, or one of them again: `make sim SEED=17`."""

from __future__ import annotations

import os

import pytest

from tests.simulation.checks import violations
from tests.simulation.scenario import Scenario, report

TEN_YEARS = 10 * 365 * 86_400.0


def _seeds() -> list[int]:
    if seed := os.environ.get("SEED"):
        return [int(seed)]
    return list(range(int(os.environ.get("SEEDS", "20"))))


@pytest.mark.django_db
@pytest.mark.parametrize("seed", _seeds())
def test_no_fault_breaks_a_promise(seed: int) -> None:
    scenario = Scenario.of(seed)
    found = violations(scenario.run())
    if found:
        pytest.fail(report(scenario, found), pytrace=False)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [seed for seed in _seeds() if seed % 10 == 0])
def test_phones_whose_clocks_are_wrong_do_just_the_same(seed: int) -> None:
    """I12. It also shows that a world depends on nothing but its seed."""
    scenario = Scenario.of(seed)
    right, early, late = (scenario.run(skew).entries for skew in (0.0, -TEN_YEARS, TEN_YEARS))
    assert right == early
    assert right == late
