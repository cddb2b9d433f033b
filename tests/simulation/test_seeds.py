"""A few simulated worlds; `make sim SEEDS=1000` plays more of them."""

from __future__ import annotations

import pytest

from tests.simulation.scenario import Scenario, report

pytestmark = pytest.mark.django_db

TEN_YEARS = 10 * 365 * 86_400.0


MORE = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 20)]


@pytest.mark.parametrize("seed", [*range(4), *MORE])
def test_no_fault_breaks_a_promise(seed: int) -> None:
    scenario = Scenario.of(seed)
    if found := scenario.problems():
        pytest.fail(report(scenario, found), pytrace=False)


@pytest.mark.parametrize("seed", [0, *MORE])
def test_a_database_that_goes_back_breaks_none_that_it_can_keep(seed: int) -> None:
    scenario = Scenario.of(seed, with_losses=True)
    if found := scenario.problems():
        pytest.fail(report(scenario, found), pytrace=False)


def test_the_same_seed_is_the_same_history() -> None:
    assert Scenario.of(11).run().entries == Scenario.of(11).run().entries


def test_phones_whose_clocks_are_wrong_do_just_the_same() -> None:
    """I12."""
    scenario = Scenario.of(3)
    right = scenario.run().entries
    for skew in (-TEN_YEARS, TEN_YEARS):
        assert scenario.run(skew).entries == right
