"""People as others' lists have them: read a number as it stands in a cell, and a row as a person, or say
why not. The one rule for files, pasted cells and other systems' contacts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from messaging.phone import Doubt, InvalidPhone, doubt, parse_phone

LONGEST = 255  # characters of a name, of a group's, of a field's and of its value
MOST_FIELDS = 20


class Reason(StrEnum):
    """Why a row is not imported."""

    MISSING = "missing"
    ROUNDED = "rounded"
    INVALID = "invalid"
    TOO_LONG = "too_long"
    DOUBLE = "double"
    TOO_MANY_FIELDS = "too_many_fields"


_MISSING = "there is no number"
NO_VALUE = "there is no number; if a formula makes it, open the file in a spreadsheet and save it"
_ROUNDED = "the spreadsheet cut this number short: set the column to Text and save again"
_TOO_LONG = "the name, a group or a field has more than 255 characters"
DOUBLE = "an earlier row has the same number"
TOO_MANY_FIELDS = "with these fields this contact would have more than 20"


class Problem(Exception):
    """A row that is no person. `words` are one sentence, in English."""

    def __init__(self, reason: Reason, words: str) -> None:
        super().__init__(reason)
        self.reason, self.words = reason, words


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as others know them. A name that is '' and fields that are None are not known."""

    phone: str  # E.164
    name: str = ""
    groups: tuple[str, ...] = ()
    fields: Mapping[str, str] | None = None
    had_others: bool = False  # of several numbers this is the first


# What a cell may hold beside its number.
_LABEL = re.compile(
    r"^['’`\s]*(?:(?:tel|telefon|kom|komórka|komorka|mobile|phone|cell|nr|numer)\b[.:\s]*)*",
    re.IGNORECASE,
)
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_SPACES = re.compile(r"[\s\u00a0\u2007\u202f]+")
_DECIMAL = re.compile(r"(\+?[0-9]{7,})[.,]0+")  # 500600703.0
_EXPONENT = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?\s*[eE]\s*\+?[0-9]+")
_BETWEEN = re.compile(r"\s*(?:[,;/|&\n]|\b(?:lub|oraz|albo|i|or|and)\b)\s*", re.IGNORECASE)
_SIDE_BY_SIDE = re.compile(r"(?<=[0-9]{7})\s+(?=\+?[0-9]{7})")


def read_number(cell: str, country: str) -> tuple[str, bool]:
    """Return the number of a cell, in E.164, and whether it is the first of several. Raise Problem."""
    text = _cleaned(cell)
    if not text:
        raise Problem(Reason.MISSING, _MISSING)
    if _EXPONENT.fullmatch(text):
        raise Problem(Reason.ROUNDED, _ROUNDED)
    try:
        return parse_phone(text, country), False
    except InvalidPhone as error:
        first = _first(text)
        if first != text:
            return read_number(first, country)[0], True
        raise Problem(Reason.INVALID, error.words) from None


def _cleaned(cell: str) -> str:
    text = _SPACES.sub(" ", _UNSEEN.sub("", cell.replace("\n", ";"))).strip()
    text = _LABEL.sub("", text)
    match = _DECIMAL.fullmatch(text)
    return match[1] if match else text


def _first(text: str) -> str:
    """Return the first of several numbers; a cell with one as it is."""
    parts = [part for part in _BETWEEN.split(text) if any(map(str.isdigit, part))]
    return _SIDE_BY_SIDE.split(parts[0])[0] if parts else text


def first_number(numbers: Iterable[str], country: str) -> str:
    """Return the first of these that is one. Raise Problem: the first one's."""
    problem = Problem(Reason.MISSING, _MISSING)
    for number in numbers:
        try:
            return read_number(number, country)[0]
        except Problem as found:
            if problem.reason == Reason.MISSING:
                problem = found
    raise problem


PHONE, NAME, FIRST_NAME, LAST_NAME, GROUPS, IGNORED = (
    "phone", "name", "first_name", "last_name", "groups", "",
)  # fmt: skip
FIELD = "field:"  # and its name


class BadColumns(ValueError):
    """Says in one sentence what is wrong with what the columns are said to be."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row is what."""

    phone: int
    name: tuple[int, ...]
    groups: int | None
    fields: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, columns: Sequence[str]) -> Columns:
        """Read what each column is said to be. Raise BadColumns."""
        at: dict[str, int] = {}
        for place, column in enumerate(columns):
            if column == IGNORED:
                continue
            if column in at:
                raise BadColumns("two columns are said to be the same")
            at[column] = place
        if PHONE not in at:
            raise BadColumns("say which column has the numbers")
        fields = tuple(
            (_field_name(column), place) for column, place in at.items() if column.startswith(FIELD)
        )
        if len(fields) > MOST_FIELDS:
            raise BadColumns("at most 20 columns can be fields")
        known = {PHONE, NAME, FIRST_NAME, LAST_NAME, GROUPS}
        if any(not column.startswith(FIELD) for column in at.keys() - known):
            raise BadColumns("a column is said to be what there is not")
        names = (at.get(NAME), at.get(FIRST_NAME), at.get(LAST_NAME))
        return cls(
            phone=at[PHONE],
            name=tuple(place for place in names if place is not None),
            groups=at.get(GROUPS),
            fields=fields,
        )

    def person(self, cells: Sequence[str], country: str) -> Person:
        """Return whom a row is about. Raise Problem."""
        phone, had_others = read_number(_cell(cells, self.phone), country)
        name = _line(" ".join(_cell(cells, place) for place in self.name))
        groups = _groups("" if self.groups is None else _cell(cells, self.groups))
        values = {name: _line(_cell(cells, place)) for name, place in self.fields}
        fields = {name: value for name, value in values.items() if value}
        if any(len(one) > LONGEST for one in (name, *groups, *fields.values())):
            raise Problem(Reason.TOO_LONG, _TOO_LONG)
        return Person(phone, name, groups, fields, had_others)


def _field_name(column: str) -> str:
    name = column.removeprefix(FIELD)
    if problem := field_problem(name):
        raise BadColumns(problem)
    return name


def field_problem(name: str) -> str:
    """Return what is wrong with the name of a field, by which a text has its place: `{city}`."""
    if not name.strip() or name != name.strip():
        return "a field needs a name"
    if len(name) > LONGEST or not name.isprintable() or "{" in name or "}" in name:
        return "a field's name has at most 255 characters, and no braces"
    if name == NAME:
        return "a field cannot be called name"
    return ""


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""


def _line(text: str) -> str:
    return _SPACES.sub(" ", _UNSEEN.sub("", text)).strip()


def _groups(cell: str) -> tuple[str, ...]:
    names = (_line(name) for name in cell.split(";"))
    return tuple(dict.fromkeys(name for name in names if name))


def doubt_of(person: Person, country: str) -> str:
    """Return why this number may not be the right one; '' where nothing says so."""
    return "several" if person.had_others else doubt(person.phone, country) or ""


DOUBTS = ("several", *Doubt)


# What a header calls each column, in Polish and English; exactly, else as a part of its name.
_HINTS: dict[str, tuple[str, ...]] = {
    FIRST_NAME: ("imię", "imie", "first name", "given name", "firstname"),
    LAST_NAME: ("nazwisko", "last name", "surname", "family name", "lastname"),
    NAME: (
        "imię i nazwisko", "imie i nazwisko", "nazwa", "name", "full name", "kontakt", "klient",
        "osoba", "contact", "customer",
    ),
    PHONE: (
        "telefon", "tel", "komórka", "komorka", "numer", "nr telefonu", "numer telefonu", "phone",
        "mobile", "msisdn", "phone number", "cell", "gsm", "sms",
    ),
    GROUPS: ("grupa", "grupy", "group", "groups", "tag", "tags", "etykieta", "etykiety"),
}  # fmt: skip


class Guess(NamedTuple):
    has_header: bool
    columns: list[str]


def guess(rows: Sequence[Sequence[str]], country: str) -> Guess:
    """Say whether the first row is a header, and what each column is."""
    has_header = bool(rows) and not any(_is_number(cell, country) for cell in rows[0])
    return Guess(has_header, columns_of(rows, country, has_header=has_header))


def columns_of(rows: Sequence[Sequence[str]], country: str, *, has_header: bool) -> list[str]:
    """Say what each column is, by its header, and where the numbers are, else by what is in it."""
    width = max(map(len, rows), default=0)
    columns = [IGNORED] * width
    if has_header:
        _name_by_header(columns, [_line(cell).casefold().rstrip(".:") for cell in rows[0]])
    if PHONE not in columns:
        body = rows[1:] if has_header else rows
        counts = [
            sum(_is_number(_cell(row, place), country) for row in body) for place in range(width)
        ]
        if best := max(counts, default=0):
            columns[counts.index(best)] = PHONE
    return columns


def _name_by_header(columns: list[str], header: Sequence[str]) -> None:
    taken: set[str] = set()
    for is_whole in (True, False):
        for column, hints in _HINTS.items():
            for place, title in enumerate(header):
                is_named = title in hints if is_whole else any(hint in title for hint in hints)
                if is_named and columns[place] == IGNORED and column not in taken:
                    columns[place] = column
                    taken.add(column)


def _is_number(cell: str, country: str) -> bool:
    try:
        read_number(cell, country)
    except Problem as problem:
        return problem.reason == Reason.ROUNDED
    return True
