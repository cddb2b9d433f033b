from __future__ import annotations

import pytest

from licenses.keywords import (
    DEFAULT_START_WORDS,
    DEFAULT_STOP_WORDS,
    Intent,
    check_words,
    opt_out_intent,
)
from messaging.personalization import MessagePersonalizationService


def by_default(text: str) -> Intent | None:
    return opt_out_intent(text, DEFAULT_STOP_WORDS, DEFAULT_START_WORDS)


@pytest.mark.parametrize(
    "text", ["STOP", "stop.", " Stop!! ", "„STOP”", "ＳＴＯＰ", "Rezygnuję", "WYPISZ MNIE", "Arrêt",
             "СТОП", "stop\n", "Opt-out", "𝐒𝐓𝐎𝐏", "𝓢𝓽𝓸𝓹", "𝕾𝕿𝕺𝕻", "Ⓢⓣⓞⓟ", "🆂🆃🅾🅿", "🇸🇹🇴🇵", "ꜱᴛᴏᴘ",
             "stop stop", "STOP. STOP! Stop", "ЅТОР", "STОP", "ѕτοр",
             "\uffa0STOP\u3164", "ST\u115fOP",
             "S.T.O.P", "S T O P", "S\u200bTOP", "S\ufe0fT\ufe0fO\ufe0fP\ufe0f", "ＲＥＺＹＧＮＵＪĘ"],
)  # fmt: skip
def test_the_whole_message_is_a_word_of_stopping(text: str) -> None:
    assert by_default(text) == "stop"


@pytest.mark.parametrize("text", ["START", "wznów", "Zapisz!", "unstop", "𝐒𝐓𝐀𝐑𝐓"])
def test_or_of_starting(text: str) -> None:
    assert by_default(text) == "start"


@pytest.mark.parametrize(
    "text",
    ["", "!", "please stop", "stop it", "nie", "yes", "bus stop", "wracam", "stop " * 50, "😀"],
)
def test_anything_else_is_an_ordinary_answer(text: str) -> None:
    assert by_default(text) is None


def test_an_account_has_words_of_its_own() -> None:
    assert opt_out_intent("Genug!", "genug, BASTA", "wieder") == "stop"
    assert opt_out_intent("basta", "genug, BASTA", "wieder") == "stop"
    assert opt_out_intent("Wieder", "genug, BASTA", "wieder") == "start"
    assert opt_out_intent("cancel", "genug", "wieder") is None


@pytest.mark.parametrize("words", ["genug; basta", "genug\nbasta", "genug\r\n\r\nbasta,", ";basta"])
def test_words_of_a_list_stand_between_commas_semicolons_or_on_lines(words: str) -> None:
    assert opt_out_intent("Basta", words, "") == "stop"
    assert opt_out_intent("genug basta", words, "") is None
    check_words(words)


def test_blank_lines_around_a_word_are_no_text() -> None:
    assert by_default("STOP" + "\n " * 100) == "stop"


def test_stop_acts_whatever_the_words_are() -> None:
    assert opt_out_intent("STOP", "", "stop") == "stop"
    assert opt_out_intent("START", "", "") is None


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
