"""Read what people upload: CSV and text in the encodings and notations of spreadsheets, and workbooks
(contacts.workbook). Pure: it knows no contact."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple

from contacts import workbook

MOST_ROWS = 100_000  # below the header; blank ones do not count
MOST_COLUMNS = 200
SAMPLE = 50  # rows by which is guessed, and that are shown

# What a person may choose, and what each is called.
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1250": "Windows-1250",
    "iso8859-2": "ISO-8859-2",
    "iso8859-1": "ISO-8859-1",
}
DELIMITERS = (";", ",", "\t", "|")

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Unreadable(ValueError):
    """Says in one sentence what is wrong with a file; `words` may have a place for `values`."""

    def __init__(self, words: str, **values: object) -> None:
        self.words, self.values = words, values
        super().__init__(words % values if values else words)


_NO_TABLE = "this is no table: upload CSV, text, xlsx, xls or ods"
_NOT_THIS = "the file has letters that this encoding has not: choose another"
_QUOTE = "a quotation mark in row %(row)s is not closed"
_LONG_CELL = (
    "row %(row)s has a cell of more than 131,072 characters: is a quotation mark not closed?"
)
_COLUMNS = "the table has %(number)s columns; at most %(most)s can be read"
_ROWS = "the file has %(number)s rows; at most %(most)s can be imported: part it into several files"
_MANY_ROWS = "the file has more than %(number)s rows; at most %(most)s can be imported"
_EMPTY = "the file has no rows"
_COUNTED = 1_000_000  # rows; of more a request would have nothing but work


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read. A workbook has a sheet, a text the other two."""

    sheet: str = ""
    encoding: str = ""
    delimiter: str = ""  # '': the file has one column


AS_GUESSED = Reading()


class Row(NamedTuple):
    """A row that is not blank, by the number that a spreadsheet shows beside it."""

    number: int
    cells: list[str]


class Table(NamedTuple):
    reading: Reading
    sheets: list[str]
    rows: Iterator[Row]


def is_workbook(data: bytes) -> bool:
    return data.startswith(workbook.SIGNS)


@contextmanager
def opened(data: bytes, wanted: Reading) -> Iterator[Table]:
    """Read a file as wanted; what is not said is guessed. Raise Unreadable, also between rows, and
    workbook.Busy."""
    try:
        if is_workbook(data):
            with workbook.opened(data, wanted.sheet) as sheet:
                yield Table(Reading(sheet=sheet.name), sheet.sheets, _filled(sheet.rows))
        else:
            text = _text(data, wanted)
            reading = replace(wanted, encoding=text.encoding, delimiter=text.delimiter)
            yield Table(reading, [], _filled(_records(text)))
    except workbook.BadWorkbook as error:
        raise Unreadable(str(error)) from None


class Look(NamedTuple):
    """How a file was read, its first rows, and how many it has, header included."""

    reading: Reading
    sheets: list[str]
    sample: list[Row]
    rows: int


def look(data: bytes, wanted: Reading) -> Look:
    """Read a file to its end. Raise as `opened`, and Unreadable where it has no rows, or too many."""
    sample: list[Row] = []
    number = 0
    with opened(data, wanted) as table:
        for number, row in enumerate(table.rows, 1):
            if number <= SAMPLE:
                sample.append(row)
            if number > _COUNTED:
                raise Unreadable(_MANY_ROWS, number=f"{_COUNTED:,}", most=f"{MOST_ROWS:,}")
    if not number:
        raise Unreadable(_EMPTY)
    check_number(number - 1)
    return Look(table.reading, table.sheets, sample, number)


def check_number(rows: int) -> None:
    """Raise Unreadable where a file has more rows than may be, its header not counted."""
    if rows > MOST_ROWS:
        raise Unreadable(_ROWS, number=f"{rows:,}", most=f"{MOST_ROWS:,}")


class _Text(NamedTuple):
    data: bytes
    encoding: str
    delimiter: str
    first: int  # the number of its first row

    def lines(self) -> Iterator[str]:
        codec = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        lines = io.TextIOWrapper(io.BytesIO(self.data), codec, newline="")
        return islice(lines, self.first - 1, None)


def _text(data: bytes, wanted: Reading) -> _Text:
    encoding = wanted.encoding or _encoding(data)
    try:
        has_nul = "\0" in data.decode(encoding)
    except UnicodeError:
        raise Unreadable(_NOT_THIS) from None
    if has_nul or data.startswith(b"%PDF"):
        raise Unreadable(_NO_TABLE)
    text = _Text(data, encoding, wanted.delimiter, 1)
    if named := _named_delimiter(next(text.lines(), "")):
        text = text._replace(first=2)
    return text._replace(delimiter=text.delimiter or named or _delimiter(text))


def _encoding(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    for encoding in ("utf-8", "cp1250"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "iso8859-2"  # has every byte


def _named_delimiter(line: str) -> str:
    """Return what Excel's first line `sep=;` names."""
    name, _, delimiter = line.strip("\r\n").partition("=")
    return delimiter if name.lower() == "sep" and len(delimiter) == 1 else ""


def _delimiter(text: _Text) -> str:
    """Return what parts the first rows into the same number of cells, the more the better; else what
    does so in most of them; '' where nothing does."""
    best, best_rank = "", (0.0, 0)
    lines = list(islice(text.lines(), SAMPLE))
    for delimiter in DELIMITERS:
        try:
            widths = Counter(
                len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells
            )
        except csv.Error:
            continue
        width, times = next(iter(widths.most_common(1)), (0, 0))
        rank = (times / max(widths.total(), 1), width)
        if width > 1 and rank > best_rank:
            best, best_rank = delimiter, rank
    return best


def _records(text: _Text) -> Iterator[list[str]]:
    """Yield the rows of a text, blank ones too."""
    is_over = False

    def lines() -> Iterator[str]:
        nonlocal is_over
        yield from text.lines()
        is_over = True

    rows = csv.reader(lines(), delimiter=text.delimiter or "\t")
    number = text.first - 1
    yield from ([] for _ in range(number))
    try:
        for number, cells in enumerate(rows, text.first):
            if (
                is_over
            ):  # it looks for the mark that closes a cell: all behind the open one is in it
                raise Unreadable(_QUOTE, row=number)
            yield cells
    except csv.Error:
        raise Unreadable(_LONG_CELL, row=number + 1) from None


def _filled(records: Iterable[list[str]]) -> Iterator[Row]:
    """Yield the rows that are not blank, each to its last cell that is not."""
    for number, cells in enumerate(records, 1):
        width = len(cells)
        while width and not cells[width - 1].strip():
            width -= 1
        if width > MOST_COLUMNS:
            raise Unreadable(_COLUMNS, number=width, most=MOST_COLUMNS)
        if width:
            yield Row(number, cells[:width])
