"""Files that people upload: encodings, delimiters, Excel's numbers, and what asks for too much."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest

from contacts import spreadsheets
from contacts.spreadsheets import AS_GUESSED, Reading, Unreadable
from smsgate.config import PROJECT_DIR
from tests.contacts import workbooks
from tests.contacts.workbooks import number, text

LINES = "telefon;imię\n500600700;Żółć\n"


def rows(data: bytes, wanted: Reading = AS_GUESSED) -> list[tuple[int, list[str]]]:
    with spreadsheets.opened(data, wanted) as table:
        return [(row.number, row.cells) for row in table.rows]


@pytest.mark.parametrize(
    ("codec", "named"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("cp1250", "cp1250")],
)
def test_an_encoding_is_known_by_its_bytes(codec: str, named: str) -> None:
    look = spreadsheets.look(LINES.encode(codec), AS_GUESSED)
    assert look.reading == Reading("", named, ";")
    assert look.sample == [(1, ["telefon", "imię"]), (2, ["500600700", "Żółć"])]


def test_another_encoding_is_chosen() -> None:
    data = LINES.encode("iso8859-2")
    assert rows(data, Reading(encoding="iso8859-2"))[1] == (2, ["500600700", "Żółć"])
    with pytest.raises(Unreadable, match="choose another"):
        rows(data, Reading(encoding="utf-8"))


@pytest.mark.parametrize(
    ("lines", "delimiter", "second"),
    [
        ("a;b\n1,5;2\n", ";", ["1,5", "2"]),
        ("a,b\n1,2\n", ",", ["1", "2"]),
        ("a\tb\r\n1\t2\r\n", "\t", ["1", "2"]),
        ("a|b\r1|2\r", "|", ["1", "2"]),
        ("a\n1\n", "", ["1"]),
        ("Nowak, Jan\nKowal\nLis\n", "", ["Kowal"]),
        ('a;b\n"x;\ny";2\n', ";", ["x;\ny", "2"]),
        ('a;b\nx "y" z;2\n', ";", ['x "y" z', "2"]),
    ],
)
def test_a_delimiter_is_what_parts_all_rows_alike(
    lines: str, delimiter: str, second: list[str]
) -> None:
    look = spreadsheets.look(lines.encode(), AS_GUESSED)
    assert look.reading.delimiter == delimiter
    assert look.sample[1].cells == second


def test_excels_own_line_names_the_delimiter_and_is_no_row() -> None:
    assert rows(b"sep=|\r\na|b\r\n1|2\r\n") == [(2, ["a", "b"]), (3, ["1", "2"])]


def test_blank_rows_count_for_the_numbers_of_the_others_alone() -> None:
    look = spreadsheets.look(b"a;b\n\n;;\n1;2\n", AS_GUESSED)
    assert (look.rows, look.sample[1].number) == (2, 4)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no rows"),
        (b"\n \n", "no rows"),
        (b"a\0b", "no table"),
        (b"%PDF-1.7", "no table"),
        (b'a;b\n1;"x\n2;y\n', "row 2 is not closed"),
        (b"1;" * 201 + b"1", "202 columns"),
        (b"500600700\n" * 100_002, "100,001 rows"),
        (b"1\n" * 1_000_100, "more than 1,000,000 rows"),
        (b"PK\x03\x04 and no more", "no workbook"),
        (b"\xd0\xcf\x11\xe0 and no more", "no workbook"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_the_reason(data: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        spreadsheets.look(data, AS_GUESSED)


def test_the_most_rows_are_read_with_a_header() -> None:
    assert spreadsheets.look(b"500600700\n" * 100_001, AS_GUESSED).rows == 100_001


def test_a_workbooks_numbers_are_whole_and_its_formulas_have_their_values() -> None:
    formula = '<c t="str"><f>A1</f><v>Jan</v></c>'
    data = workbooks.xlsx(
        [text("Telefon"), text("Imię")],
        [number(48500600702), formula],
        [number("4.8500600703E10"), number(12.5)],
        [workbooks.FORMULA_WITHOUT_VALUE, text("Ola")],
    )
    assert rows(data) == [
        (1, ["Telefon", "Imię"]), (2, ["48500600702", "Jan"]), (3, ["48500600703", "12.5"]),
        (4, ["", "Ola"]),
    ]  # fmt: skip
    assert spreadsheets.look(data, AS_GUESSED).sheets == ["Klienci"]


def test_a_sheet_is_chosen() -> None:
    data = workbooks.XLS.read_bytes()
    look = spreadsheets.look(data, AS_GUESSED)
    assert (look.sheets, look.reading.sheet) == (["Klienci", "Inne"], "Klienci")
    assert [row.cells for row in look.sample] == [
        ["Telefon", "Imię"], ["48500600702", "Żaneta"], ["500600703.0", "Jan"],
    ]  # fmt: skip
    assert rows(data, Reading(sheet="Inne")) == [(1, ["600700800"])]


def test_a_workbook_of_open_document_is_read() -> None:
    row = (
        '<table:table-row><table:table-cell office:value-type="float" office:value="48500600702"/>'
        '<table:table-cell office:value-type="string"><text:p>Żaneta</text:p></table:table-cell>'
        "</table:table-row>"
    )
    assert rows(workbooks.ods([row])) == [(1, ["48500600702", "Żaneta"])]


def _spaces() -> Iterator[str]:
    yield workbooks.SHEET
    yield from (" " * 2**20 for _ in range(1_500))
    yield workbooks.END


def _one_cell() -> Iterator[str]:
    yield f'{workbooks.SHEET}<row><c t="inlineStr"><is><t>'
    yield from ("a" * 2**20 for _ in range(1_500))
    yield f"</t></is></c></row>{workbooks.END}"


def _entities() -> str:
    names = [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)]
    return f'<!DOCTYPE w [<!ENTITY e0 "aaaaaaaaaa">{"".join(names)}]>'


BOMBS = {
    "spaces": lambda: workbooks.of_sheet(_spaces()),
    "one cell": lambda: workbooks.of_sheet(_one_cell()),
    "far corner": lambda: workbooks.of_sheet([
        workbooks.SHEET, '<row r="1"><c r="A1"><v>1</v></c></row>',
        '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>', workbooks.END,
    ]),
    "entities": lambda: workbooks.of_sheet([
        _entities(), workbooks.SHEET, f"<row>{text('&e9;')}</row>", workbooks.END,
    ]),
    "repeated": lambda: workbooks.ods([
        '<table:table-row table:number-rows-repeated="1000000"><table:table-cell'
        ' table:number-columns-repeated="16000" office:value-type="float" office:value="1"/>'
        "</table:table-row>",
    ]),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_workbook_that_asks_for_too_much_is_refused_and_costs_little(bomb: str) -> None:
    data = BOMBS[bomb]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Unreadable, match="save it as CSV"):
        spreadsheets.look(data, AS_GUESSED)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert used < 20 * 1024, f"{used} KiB here"
    assert taken_by_the_reader(data) < 300 * 1024


# A process of its own, since a child's peak begins with what its parent had when it was forked.
PEAK = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "contacts.workbook", ""], stdin=sys.stdin, capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def taken_by_the_reader(data: bytes) -> int:
    """Return the KiB that it had at most."""
    finished = subprocess.run(
        [sys.executable, "-c", PEAK],
        cwd=PROJECT_DIR,
        input=data,
        stdout=subprocess.PIPE,
        check=True,
    )
    return int(finished.stdout)


def test_a_reader_that_is_left_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it: its place is free for the next."""
    data = workbooks.xlsx(*([number(n)] for n in range(50_000)))
    monkeypatch.setattr("contacts.workbook.WAIT_SECONDS", 0)
    for _ in range(3):
        with spreadsheets.opened(data, AS_GUESSED) as table:
            assert next(table.rows).cells == ["0"]
