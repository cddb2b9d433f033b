"""Phone numbers: decided here for every surface, to E.164 or to words that say what to write.

Possible is enough for what begins with `+`, since ranges are ever new. What has no `+` is taken only
where a person could read it in one way. The classes stand in a table of docs/api.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from functools import cache, partial

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_DIGITS_TWICE = re.compile(r"\+([1-9][0-9]{0,2})\1")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_NUMBER = re.compile(r"\+?[0-9]{1,20}")
_PLAIN = re.compile(r"\+?[0-9]{1,20}(?: [0-9]{1,6}){0,6}")  # the usual ways to write one, read fast

# What a column that holds numbers may hold, as a regular expression of PostgreSQL too. `stored_phone` of
# messaging.models says the same faster, for CHECKs.
STORED_PHONE = r"^(\+[1-9][0-9]{1,14}|[0-9]{3,8})$"

# Mobile numbers of these countries are written with and without this digit.
_SAME_NUMBER = (("+549", "+54"), ("+521", "+52"))

_LONGEST = 64  # characters; nobody writes one number with more
_LONGEST_EXTENSION = 4  # digits
_EXAMPLE = "+48123456789"
_HINT = f"enter a number like {_EXAMPLE}"
_SPREADSHEET = "looks like a spreadsheet's number: format the column as text"
_SEVERAL = "looks like more than one number: give one"
_AMBIGUOUS = "can be read as two numbers: write it with + and its country code"
_ANOTHER_COUNTRYS = (
    f"without + this is another country's number: write + before it, like {_EXAMPLE}"
)
_TRUNK = "leave out the 0, or what else is dialled within the country, behind its code"
_CODE_TWICE = "has its country's code twice: leave one of them out"
_DATE = "looks like a date"
_EXTENSION = (
    "is a whole number and more digits: leave out an extension, or write it without separators"
)

_DASHES = r"\-\u2010-\u2015\u2043\u2212\uFE58\uFE63\uFF0D"
_SEPARATORS = re.compile(rf"[\s().\[\]{_DASHES}]+")

# `48 (0) 601 234 567`
_CODE_AND_ZERO = re.compile(
    r"[^0-9+]*\+?[^0-9]*(?:00)?\s*(?P<code>[1-9][0-9]{0,2})[^0-9]*[(\[]\s*0\s*[)\]]"
)

_YEAR, _MONTH, _DAY = "(?:19|20)[0-9]{2}", "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|[12][0-9]|3[01])"

# Ways to write what is no phone number, or not only one: dropping the separators would make another.
# Each takes little time on any text: nothing repeats within a repetition of the same characters.
_NO_NUMBERS = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"^[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+$", _SPREADSHEET),  # 4.86E+10
        (r"^[^.,]*[0-9]\s*[.,]\s*[0-9]{1,2}$", _SPREADSHEET),  # 601234567.0, but not 06.12.34.56.00
        (r"^\+?[0-9]{7,}\s*[.,]\s*0+$", _SPREADSHEET),
        (r"^\+?[0-9]{1,3}(,[0-9]{2,3})+(\.[0-9]*)?$", _SPREADSHEET),  # 48,601,234,567
        (r"^\+?[0-9]{1,3}(\.[0-9]{3})+,[0-9]*$", _SPREADSHEET),  # 48.601.234.567,00
        (r"[0-9]['’ʼ`´][0-9]", _SPREADSHEET),  # 601'234'567
        (rf"^{_YEAR}([-./]){_MONTH}\1{_DAY}$", _DATE),
        (rf"^{_DAY}([-./]){_MONTH}\1{_YEAR}$", _DATE),
        (r"[^\W\d_]|[#*]", "may hold no letters and no extension"),
        (r"[,;/|\\&\t-\r\x1c-\x1f\x85\u2028\u2029]|[0-9].*\+", _SEVERAL),
        (r"[0-9]{7,}[^0-9]+[0-9]{7,}", _SEVERAL),
        (r"([0-9][^0-9\s]*){7,}\s+([0-9][^0-9\s]*){7,}", _SEVERAL),
        (rf"^[(\[\s]*[{_DASHES}]", "may not begin with a dash"),
    )
)
_BALANCED = re.compile(r"[^()\[\]]*(?:(?:\([^()\[\]]*\)|\[[^()\[\]]*\])[^()\[\]]*)*")


class InvalidPhone(ValueError):
    """Says in one sentence what to enter; never quotes the number.

    `words` are without `hint`, the sentence's end where it shows no example yet.
    """

    def __init__(self, words: str) -> None:
        self.words = words
        self.hint = "" if _EXAMPLE in words else _HINT
        super().__init__(f"{words}; {self.hint}" if self.hint else words)


def parse_phone(
    raw: str | int | float,
    country: str,
    *,
    allow_short_codes: bool = False,
    bare_has_country_code: bool = False,
    any_length: bool = False,
) -> str:
    """Return the number in E.164; a bare short code where those are allowed.

    Without `+` it is a number of `country` (ISO 3166); with `bare_has_country_code`, as some vendors'
    clients write, nine digits and more begin with a country's code. `any_length` takes any number with
    `+` that E.164 allows, also one too long for its country's plan: those of machines often are.
    Raises InvalidPhone.
    """
    if isinstance(raw, float):
        raise InvalidPhone(_SPREADSHEET)
    text = str(raw)
    number = text.replace(" ", "") if _PLAIN.fullmatch(text) else _without_separators(text)
    read = partial(
        _read,
        country=country,
        allow_short_codes=allow_short_codes,
        bare_has_country_code=bare_has_country_code,
        any_length=any_length,
    )
    found = read(number)
    if number != text:
        _check_zero_in_brackets(text, number, found, read)
        if _has_digits_to_spare(text, found, read):
            raise InvalidPhone(_EXTENSION)
    if not any_length and _has_code_twice(found):
        raise InvalidPhone(_CODE_TWICE)
    return found


def _read(
    number: str,
    *,
    country: str,
    allow_short_codes: bool,
    bare_has_country_code: bool,
    any_length: bool,
) -> str:
    """Read `+` and digits, or digits."""
    if number.startswith("+"):
        return _e164(_international(number, any_length=any_length))
    if allow_short_codes and _SHORT_CODE.fullmatch(number):
        return _short_code(number, country)
    if bare_has_country_code and len(number) > 8:
        return _with_country_code(number, country)
    return _bare(number, country)


def _check_zero_in_brackets(text: str, number: str, found: str, read: Callable[[str], str]) -> None:
    """Raise InvalidPhone where a trunk zero in brackets says that another number was meant.

    What stands before `(0)` is a country's code, with + or without. The zero is no digit of the number
    where a mobile number remains without it; in Italy there may be a landline with it, too.
    """
    match = _CODE_AND_ZERO.match(text)
    if match is None:
        return
    digits = number.removeprefix("+").removeprefix("00")
    if not number.startswith("+") and found != read(f"+{digits}"):
        raise InvalidPhone(_ANOTHER_COUNTRYS)
    without = "+" + match["code"] + digits.removeprefix(match["code"] + "0")
    if found != without and _grade_of(without) == _MOBILE:
        raise InvalidPhone(_TRUNK)


def _has_digits_to_spare(text: str, found: str, read: Callable[[str], str]) -> bool:
    """Say whether this is in no known range, but without its last group, or its first, a mobile number.

    A person reads 601 234 567-1 as a number and an extension.
    """
    groups = re.findall("[0-9]+", text)
    if len(groups) == 1 or _grade_of(found) >= _VALID:
        return False
    plus, whole = "+" * ("+" in text), "".join(groups)
    shorter = [whole.removesuffix(groups[-1])] if len(groups[-1]) <= _LONGEST_EXTENSION else []
    if not plus and len(groups[0]) <= _LONGEST_EXTENSION:
        shorter.append(whole.removeprefix(groups[0]))
    for digits in shorter:
        try:
            if _grade_of(read(plus + digits)) == _MOBILE:
                return True
        except InvalidPhone:
            continue
    return False


def _has_code_twice(found: str) -> bool:
    """Say whether this is no mobile number, but would be one without its country's code.

    Plans of many lengths have room for +49 49 151 12345678.
    """
    if not _DIGITS_TWICE.match(found):  # the usual case, told fast
        return False
    read = phonenumbers.parse(found)
    shorter = f"+{_significant(read)}"
    if not shorter.startswith(f"+{read.country_code}") or not _E164.fullmatch(shorter):
        return False
    if _grade(read) == _MOBILE:
        return False
    try:
        return _grade_of(shorter) == _MOBILE or _has_code_twice(shorter)
    except NumberParseException:  # +43 43 43: too few digits are left
        return False


def _grade_of(found: str) -> int:
    """Return how certain a number is; a short code always is valid."""
    return _grade(phonenumbers.parse(found)) if found.startswith("+") else _VALID


def _without_separators(text: str) -> str:
    """Return `+` and digits, or digits; raise InvalidPhone where something else stands there."""
    if len(text) > _LONGEST:
        raise InvalidPhone("is too long")
    if "\u202e" in text:  # shows the digits that follow it from right to left
        raise InvalidPhone("holds a mark that turns its digits round: type it anew")
    visible = "".join(one for one in text if unicodedata.category(one) != "Cf").strip()
    visible = visible.removeprefix("'")  # a spreadsheet's sign for text
    if not re.search("[0-9]", visible):
        raise InvalidPhone(_HINT)
    for pattern, words in _NO_NUMBERS:
        if pattern.search(visible):
            raise InvalidPhone(words)
    if not _has_brackets_of_an_area(visible):
        raise InvalidPhone("has brackets that are no area code's: leave out what stands in them")
    number = _SEPARATORS.sub("", visible)
    if not _NUMBER.fullmatch(number):
        raise InvalidPhone(_HINT)
    return number


def _has_brackets_of_an_area(text: str) -> bool:
    """Say whether brackets stand near the beginning only: `0151 12345678 (2)` names an extension."""
    if "(" not in text and "[" not in text and ")" not in text and "]" not in text:
        return True
    opening = max(text.rfind("("), text.rfind("["))
    closing = max(text.rfind(")"), text.rfind("]"))
    before = sum(map(str.isdigit, text[:opening]))
    after = sum(map(str.isdigit, text[closing:]))
    return bool(_BALANCED.fullmatch(text)) and (before == 0 or (before <= 6 and after > 0))


def _international(number: str, *, any_length: bool = False) -> PhoneNumber:
    """Read `+` and digits, without a trunk prefix that stands behind the country's code."""
    if not _E164.fullmatch(number):
        raise InvalidPhone(_HINT)
    try:
        parsed = _without_trunk_prefix(number) or phonenumbers.parse(number)
    except NumberParseException:
        raise InvalidPhone("there is no such country code, or it has too few digits") from None
    given = number.removeprefix(f"+{parsed.country_code}")
    if given == _significant(parsed) and not given.startswith("0"):
        if any_length or _is_possible(parsed):
            return parsed
        raise InvalidPhone("this number has too few or too many digits")
    for read in (parsed, _without_zero(parsed, given)):
        if read and _grade(read) >= _VALID and _has_digits(read, given):
            return read
    if given == _significant(parsed) and _grade(parsed) and _may_begin_with_zero(parsed):
        return parsed
    raise InvalidPhone(_TRUNK)


def _without_trunk_prefix(number: str) -> PhoneNumber | None:
    """Return what phonenumbers.parse reads, in a quarter of its time; None where it might read a trunk
    prefix behind the country's code, or nothing."""
    for end in (2, 3, 4):
        if (code := int(number[1:end])) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            trunk, digits = _trunk_prefix(code), number[end:]
            is_plain = len(digits) > 1 and digits[0] != "0" and not (trunk and trunk.match(digits))
            return PhoneNumber(code, int(digits)) if is_plain else None
    return None


@cache
def _trunk_prefix(code: int) -> re.Pattern[str] | None:
    pattern = _plan_of(PhoneNumber(code)).national_prefix_for_parsing
    return re.compile(pattern) if pattern else None


def _with_country_code(number: str, country: str) -> str:
    """Read bare digits that begin with a country's code, or 00 and that code."""
    if number.startswith("0"):
        return _e164(_international("+" + number.removeprefix("00")))
    mobile = _mobile(number, country)
    try:
        e164 = _e164(_international("+" + number))
    except InvalidPhone:
        if mobile is None:
            raise
        raise InvalidPhone("begin with the country code") from None
    if mobile not in (None, e164):
        raise InvalidPhone(_AMBIGUOUS)
    return e164


def _short_code(number: str, country: str) -> str:
    """Return it as it is, or in E.164 where it is a number of this country: that has one name only."""
    read = _national(number, country)
    least = _MOBILE if len(number) <= 6 else _VALID  # the shortest landlines look like any code
    return _e164(read) if read and _grade(read) >= least else number


def _mobile(number: str, country: str) -> str | None:
    """Return the mobile number of `country` that these digits are, if they are one."""
    read = _national(number, country)
    return _e164(read) if read and _grade(read) == _MOBILE else None


def _mobile_with_code(number: str, own_code: int) -> str | None:
    """Return the mobile number that these digits are with only `+` missing, if they are one."""
    if not number.startswith(str(own_code)):
        return None
    try:
        read = _international(f"+{number}")
    except InvalidPhone:
        return None
    return _e164(read) if _grade(read) == _MOBILE else None


def _bare(number: str, country: str) -> str:
    """Read digits without `+`: the best of all readings, where there is only one such."""
    own_code = phonenumbers.country_code_for_region(country)
    if not number.startswith("00") and not _exit_code(number, country):
        mobiles = {_mobile(number, country), _mobile_with_code(number, own_code)} - {None}
        if len(mobiles) == 1:  # the usual case; the others cost time
            return str(mobiles.pop())
    readings = _readings(number, country)
    best = max(readings.values(), default=0)
    if best < _MOBILE and _is_another_countrys(number, own_code):
        raise InvalidPhone(_ANOTHER_COUNTRYS)
    numbers = [read for read, grade in readings.items() if grade == best]
    if not numbers or (best == _POSSIBLE and len(number) <= 6):  # rather a short code
        raise InvalidPhone(
            f"this is no number of {country}; write other countries' numbers with +, like"
            f" {_EXAMPLE}"
        )
    if len(numbers) > 1:
        raise InvalidPhone(_AMBIGUOUS)
    return numbers[0]


def _readings(number: str, country: str) -> dict[str, int]:
    """Return what these digits can mean, in E.164, each with its grade."""
    own_code = phonenumbers.country_code_for_region(country)
    national = _national(number, country)
    reads = [national]
    if not number.startswith("0"):
        reads.append(PhoneNumber(own_code, int(number)))  # nothing removed
    elif not number.startswith("00") and not _begins_with_own_zero(national):
        reads.append(_without_zero(PhoneNumber(own_code), number))
    international = [number] if number.startswith(str(own_code)) else []
    international += {number[len(code) :] for code in ("00", _exit_code(number, country)) if code
                      and number.startswith(code)}  # fmt: skip
    for digits in international:
        try:
            reads.append(_international(f"+{digits}"))
        except InvalidPhone:
            continue
    return {_e164(read): grade for read in reads if read and (grade := _grade(read))}


def _exit_code(number: str, country: str) -> str:
    """Return the digits before a country code that call abroad from `country`, '' where none are.

    None are where they end within the own country's code, and a person would read that: 00 65 … is
    Singapore's, whose exit codes are three digits.
    """
    found = re.match(_plan(country).international_prefix or "$.", number)
    if found is None:
        return ""
    own_code = str(phonenumbers.country_code_for_region(country))
    own = re.match(f"0{{1,2}}(?={own_code})", number)
    ends_within = own is not None and own.end() < found.end() < own.end() + len(own_code)
    return "" if ends_within else found[0]


def _national(number: str, country: str) -> PhoneNumber | None:
    """Read a number of `country` as it is dialled there, without its trunk prefix."""
    try:
        read = phonenumbers.parse(number, country)
    except NumberParseException:
        return None
    if read.country_code != phonenumbers.country_code_for_region(country):
        return None  # it begins with an exit code
    if not _has_digits(read, number):
        return None
    if _significant(read).startswith("0") and not _may_begin_with_zero(read):
        return None
    return read


def _without_zero(read: PhoneNumber, given: str) -> PhoneNumber | None:
    """Read it without one leading zero, where that makes a valid number."""
    if not re.match("0[1-9]", given):
        return None
    stripped = PhoneNumber(read.country_code, int(given))
    return stripped if _grade(stripped) >= _VALID else None


def _has_digits(read: PhoneNumber, given: str) -> bool:
    """Say whether nothing but a trunk prefix was removed from these national digits.

    Some plans' parsers add an area code or move digits; only what is the plan's own way to write a
    number is taken (Argentina's 011 15-… is +54 9 11 …).
    """
    significant = _significant(read)
    if given.endswith(significant):
        removed = given.removesuffix(significant)
        return removed in ("", "0") or _is_trunk_prefix(removed, read)
    written = phonenumbers.format_number(read, PhoneNumberFormat.NATIONAL)
    return given == re.sub("[^0-9]", "", written)


def _is_trunk_prefix(removed: str, read: PhoneNumber) -> bool:
    """Say whether the plan allows this before `read`: its trunk prefix, or one with a carrier's code.

    A carrier's code is believed only before a number that exists: it may be digits of the number.
    """
    plan = _plan_of(read)
    if removed == plan.national_prefix:
        return True
    with_carrier = plan.national_prefix_for_parsing
    return bool(with_carrier and re.fullmatch(with_carrier, removed)) and _grade(read) >= _VALID


def _begins_with_own_zero(read: PhoneNumber | None) -> bool:
    """Say whether this is a known number whose first digit is a zero: an Italian landline, whose digits
    without it may be somebody's mobile number."""
    return read is not None and _significant(read).startswith("0") and _grade(read) >= _VALID


def _may_begin_with_zero(read: PhoneNumber) -> bool:
    """Say whether this leading zero is a digit of the number, as in Italy's fixed network. Two of them
    are only where such a number is known: one is a trunk prefix else."""
    if _significant(read).startswith("00") and _grade(read) < _VALID:
        return False
    every_number = _plan_of(read).general_desc
    pattern = every_number.national_number_pattern if every_number else None
    return bool(re.fullmatch(pattern or "", _significant(read)))


def _plan(country: str) -> PhoneMetadata:
    return _known(PhoneMetadata.metadata_for_region(country), country)


def _plan_of(read: PhoneNumber) -> PhoneMetadata:
    code = read.country_code or 0
    region = phonenumbers.region_code_for_country_code(code)
    return _known(PhoneMetadata.metadata_for_region_or_calling_code(code, region), region)


def _known(plan: PhoneMetadata | None, region: str) -> PhoneMetadata:
    if plan is None:  # accounts have countries that are known, and so have numbers that were read
        raise LookupError(f"there is no numbering plan of {region}")
    return plan


# How well digits fit a country's plan; 0: not at all.
_POSSIBLE, _VALID, _MOBILE = 1, 2, 3


def _grade(read: PhoneNumber) -> int:
    if not _E164.fullmatch(_e164(read)):  # some plans, Germany's too, have more digits than E.164
        return 0
    kind = phonenumbers.number_type(read)
    if kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE):
        return _MOBILE
    if kind != PhoneNumberType.UNKNOWN:
        return _VALID
    return _POSSIBLE if _is_possible(read) else 0


def _is_possible(read: PhoneNumber) -> bool:
    """Say whether it has as many digits as its plan allows, area code included."""
    reason = phonenumbers.is_possible_number_with_reason(read)
    return reason == ValidationResult.IS_POSSIBLE


def _is_another_countrys(number: str, own_code: int) -> bool:
    try:
        read = _international(f"+{number}")
    except InvalidPhone:
        return False
    return read.country_code != own_code and _grade(read) >= _VALID


def _significant(read: PhoneNumber) -> str:
    return phonenumbers.national_significant_number(read)


def _e164(read: PhoneNumber) -> str:
    return phonenumbers.format_number(read, PhoneNumberFormat.E164)


def reread(stored: str, country: str) -> str | None:
    """Return the number that an earlier release kept as it was typed; None where it is none."""
    is_stored = bool(re.fullmatch(STORED_PHONE, stored))
    try:
        return parse_phone(stored, country, allow_short_codes=is_stored)
    except InvalidPhone:
        return stored if is_stored else None


def is_foreign(e164: str, country: str) -> bool:
    """Say whether the calling code is not the country's; a short code is never foreign."""
    own_code = phonenumbers.country_code_for_region(country)
    return e164.startswith("+") and not e164.startswith(f"+{own_code}")


class Doubt(StrEnum):
    """Why a number may be another one than its writer meant, or reach no mobile phone."""

    FOREIGN = "foreign"
    LANDLINE = "landline"
    UNKNOWN_RANGE = "unknown_range"  # of its plan's length, and in no range that is known


def doubt(e164: str, country: str) -> Doubt | None:
    """Return why this number is to be looked at twice."""
    if is_foreign(e164, country):
        return Doubt.FOREIGN
    kind = phonenumbers.number_type(phonenumbers.parse(e164))
    if kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE):
        return None
    return Doubt.UNKNOWN_RANGE if kind == PhoneNumberType.UNKNOWN else Doubt.LANDLINE


def spellings(e164: str) -> frozenset[str]:
    """Return all numbers in E.164 that are this one, itself included."""
    found = {e164}
    for long, short in _SAME_NUMBER:
        if e164.startswith(long):
            found.add(short + e164.removeprefix(long))
        elif e164.startswith(short):
            found.add(long + e164.removeprefix(short))
    return frozenset(filter(_E164.fullmatch, found)) | {e164}


def mask(phone: str) -> str:
    """`+48•••••789`, for people who look over an operator's shoulder."""
    shown_start, shown_end = (3, 3) if len(phone) > 8 else (0, 1)
    hidden = len(phone) - shown_start - shown_end
    return phone[:shown_start] + "•" * max(hidden, 0) + phone[max(len(phone) - shown_end, 0) :]
