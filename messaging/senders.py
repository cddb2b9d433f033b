"""Inbound senders: which number a network's spelling of one stands for. Raw SQL: one look-up by index.

Networks write one sender as `+4915112345678`, `4915112345678`, `004915112345678`, `015112345678` or
`15112345678`. What decides is whom the account has written to; digits that may be a stranger's national
number opt nobody out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

import phonenumbers
from django.db import connection
from phonenumbers import NumberParseException, PhoneNumberFormat

from http_api.blanks import is_unseen
from messaging.phone import InvalidPhone, parse_phone, spellings

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_LONGEST_CODE = 6  # digits that are rather a service's than a person's
_DIGITS = re.compile(r"\+?[0-9]{3,20}")

# A number within an address, as IMS and MMS write it: `tel:+48…;phone-context=…`,
# `sip:+48…@ims.example`, `+48…/TYPE=PLMN`.
_ADDRESS = re.compile(
    r"(?:tel|sms|smsto):(?P<tel>[^;?]+)(?:[;?].*)?"
    r"|sips?:(?P<sip>[^@;?]+)(?:[@;?].*)?"
    r"|(?P<bare>\+[0-9]+)[@/;].*",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Readings:
    """The possible meanings of a sender's digits; all empty for a name, or a sender that is hidden."""

    likely: frozenset[str] = frozenset()
    abroad: frozenset[str] = (
        frozenset()
    )  # national numbers elsewhere; empty where likely ones are valid
    certain: str | None = None  # what they mean whoever was written to
    guess: str | None = None  # what to show where nobody is known; not to be acted on


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent an SMS. `numbers`: those whom its keyword concerns; several where that is not certain."""

    shown: str
    numbers: tuple[str, ...]
    is_written_to: bool  # by this account, or saved as a contact of it

    @property
    def is_certain(self) -> bool:
        """Say whether these are one number, in one spelling or in several."""
        return bool(self.numbers) and spellings(self.numbers[0]).issuperset(self.numbers)


def identify(account_id: int, country: str, sender: str) -> Sender:
    """Return who this sender is: first of all one of those whom this account has written to."""
    read = readings(sender, country)
    known = _known(account_id, read.likely | read.abroad)
    found = sorted(read.likely & known.keys()) or sorted(read.abroad & known.keys())
    if not found:
        numbers = (read.certain,) if read.certain else ()
        return Sender(read.certain or read.guess or sender, numbers, is_written_to=False)
    shown = found[0] if len(found) == 1 else sender
    return Sender(shown, tuple(found), is_written_to=any(known[number] for number in found))


def readings(sender: str, country: str) -> Readings:
    """Return what these digits can mean to a phone of `country` (ISO 3166). Pure."""
    digits = _digits(sender)
    if digits is None:
        return Readings()
    guess = _as_sent_to(digits, country)
    if digits.startswith("+"):
        likely = _international("+" + digits.lstrip("+0"))
        certain = guess if guess in likely else _only_valid(likely)
        return Readings(_both_spellings(likely), certain=certain, guess=guess)
    own = phonenumbers.country_code_for_region(country)
    bare = digits.lstrip("0")
    zero_removed = {digits, digits.removeprefix("0"), bare}  # some plans' numbers begin with one
    national = _e164s({f"+{own}{one}" for one in zero_removed} | {_dialled(digits, country)})
    direct = _international("+" + digits.removeprefix("00"))
    code = {digits} if _SHORT_CODE.fullmatch(digits) else set()
    is_own_valid = any(map(_is_valid, national))
    may_be_abroad = not is_own_valid and len(bare) > _LONGEST_CODE
    return Readings(
        likely=_both_spellings(national | direct | code),
        abroad=_both_spellings(_elsewhere(bare)) if may_be_abroad else frozenset(),
        certain=_certain(digits, guess, direct, is_own_valid),
        guess=guess,
    )


def _certain(
    digits: str, guess: str | None, direct: Collection[str], is_own_valid: bool
) -> str | None:
    """Return a short code, or the number that begins with these digits' country code, where that is
    what they are. A national number is not certain: it may be the digits of somebody abroad."""
    if guess == digits or guess in direct:
        return guess
    return None if is_own_valid else _only_valid(direct)


def _digits(sender: str) -> str | None:
    """Return `+` and digits, or digits; None for a name."""
    text = "".join(one for one in unicodedata.normalize("NFKC", sender) if not is_unseen(one))
    if address := _ADDRESS.fullmatch(text):
        text = address[address.lastgroup or 0]
    plain = "".join(str(unicodedata.decimal(one, one)) for one in text)
    number = re.sub(r"^\++", "+", re.sub(r"[^\w+]|_", "", plain))
    return number if _DIGITS.fullmatch(number) else None


def _as_sent_to(digits: str, country: str) -> str | None:
    """Return the number that a program's message to these digits would go to."""
    try:
        return parse_phone(digits, country, allow_short_codes=True)
    except InvalidPhone:
        return None


def _international(number: str) -> frozenset[str]:
    """Return it, and it without a trunk zero behind the country code."""
    if not _E164.fullmatch(number):
        return frozenset()
    try:
        code = phonenumbers.parse(number).country_code
    except NumberParseException:
        return frozenset({number})
    rest = number.removeprefix(f"+{code}").lstrip("0")
    return _e164s({number, f"+{code}{rest}"})


def _dialled(digits: str, country: str) -> str:
    """Return what a phone of this country calls with these digits; '' for nothing."""
    try:
        read = phonenumbers.parse(digits, country)
    except NumberParseException:
        return ""
    return phonenumbers.format_number(read, PhoneNumberFormat.E164)


def _elsewhere(bare: str) -> frozenset[str]:
    """Return what these digits are as a national number anywhere, or behind a zero too many."""
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    numbers = {f"+{bare}"} | {f"+{code}{bare}" for code in codes}
    return frozenset(filter(_is_valid, _e164s(numbers)))


def _both_spellings(numbers: Collection[str]) -> frozenset[str]:
    found = {spelling for number in numbers for spelling in spellings(number)}
    return _e164s(found) | frozenset(filter(_SHORT_CODE.fullmatch, numbers))


def _e164s(numbers: Collection[str]) -> frozenset[str]:
    return frozenset(filter(_E164.fullmatch, numbers))


def _only_valid(numbers: Collection[str]) -> str | None:
    valid = [number for number in numbers if _is_valid(number)]
    return valid[0] if len(valid) == 1 else None


def _is_valid(number: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number))
    except NumberParseException:
        return False


# Scalar subqueries and ANY(array) instead of EXISTS and IN force one index look-up per number, however
# many rows there are. Raw SQL also because contacts are of an app above this one.
_KNOWN = """
    SELECT phone, is_written_to FROM (
        SELECT phone,
            coalesce(
                (SELECT true FROM messaging_message AS m
                    WHERE m.license_id = ANY (ARRAY (
                            SELECT id FROM licenses_license WHERE account_id = %(account)s))
                        AND m.phone = asked.phone
                    LIMIT 1),
                (SELECT true FROM contacts_contact AS c
                    WHERE c.account_id = %(account)s AND c.phone = asked.phone),
                false) AS is_written_to,
            (SELECT true FROM messaging_optout AS o
                WHERE o.account_id = %(account)s AND o.phone = asked.phone) AS is_opted_out
        FROM unnest(%(phones)s::text[]) AS asked (phone)) AS found
    WHERE is_written_to OR is_opted_out
    """


def _known(account_id: int, phones: Collection[str]) -> dict[str, bool]:
    """Return those of these numbers that this account has written to, saved or opted out; False for
    one that has only opted out."""
    if not phones:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, {"account": account_id, "phones": sorted(phones)})
        return dict(cursor.fetchall())
