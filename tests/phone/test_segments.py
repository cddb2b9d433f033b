"""The phone counts parts by itself; it has to come to the server's numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.segments import segment
from phone.segments import count_parts

ALPHABET = "aé\n€^{ąż漢😀"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 153, 3),  # an escape does not straddle two parts
        ("ż" * 70, 1),
        ("ż" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),  # a surrogate pair does not straddle two parts
    ],
)
def test_it_counts_parts(text: str, parts: int) -> None:
    assert count_parts(text) == parts


@given(st.lists(st.tuples(st.sampled_from(ALPHABET), st.integers(1, 170)), max_size=6))
def test_it_agrees_with_the_server(runs: list[tuple[str, int]]) -> None:
    text = "".join(character * times for character, times in runs)
    assert count_parts(text) == segment(text).parts
