"""A SIM that cannot send: the contract's `sim_failing*.json` tell the story, these the rest."""

from __future__ import annotations

import pytest

from phone_simulator.failing_sims import PROBE_AFTER_MS, Pause, Refused


def refused(*numbers: str) -> Refused:
    row = Refused()
    for number in numbers:
        row = Refused.read(str(row.once_more(number)))
    return row


@pytest.mark.parametrize(
    ("numbers", "is_enough"),
    [("abcd", False), ("abcde", True), ("aaaaa", False), ("ababababab", False), ("aaabc", True)],
)
def test_five_in_a_row_to_three_numbers_are_enough(numbers: str, is_enough: bool) -> None:
    assert refused(*numbers).is_enough is is_enough


def test_no_more_numbers_are_kept_than_are_needed() -> None:
    assert refused(*"abcdefgh").numbers == ("a", "b", "c")


def test_each_probe_that_fails_makes_the_next_wait_longer() -> None:
    pause, waits = Pause.begin(0), []
    for _ in range(7):
        waits.append(pause.until_ms)
        pause = Pause.read(str(pause.probed(0)))
    assert waits == [*PROBE_AFTER_MS, PROBE_AFTER_MS[-1], PROBE_AFTER_MS[-1]]
