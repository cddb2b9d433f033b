"""Phone numbers as clients write them, to E.164. Possible is enough: ranges are ever new."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_NATIONAL = re.compile(r"[0-9]{1,20}")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")

# White space of every kind, dashes of every kind, dots and brackets.
_SEPARATORS = re.compile(r"[\s().\[\]\-\u2010-\u2015\u2212\u00AD\u2060\uFE58\uFE63\uFF0D]+")

_HINT = "enter a number like +48123456789"


class InvalidPhone(ValueError):
    """Says in one sentence what to enter; never quotes the number."""


def parse_phone(raw: str | int, country: str, *, allow_short_codes: bool = False) -> str:
    """The number in E.164; a bare short code where those are allowed.

    Without `+` it is a national number of `country` (ISO 3166). Raises InvalidPhone.
    """
    number = _SEPARATORS.sub("", str(raw))
    if number.startswith("+"):
        if not _E164.fullmatch(number):
            raise InvalidPhone(_HINT)
        return _possible(number, None)
    if not _NATIONAL.fullmatch(number):
        raise InvalidPhone(_HINT)
    if allow_short_codes and _SHORT_CODE.fullmatch(number):
        return number
    return _possible(number, country)


def _possible(number: str, country: str | None) -> str:
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        raise InvalidPhone(_HINT) from None
    if phonenumbers.is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
        if country is None:
            raise InvalidPhone(f"this number has too few or too many digits; {_HINT}")
        raise InvalidPhone(
            f"this is no number of {country}; write other countries' numbers with +, like"
            " +48123456789"
        )
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    if not _E164.fullmatch(e164):  # some plans, Germany's too, have more digits than E.164
        raise InvalidPhone(f"this number has too many digits; {_HINT}")
    return e164


def is_foreign(e164: str, country: str) -> bool:
    """Whether the country calling code differs from the country's; a short code is never foreign."""
    if not e164.startswith("+"):
        return False
    calling_code = phonenumbers.parse(e164).country_code
    return calling_code != phonenumbers.country_code_for_region(country)


def mask(phone: str) -> str:
    """`+48•••••789`, for people who look over an operator's shoulder."""
    shown_start, shown_end = (3, 3) if len(phone) > 8 else (0, 1)
    hidden = len(phone) - shown_start - shown_end
    return phone[:shown_start] + "•" * max(hidden, 0) + phone[max(len(phone) - shown_end, 0) :]
