"""Invisible characters: a value of nothing else is an empty cell, and no letter of a word. Pure."""

from __future__ import annotations

import unicodedata

# Letters and marks by name: joiners, fillers of Hangul and Khmer, the empty cell of Braille.
_NAMED_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")


def is_unseen(letter: str) -> bool:
    """Say whether this is white space, or a character of no width."""
    return letter.isspace() or unicodedata.category(letter) == "Cf" or letter in _NAMED_LETTERS


def is_blank(value: object) -> bool:
    """Say whether a cell of a spreadsheet that sent this was empty to the eye."""
    return value is None or (isinstance(value, str) and all(map(is_unseen, value)))
