from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.segments import segment


@pytest.mark.parametrize(
    ("text", "encoding", "parts"),
    [
        ("", "gsm7", 1),
        ("a" * 160, "gsm7", 1),
        ("a" * 161, "gsm7", 2),
        ("a" * 306, "gsm7", 2),
        ("a" * 307, "gsm7", 3),
        ("€" * 80, "gsm7", 1),
        ("€" * 81, "gsm7", 2),
        ("€" * 153, "gsm7", 3),  # 76 escape pairs a part: none straddles two
        ("a" * 152 + "€" * 5, "gsm7", 2),
        ("ą" * 70, "ucs2", 1),
        ("ą" * 71, "ucs2", 2),
        ("😀" * 35, "ucs2", 1),
        ("😀" * 36, "ucs2", 2),
        ("😀" * 67, "ucs2", 3),  # 33 surrogate pairs a part
        ("Zażółć gęślą jaźń", "ucs2", 1),
        ("àèéùì ÄÖÜß", "gsm7", 1),
    ],
)
def test_it_counts_parts(text: str, encoding: str, parts: int) -> None:
    counted = segment(text)
    assert (counted.encoding, counted.parts) == (encoding, parts)


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
