from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.segments import beginning, segment
from protocol import SEGMENTS


@pytest.mark.parametrize("case", SEGMENTS["cases"])
def test_it_counts_parts(case: dict[str, Any]) -> None:
    counted = segment(case["text"] * case["times"])
    assert (counted.encoding, counted.parts) == (case["encoding"], case["parts"])


@given(st.text(alphabet="ab€^ą😀", max_size=400))
def test_the_parts_are_as_few_as_can_be(text: str) -> None:
    """Against a slow reference that really cuts the text."""
    counted = segment(text)
    cost = {"€": 2, "^": 2} if counted.encoding == "gsm7" else {"😀": 2}
    single, part = (160, 153) if counted.encoding == "gsm7" else (70, 67)
    sizes = [cost.get(letter, 1) for letter in text]
    pieces = [0]
    for size in sizes:
        if pieces[-1] + size > part:
            pieces.append(0)
        pieces[-1] += size
    assert counted.parts == (1 if sum(sizes) <= single else len(pieces))
    assert (counted.encoding == "ucs2") == bool(set(text) & {"ą", "😀"})


@given(st.text(alphabet="aaab€ą😀", max_size=400), st.integers(1, 4))
def test_a_beginning_is_the_longest_that_fits(text: str, parts: int) -> None:
    fits = [n for n in range(len(text) + 1) if segment(text[:n]).parts <= parts]
    assert beginning(text, parts) == text[: max(fits)]
