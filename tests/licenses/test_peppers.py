"""Another pepper than the one that keys were made with: nothing that reads keys starts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from licenses import peppers
from licenses.models import PepperCheck
from licenses.peppers import WrongPepper

pytestmark = pytest.mark.django_db


def test_the_first_start_notes_its_pepper_and_the_next_knows_it(settings: Any) -> None:
    peppers.check()
    assert not PepperCheck.objects.exists()
    for _ in range(2):
        peppers.check_and_note()
    assert [row.version for row in PepperCheck.objects.all()] == [1]
    assert settings.PEPPERS[1] not in PepperCheck.objects.get().digest


@pytest.mark.parametrize("check", [peppers.check, peppers.check_and_note])
def test_another_pepper_is_refused_by_name_and_nothing_is_noted(check: Any, settings: Any) -> None:
    peppers.check_and_note()
    before = list(PepperCheck.objects.values_list())
    settings.PEPPERS = {1: "another", 2: "new"}
    words = (
        "PEPPER_1 is not the one that the keys in this database were made with: give this process"
    )
    with pytest.raises(WrongPepper, match=re.escape(words)) as refused:
        check()
    assert "secrets/pepper_1" in str(refused.value)
    assert "another" not in str(refused.value)
    assert list(PepperCheck.objects.values_list()) == before


def test_a_new_pepper_beside_the_old_one_is_noted_and_then_missed(settings: Any) -> None:
    peppers.check_and_note()
    first = dict(settings.PEPPERS)
    settings.PEPPERS = first | {2: "new"}
    peppers.check_and_note()
    peppers.check()
    settings.PEPPERS = first
    with pytest.raises(WrongPepper, match=r"^PEPPER_2 is missing: "):
        peppers.check()
