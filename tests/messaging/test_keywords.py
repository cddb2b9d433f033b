from __future__ import annotations

import pytest

from messaging.keywords import opt_out_intent
from messaging.personalization import MessagePersonalizationService


@pytest.mark.parametrize(
    "text", ["STOP", "stop.", " Stop!! ", "„STOP”", "ＳＴＯＰ", "Rezygnuję", "WYPISZ MNIE", "Arrêt",
             "СТОП", "stop\n", "Opt-out"],
)  # fmt: skip
def test_the_whole_message_is_a_word_of_stopping(text: str) -> None:
    assert opt_out_intent(text) == "stop"


@pytest.mark.parametrize("text", ["START", "wznów", "Zapisz!", "unstop"])
def test_or_of_starting(text: str) -> None:
    assert opt_out_intent(text) == "start"


@pytest.mark.parametrize(
    "text", ["", "!", "please stop", "stop it", "nie", "yes", "bus stop", "stop " * 50, "😀"]
)
def test_anything_else_is_an_ordinary_answer(text: str) -> None:
    assert opt_out_intent(text) is None


@pytest.mark.parametrize(
    ("template", "name", "text"),
    [
        ("Hi {name}!", "Anna", "Hi Anna!"),
        ("{name} {name}", "A", "A A"),
        ("{first} {{name}} {0}", "A", "{first} {A} {0}"),
        ("Hi {name}", "{name}", "Hi {name}"),
        ("no placeholder", "A", "no placeholder"),
    ],
)
def test_a_name_is_put_in_once(template: str, name: str, text: str) -> None:
    assert MessagePersonalizationService().render(template, name=name) == text
