"""A number as people, files and programs write it, and where it stands in a text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException

from messaging.phone import spellings

_SHORTEST = 7  # digits that mean somebody without their country's code
_BETWEEN = "[ ().\u00a0/-]{0,3}"


class WrittenNumber:
    """One number, in each way in which it may be written. `pattern` is for Python and PostgreSQL."""

    def __init__(self, e164: str) -> None:
        self.phones = spellings(e164)
        self.pattern = f"(?<![0-9])(?:{'|'.join(map(_forms, sorted(self.phones)))})(?![0-9])"
        # As a sender may be kept where nobody could tell whose number it is.
        self.senders = self.phones | {form for phone in self.phones for form in _bare(phone)}
        self._found = re.compile(self.pattern)

    def is_in(self, text: str) -> bool:
        return bool(self._found.search(text))

    def is_in_any(self, value: Any) -> bool:
        """Say whether it stands anywhere in this JSON."""
        if isinstance(value, str):
            return self.is_in(value)
        if isinstance(value, Mapping):
            return any(self.is_in(key) or self.is_in_any(each) for key, each in value.items())
        if isinstance(value, list | tuple):
            return any(map(self.is_in_any, value))
        return isinstance(value, int | float) and self.is_in(f"{value:.0f}")

    def without(self, value: Any, texts: frozenset[str] = frozenset()) -> Any:
        """Return this JSON, with '' for each value in which it stands, and for each of these texts."""
        if isinstance(value, Mapping):
            kept = {name: each for name, each in value.items() if not self.is_in(name)}
            return {name: self.without(each, texts) for name, each in kept.items()}
        if isinstance(value, list | tuple):
            return [self.without(each, texts) for each in value]
        return "" if self.is_in_any(value) or (isinstance(value, str) and value in texts) else value


def _forms(e164: str) -> str:
    code, national = _parts(e164)
    digits = _BETWEEN.join(national)
    before = rf"(?:\+|00)?{_BETWEEN.join(code)}{_BETWEEN}" if code else r"\+?"
    is_long = len(national) >= _SHORTEST
    return f"(?:{before}|0)?{digits}" if code and is_long else f"{before}{digits}"


def _bare(e164: str) -> list[str]:
    code, national = _parts(e164)
    forms = [f"{code}{national}", f"00{code}{national}"]
    return [*forms, national, f"0{national}"] if len(national) >= _SHORTEST else forms


def _parts(e164: str) -> tuple[str, str]:
    """Return the country's code, '' where there is none, and the rest."""
    digits = e164.removeprefix("+")
    try:
        code = str(phonenumbers.parse(e164).country_code)
    except NumberParseException:
        return "", digits
    return code, digits.removeprefix(code)
