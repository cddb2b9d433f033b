"""PostgreSQL checks columns of phone numbers in a way of its own, which is fast."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from messaging.models import PHONE_LENGTH, stored_phone
from messaging.phone import STORED_PHONE

_NUMBERS = st.from_regex(STORED_PHONE.replace("$", r"\Z"), fullmatch=True)
_NEARLY_NUMBERS = st.text("+0123456789 a\n", max_size=PHONE_LENGTH)


@pytest.mark.django_db
@given(_NUMBERS | _NEARLY_NUMBERS)
@example("+48600100200\n")
@example("+123456789012345")
@example("123456789")
def test_a_column_holds_what_is_a_number_and_nothing_else(text: str) -> None:
    assert stored_phone().check({"phone": text}) == bool(re.fullmatch(STORED_PHONE, text))
