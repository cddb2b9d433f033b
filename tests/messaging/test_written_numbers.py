"""A number is found however it is written, and not within a longer one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.written_numbers import WrittenNumber

POLISH = WrittenNumber("+48733914275")
SEPARATORS = st.sampled_from(["", " ", "-", ".", "\u00a0"])


@given(
    st.sampled_from(["", "+48", "0048", "48", "0", "+48 ", "(48)", "+48-"]),
    st.lists(SEPARATORS, min_size=8, max_size=8),
    st.sampled_from(["", "tel. ", "to=", "x", '["', "\n"]),
    st.sampled_from(["", ".", " mob", '"]', "\n", "x"]),
)
def test_it_is_found_in_each_way_to_write_it(
    code: str, between: list[str], before: str, after: str
) -> None:
    digits = "".join(a + b for a, b in zip("733914275", [*between, ""], strict=True))
    assert POLISH.is_in(f"{before}{code}{digits}{after}")


@given(st.text("0123456789", max_size=12), st.text("0123456789", max_size=12))
def test_within_other_digits_it_is_another_number(before: str, after: str) -> None:
    text = f"{before}733914275{after}"
    assert POLISH.is_in(text) == (not after and before in {"", "0", "48", "0048"})


def test_both_spellings_of_a_number_are_one() -> None:
    number = WrittenNumber("+525512345678")
    assert number.is_in("+5215512345678")
    assert {"+525512345678", "+5215512345678"} <= number.phones


@pytest.mark.parametrize("phone", ["+4673391", "+881612345678", "+999123456789"])
def test_a_short_or_odd_number_is_found_with_its_code_alone(phone: str) -> None:
    number = WrittenNumber(phone)
    assert number.is_in(f"call {phone}!")
    assert not number.is_in("call 73391!")


def test_json_is_left_as_it_is_but_for_what_holds_it() -> None:
    given = {"a": ["+48 733 914 275", "x"], "b": {"733914275": 1}, "n": 733914275, "t": "text"}
    assert POLISH.is_in_any(given)
    assert POLISH.without(given, frozenset({"text"})) == {
        "a": ["", "x"], "b": {}, "n": "", "t": "",
    }  # fmt: skip
    assert not POLISH.is_in_any({"a": [1, 2.5, None, True], "b": "73391427"})
    assert POLISH.without({"a": None, "b": True, "c": 1.5}) == {"a": None, "b": True, "c": 1.5}
