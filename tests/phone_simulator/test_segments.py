"""The phone counts parts by itself; it has to come to the server's numbers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.segments import segment
from phone_simulator.segments import count_parts
from protocol import SEGMENTS

ALPHABET = "aé\n€^{ąż漢😀"


@pytest.mark.parametrize("case", SEGMENTS["cases"])
def test_it_counts_parts(case: dict[str, Any]) -> None:
    assert count_parts(case["text"] * case["times"]) == case["parts"]


@given(st.lists(st.tuples(st.sampled_from(ALPHABET), st.integers(1, 170)), max_size=6))
def test_it_agrees_with_the_server(runs: list[tuple[str, int]]) -> None:
    text = "".join(character * times for character, times in runs)
    assert count_parts(text) == segment(text).parts
