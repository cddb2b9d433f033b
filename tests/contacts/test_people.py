"""A row of somebody's list as a person: what stands in cells, what headers say, and what is doubtful."""

from __future__ import annotations

import pytest

from contacts import people
from contacts.people import BadColumns, Columns, Person, Problem, Reason


@pytest.mark.parametrize(
    ("cell", "phone"),
    [
        ("500600700", "+48500600700"),
        ("48500600702", "+48500600702"),
        ("500600703.0", "+48500600703"),
        ("48500600703,00", "+48500600703"),
        ("'+48 500 600 700", "+48500600700"),
        ("tel. 500\u00a0600\u00a0700", "+48500600700"),
        ("Nr tel.: +48500600700", "+48500600700"),
        ("kom. (500) 600-700", "+48500600700"),
        ("\u202a+48500600700\u202c", "+48500600700"),
    ],
)
def test_a_number_is_read_as_it_stands_in_a_cell(cell: str, phone: str) -> None:
    assert people.read_number(cell, "PL") == (phone, False)


@pytest.mark.parametrize(
    "cell",
    ["500600700, 600700800", "500600700/600700800", "500 600 700 lub 600 700 800",
     "500600700\n600700800", "500600700 600700800", "tel. 500600700; fax 221234567"],
)  # fmt: skip
def test_of_two_numbers_in_a_cell_the_first_is_taken_and_that_is_noted(cell: str) -> None:
    assert people.read_number(cell, "PL") == ("+48500600700", True)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", Reason.MISSING), (" \u00a0", Reason.MISSING), ("tel.", Reason.MISSING),
        ("4,85006E+10", Reason.ROUNDED), ("4.85006e10", Reason.ROUNDED),
        ("abc", Reason.INVALID), ("12", Reason.INVALID), ("7255", Reason.INVALID),
        ("2026-11-28", Reason.INVALID),
    ],
)  # fmt: skip
def test_what_is_no_number_says_why(cell: str, reason: Reason) -> None:
    with pytest.raises(Problem) as problem:
        people.read_number(cell, "PL")
    assert problem.value.reason == reason
    assert problem.value.words


def test_the_first_of_several_fields_that_is_a_number_is_taken() -> None:
    assert people.first_number(["brak", "500600700", "600700800"], "PL") == "+48500600700"
    with pytest.raises(Problem) as problem:
        people.first_number(["brak", "4,85E+10"], "PL")
    assert problem.value.reason == Reason.INVALID
    with pytest.raises(Problem) as problem:
        people.first_number([], "PL")
    assert problem.value.reason == Reason.MISSING


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("Telefon;Imię;Nazwisko;Miasto;Grupy", ["phone", "first_name", "last_name", "", "groups"]),
        ("Nr telefonu klienta;Imię i nazwisko", ["phone", "name"]),
        ("Name;Mobile;Tags", ["name", "phone", "groups"]),
        ("Numer faktury;Tel.", ["", "phone"]),
        ("A;B", ["phone", ""]),
    ],
)
def test_columns_are_known_by_their_header_else_by_what_is_in_them(
    header: str, columns: list[str]
) -> None:
    titles = header.split(";")
    numbers = ["500600700"] * len(titles)
    assert people.guess([titles, numbers], "PL") == (True, columns)


def test_a_row_with_a_number_is_no_header() -> None:
    assert people.guess([["Jan", "500600700"], ["Ola", "4,85E+10"]], "PL") == (False, ["", "phone"])


def test_a_row_is_a_person() -> None:
    columns = Columns.of(["last_name", "first_name", "phone", "groups", "field:miasto", ""])
    row = [" Nowak ", "Anna\u00a0Maria", "500600700", "VIP; Kraków;VIP", "Łódź", "x"]
    assert columns.person(row, "PL") == Person(
        "+48500600700", "Anna Maria Nowak", ("VIP", "Kraków"), {"miasto": "Łódź"}
    )
    assert columns.person(["", "", "500600700"], "PL") == Person("+48500600700", fields={})
    with pytest.raises(Problem) as problem:
        columns.person(["x" * 256, "", "500600700"], "PL")
    assert problem.value.reason == Reason.TOO_LONG


@pytest.mark.parametrize(
    "columns",
    [
        [], ["name"], ["phone", "phone"], ["phone", "telephone"], ["phone", "field:"],
        ["phone", "field:name"], ["phone", "field:{x}"], ["phone", "field:a\0"],
        ["phone", *(f"field:{n}" for n in range(21))],
    ],
)  # fmt: skip
def test_columns_that_nobody_can_mean_are_refused(columns: list[str]) -> None:
    with pytest.raises(BadColumns):
        Columns.of(columns)


@pytest.mark.parametrize(
    ("phone", "why"),
    [
        ("+48500600700", ""), ("+4915112345678", "foreign"), ("+48221234567", "landline"),
        ("+48400000000", "unknown_range"),
    ],
)  # fmt: skip
def test_a_number_that_may_be_another_is_doubted(phone: str, why: str) -> None:
    assert people.doubt_of(Person(phone), "PL") == why
