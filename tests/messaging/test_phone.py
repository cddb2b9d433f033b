"""messaging.phone: what is a phone number, over all countries, and docs/api.md's table of classes."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import phonenumbers
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from licenses import tokens
from messaging import phone
from messaging.models import Message, OptOut
from messaging.phone import InvalidPhone, is_foreign, parse_phone
from tests.conftest import Api, Tenant

SPREADSHEET = "looks like a spreadsheet's number: format the column as text"
ANOTHER_COUNTRYS = "another country's number"

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
KINDS = {"mobile": PhoneNumberType.MOBILE, "landline": PhoneNumberType.FIXED_LINE}

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u202d\u2060\u2066\u2069\ufeff\u00ad\u061c"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d"
SPACES = " \u00a0\u2002\u2007\u2009\u202f\u3000"


class Known(NamedTuple):
    """A number that libphonenumber gives as an example of its country."""

    region: str
    kind: str
    code: str
    significant: str
    national: str

    @property
    def e164(self) -> str:
        return f"+{self.code}{self.significant}"


def known(region: str, kind: str) -> Known | None:
    number = phonenumbers.example_number_for_type(region, KINDS[kind])
    if number is None:
        return None
    return Known(
        region, kind, str(number.country_code),
        phonenumbers.national_significant_number(number),
        phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL),
    )  # fmt: skip


EXAMPLES = [found for region in REGIONS for kind in KINDS if (found := known(region, kind))]
MOBILES = [one for one in EXAMPLES if one.kind == "mobile"]


def read(written: object, country: str) -> str:
    """The number, or the words of its refusal."""
    try:
        return parse_phone(written, country)  # type: ignore[arg-type]
    except InvalidPhone as refusal:
        return str(refusal)


def digits(text: str) -> str:
    return "".join(one for one in text if one in "0123456789")


def dialled_by_a_person(written: str, country: str) -> set[str]:
    """Every number in E.164 that somebody in `country` could mean: these digits, without at most one
    prefix for calls within the country or abroad, and with the country's code where there is none."""
    plan = PhoneMetadata.metadata_for_region(country)
    assert plan is not None
    own, rest = str(plan.country_code), digits(written)
    meant: set[str] = set()

    def within(code: str, national: str, prefixes: set[str]) -> None:
        meant.update(f"+{code}{national.removeprefix(prefix)}" for prefix in prefixes | {""})

    def abroad(international: str) -> None:
        for length in (1, 2, 3):
            code = international[:length]
            for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code or 0), ())[:1]:
                within(code, international[length:], trunk_prefixes(region))

    abroad(rest) if "+" in written else within(own, rest, trunk_prefixes(country))
    if "+" not in written:
        for prefix in ("00", "011", "010", "810", "8~10"):
            if rest.startswith(digits(prefix)):
                abroad(rest.removeprefix(digits(prefix)))
        if found := re.match(plan.international_prefix or "$.", rest):
            abroad(rest.removeprefix(found[0]))
        if rest.startswith(own):
            abroad(rest)
    return meant


def trunk_prefixes(region: str) -> set[str]:
    plan = PhoneMetadata.metadata_for_region_or_calling_code(0, region)
    older = {"BY": {"80", "8"}, "LT": {"8"}}
    return {"0", (plan.national_prefix if plan else None) or ""} | older.get(region, set())


def rows_of_the_documents_table() -> list[tuple[str, str, str]]:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    table = text.split("## Phone numbers", 1)[1].split("\n\n## ", 1)[0]
    cells = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return [(row[1], row[2], row[3].rstrip(" |")) for row in cells[2:]]


ROWS = rows_of_the_documents_table()


@pytest.mark.parametrize(("written", "country", "answer"), ROWS, ids=[row[0] for row in ROWS])
def test_the_document_tells_each_class_as_it_is_read(
    written: str, country: str, answer: str
) -> None:
    if written.startswith("`"):
        text = re.sub(r"\\u([0-9a-f]{4})", lambda mark: chr(int(mark[1], 16)), written.strip("`"))
        got = read(text, country)
    else:
        got = read(float(written) if "." in written else int(written), country)
    expected = answer.split("`")[1]
    assert got == expected if expected.startswith("+") else expected in got


def test_the_documents_table_is_read_whole() -> None:
    assert len(ROWS) == 54


def test_every_form_of_a_countrys_own_number_is_that_number() -> None:
    for one in EXAMPLES:
        plan = PhoneMetadata.metadata_for_region(one.region)
        assert plan is not None
        bare = [one.national, digits(one.national), one.code + one.significant, one.significant]
        forms = [one.e164, f"00 {one.code} {one.significant}"]
        if plan.national_prefix:
            bare.append(plan.national_prefix + one.significant)
            forms.append(f"+{one.code} ({plan.national_prefix}) {one.significant}")
        if (plan.international_prefix or "").isdigit():
            forms.append(f"{plan.international_prefix} {one.code} {one.significant}")
        assert {form: read(form, one.region) for form in forms} == dict.fromkeys(forms, one.e164)
        for form in bare:
            got = read(form, one.region)
            if one.kind == "mobile" or got.startswith("+"):
                assert got == one.e164, form
            else:  # a landline may be refused where its digits are somebody else's too
                assert ANOTHER_COUNTRYS in got or "can be read as two numbers" in got, form


@pytest.mark.parametrize("country", ["PL", "DE", "IT", "BY", "US", "NO", "FR", "BR", "IN", "CI"])
def test_another_countrys_number_without_plus_is_never_dialled_as_one_of_the_accounts(
    country: str,
) -> None:
    own = phonenumbers.country_code_for_region(country)
    for one in EXAMPLES:
        if one.code == str(own):
            continue
        for form in (one.code + one.significant, f"{one.code} {one.significant}"):
            got = read(form, country)
            if got.startswith("+"):  # it is a mobile number here, and a person here would dial it
                assert got == f"+{own}{one.code}{one.significant}"
                kind = phonenumbers.number_type(phonenumbers.parse(got))
                assert kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
            else:
                assert "+" in got


def test_what_a_spreadsheet_makes_of_a_number_is_refused() -> None:
    for one in MOBILES:
        whole = one.code + one.significant
        if len(whole) < 7:
            continue
        thousands = f"{int(whole):,}"
        forms: list[str | float] = [
            f"{whole}.0", f"+{whole}.0", f"{whole}.00", f"{whole},0", f"+{whole},00", f"{whole}.000",
            f" {whole}.0 ", thousands, thousands.replace(",", "'"), thousands.replace(",", "’"),
            f"{thousands}.00", f"{float(whole):.5E}", f"{float(whole):.1e}", float(whole),
        ]  # fmt: skip
        for form in forms:
            assert SPREADSHEET in read(form, one.region), form


def test_what_is_more_than_one_number_is_refused() -> None:
    for one in MOBILES:
        for form in (
            f"{one.e164} (2)", f"{one.e164}(2)", f"{one.e164} [2]", f"{one.e164} (2", f"{one.e164} 2)",
            f"{one.e164} ext. 5", f"{one.e164}x5", f"{one.e164};ext=5", f"{one.e164}#5", f"{one.e164},5",
            f"{one.e164}/{one.e164}", f"{one.e164} {one.e164}", f"{one.e164}\n{one.e164}",
            f"{one.e164}, {one.e164}", f"{one.e164};{one.e164}", f"{one.e164}|{one.significant}",
            f"{one.e164}\t{one.significant}", f"tel:{one.e164}", f"{one.e164}A", f"{one.e164}²",
            f"*{one.significant}", f"-{one.significant}", f"+{one.e164}", f"00{one.e164}",
        ):  # fmt: skip
            assert not read(form, one.region).startswith("+"), form


def test_digits_beside_a_whole_mobile_number_are_never_dialled_as_part_of_it() -> None:
    """An extension, a list's number: taken only where all digits together are of a known range."""
    for one in MOBILES:
        for form in (
            f"{one.e164}-1", f"{one.e164} 2", f"{one.e164} - 12", f"{one.e164}.8", f"{one.national}-1",
            f"{one.significant} 0", f"1 {one.significant}", f"(2) {one.significant}",
        ):  # fmt: skip
            got = read(form, one.region)
            assert not got.startswith("+") or phonenumbers.is_valid_number(
                phonenumbers.parse(got)
            ), form


def test_a_countrys_code_that_stands_twice_is_never_dialled() -> None:
    for one in MOBILES:
        for form in (
            f"+{one.code}{one.code}{one.significant}", f"{one.code}{one.code}{one.significant}",
            f"+{one.code} ({one.code}) {one.significant}", f"0{one.code}{one.significant}",
            f"00{one.code}{one.code}{one.significant}",
        ):  # fmt: skip
            got = read(form, one.region)
            if got.startswith("+") and got != one.e164:  # it is a mobile number that a person reads
                kind = phonenumbers.number_type(phonenumbers.parse(got))
                assert kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE), form
                assert got in dialled_by_a_person(form, one.region), form


@pytest.mark.parametrize(
    ("written", "country"),
    [
        ("0065 65 8123 4567", "SG"),  # not Chile's +56 581234567, behind 006
        ("0 248 2519711", "SC"),  # not Poland's +48 2519711, behind 02
        ("00 855 855 98630881", "KH"),  # not Brazil's, behind 008
    ],
)
def test_no_exit_code_ends_within_the_own_countrys_code(written: str, country: str) -> None:
    assert not read(written, country).startswith("+")


@pytest.mark.parametrize("country", ["ID", "IT", "JP", "KR", "VA"])
def test_two_zeros_are_kept_only_in_a_known_number(country: str) -> None:
    for one in EXAMPLES:
        if one.region != country:
            continue
        for form in (f"000{one.code}{one.significant}", f"+{one.code} (0) 0{one.significant}"):
            got = read(form, country)
            assert not got.startswith(f"+{one.code}00"), form


@pytest.mark.parametrize("written", ["2026-04-10", "2026.4.1", "10.04.2026", "1-4-1999"])
@pytest.mark.parametrize("country", ["PL", "DE", "NO", "IT"])
def test_a_date_is_no_number(written: str, country: str) -> None:
    assert "looks like a date" in read(written, country)


def test_marks_that_nobody_sees_and_separators_change_nothing() -> None:
    for one in MOBILES:
        for mark in (*INVISIBLE, *DASHES, *SPACES):
            middle = len(one.significant) // 2
            split = one.significant[:middle] + mark + one.significant[middle:]
            assert read(f"+{one.code}{split}", one.region) == one.e164, repr(mark)
        for mark in (*INVISIBLE, *SPACES):
            assert read(f"{mark}{one.e164}{mark}", one.region) == one.e164, repr(mark)


@pytest.mark.parametrize(
    "mark", ["\u202e", "\u2800", "\u3164", "\ufe0f", "٣", "３", "৩", "\0", "\x1b"]
)
def test_a_mark_that_hides_or_turns_digits_is_refused(mark: str) -> None:
    assert not read(f"+48601234{mark}567", "PL").startswith("+")


@settings(max_examples=1000, suppress_health_check=[HealthCheck.too_slow])  # a busy machine
@example("+49 00 151 12345678", "DE")
@example("8 10 375 29 123 45 67", "BY")
@example("48123456789012", "DE")  # sixteen digits with its code
@example("600 48 601 234 567", "PL")
@example("0310000000", "CO")  # 03 is also how one carrier is chosen
@example("+(434)343", "PL")  # nothing but a country's code
@given(
    st.one_of(
        st.from_regex(r"\+?[0-9]{5,15}", fullmatch=True),
        st.from_regex(r"\(?\+?[0-9]{1,4}\)?([ .-]?[0-9]{2,4}){2,5}", fullmatch=True),
        st.text("0123456789+ -.()[]'/,x\u200e\u00a0", max_size=20),
        st.builds(
            lambda before, one, form: before + (one.e164, one.significant, one.national)[form],
            st.sampled_from(["", "0", "00", "+", "8", "1", "(0)", "011", "810", "8 10 ", "48", "49"]),
            st.sampled_from(EXAMPLES),
            st.integers(0, 2),
        ),
    ),
    st.sampled_from([*["PL", "DE", "IT", "BY", "US", "NO", "LT", "CI", "HU", "KR"], *REGIONS]),
)  # fmt: skip
def test_what_is_accepted_dials_what_a_person_who_reads_it_would_dial(
    written: str, country: str
) -> None:
    got = read(written, country)
    if not got.startswith("+"):
        return
    national = next((one.e164 for one in EXAMPLES if written == one.national), None)
    assert re.fullmatch(r"\+[1-9][0-9]{1,14}", got)
    # The plan's own way to write a mobile number: Argentina's 011 15-… is +54 9 11 ….
    assert got in dialled_by_a_person(written, country) | {national}


@pytest.mark.parametrize("any_length", [False, True])
def test_a_countrys_code_again_and_again_is_read_or_refused(any_length: bool) -> None:
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        for length in range(2, 16):
            written = "+" + (str(code) * length)[:length]
            with suppress(InvalidPhone):
                assert parse_phone(written, "PL", any_length=any_length) == written


def test_a_number_and_a_string_of_the_same_digits_are_read_alike() -> None:
    for one in MOBILES:
        for text in (one.code + one.significant, one.significant.lstrip("0")):
            assert read(int(text), one.region) == read(text, one.region)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("7255", "7255"),
        ("72 55", "7255"),
        ("40612345", "+4740612345"),  # or its opt-out would not hold
        ("22123456", "+4722123456"),
        ("0047 40612345", "+4740612345"),
    ],
)
def test_a_number_of_the_country_is_no_short_code(written: str, expected: str) -> None:
    assert parse_phone(written, "NO", allow_short_codes=True) == expected


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("375291234567", "PL", "+375291234567"),
        ("375 (29) 123-45-67", "PL", "+375291234567"),
        ("3750291234567", "PL", "+375291234567"),
        ("00375291234567", "PL", "+375291234567"),
        ("+375291234567", "PL", "+375291234567"),
        ("40612345", "NO", "+4740612345"),
        ("601234567", "PL", "begin with the country code"),  # not +60 1234567
        ("3401234567", "IT", "begin with the country code"),
        ("4798765432", "US", "can be read as two numbers"),
        ("0601234567", "PL", "enter a number"),
        ("375291234567.0", "BY", SPREADSHEET),
    ],
)
def test_bare_digits_that_begin_with_a_country_code(
    written: str, country: str, expected: str
) -> None:
    try:
        got = parse_phone(written, country, bare_has_country_code=True)
    except InvalidPhone as refusal:
        got = str(refusal)
    assert expected in got


def test_any_length_is_for_numbers_with_plus_only() -> None:
    machine = "+4759000123456"  # too long for Norway's plan
    assert parse_phone(machine, "PL", any_length=True) == machine
    for written in (machine, "4759000123456"):
        assert not read(written, "PL").startswith("+")
    with pytest.raises(InvalidPhone):
        parse_phone("+480601234567890", "PL", any_length=True)


def test_no_text_takes_long_to_be_refused() -> None:
    began = time.process_time()
    for text in ("1" * 64, "1 " * 32, "1(" * 32, "(1)" * 21, "1," * 32, "1'" * 32, "9" * 10**6):
        read(text, "PL")
    assert time.process_time() - began < 1


def test_a_refusal_never_quotes_the_number() -> None:
    for one in MOBILES:
        for form in (f"{one.e164}.0", f"{one.e164} x5", one.e164[:5], f"99{one.significant}"):
            words = read(form, "PL")
            assert words.startswith("+") or one.significant not in words.replace("+48123456789", "")


def test_foreign_is_another_calling_code() -> None:
    for one in MOBILES:
        assert not is_foreign(one.e164, one.region)
        assert is_foreign(one.e164, "PL") == (one.code != "48")
        assert not is_foreign("7255", one.region)


@pytest.mark.parametrize(
    "given",
    [
        "601234567.0",
        "4521234567",
        "+48601234567 (2)",
        "601234567/602345678",
        601234567.0,
        4521234567,
    ],
)
def test_every_native_route_refuses_what_would_reach_somebody_else(
    api: Api, tenant: Tenant, given: str | float
) -> None:
    message, person = tenant.message(phone=given), {"name": "Jan", "phone": given}
    text = quote(f"{given}")
    answers = [
        api.post("/api/messages/", message),
        api.post("/api/messages/bulk/", tenant.bulk([message], all_or_nothing=True)),
        api.post("/api/contacts/contacts/", tenant.with_keys(**person)),
        api.post("/api/opt-outs/", {"license__key": tenant.keys.license_key, "phone": given}),
        api.client.get(f"/api/messages/?phone={text}", headers=tenant.headers),
        api.client.delete(f"/api/opt-outs/{text.replace('/', '%2F')}/", headers=tenant.headers),
        api.client.get(f"/hooks/{tokens.new_hook(tenant.license)}/?message=Hi&phone={text}"),
    ]
    assert [answer.status_code for answer in answers[:5]] == [400] * 5
    assert answers[5].status_code in (400, 404)
    assert answers[6].status_code == 400
    bulk = api.post("/api/contacts/contacts/bulk/", tenant.with_keys(contacts=[person]))
    assert bulk.json()["skipped"][0]["reason"] == "invalid"
    assert not Message.objects.exists()
    assert not OptOut.objects.exists()


@pytest.mark.parametrize(
    "written", ["0321 123456", "0332 123456", "035 1234567", "0438 345 6480", "03173456087"]
)
def test_an_italian_landline_is_never_read_as_somebodys_mobile_number(written: str) -> None:
    """Without its zero 0321 123456 is a mobile number; the zero is one of its digits."""
    digits = re.sub("[^0-9]", "", written)
    assert read(written, "IT") == f"+39{digits}"
    assert read("0340 1234567", "IT") == "+393401234567"  # no landline: the zero was a trunk's


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("500 (0) 51234", "PL", ANOTHER_COUNTRYS),  # the Falklands; not +48 500 051 234
        ("39 (0) 0212345678", "DE", "leave out the 0"),
        ("+39 (0) 312 3456789", "PL", "leave out the 0"),  # or Como's landline 031 23456789
        ("0039 [0] 312 3456789", "DE", "leave out the 0"),
        ("+39 (0) 2 12345678", "PL", "+390212345678"),
        ("+39 (0) 340 1234567", "PL", "+393401234567"),
        ("49 (0) 151 12345678", "DE", "+4915112345678"),
        ("(+49) (0) 151 12345678", "PL", "+4915112345678"),
        ("00 49 (0) 151 12345678", "PL", "+4915112345678"),
        ("0 (0) 49 151 12345678", "PL", "+4915112345678"),
    ],
)
def test_a_zero_in_brackets_stands_behind_a_countrys_code(
    written: str, country: str, expected: str
) -> None:
    assert expected in read(written, country)


@given(
    st.integers(1, 999).filter(lambda code: code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE),
    st.from_regex("[0-9]{0,14}", fullmatch=True),
)
def test_the_fast_reading_is_that_of_the_library(code: int, digits: str) -> None:
    number = f"+{code}{digits}"[:16]
    fast = phone._without_trunk_prefix(number)
    assert fast is None or fast == phonenumbers.parse(number)


def test_the_fast_reading_reads_each_countrys_mobile_numbers() -> None:
    read = [
        phone._without_trunk_prefix(phonenumbers.format_number(example, PhoneNumberFormat.E164))
        for region in phonenumbers.SUPPORTED_REGIONS
        if (example := phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE))
    ]
    assert sum(number is not None for number in read) > 0.9 * len(read)
