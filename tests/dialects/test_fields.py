"""dialects.fields: what clients of several vendors write alike."""

from __future__ import annotations

from typing import Any

import pytest

from dialects.fields import Moment
from dialects.params import nested
from http_api.errors import ApiError
from http_api.parsing import parse_form
from http_api.shapes import Shape, validated
from messaging.fields import International
from tests.conftest import Tenant


class Asked(Shape):
    phone: International | None = None
    at: Moment | None = None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"a": "1", "b[c]": "2"}, {"a": "1", "b": {"c": "2"}}),
        ({"a[1]": "y", "a[0]": "x", "a[10]": "z"}, {"a": ["x", "y", "z"]}),
        ({"a[0][b][0]": "x", "a[0][c]": "y"}, {"a": [{"b": ["x"], "c": "y"}]}),
        ({"a[0][b][]": ["x", "y"]}, {"a": [{"b": ["x", "y"]}]}),
        ({"a[]": ["x"]}, {"a": ["x"]}),
        ({"a[b": "1", "[b]": "2", "a[][b]": "3"}, {"a[b": "1", "[b]": "2", "a[][b]": "3"}),
        ({"a": {"0": "json stays as it is"}}, {"a": {"0": "json stays as it is"}}),
    ],
)
def test_phps_notation_is_read(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert nested(fields) == expected


def test_nesting_has_an_end() -> None:
    with pytest.raises(ApiError) as refused:
        nested({"a" + "[b]" * 1000: "x"})
    assert refused.value.code == "malformed"


def test_a_list_of_a_form_keeps_each_of_its_values() -> None:
    assert parse_form(b"to[]=1&to[]=2&to=3&to=3&empty=") == {"to[]": ["1", "2"], "to": "3"}


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        ("375291234567", "+375291234567"),
        ("+375 29 123-45-67", "+375291234567"),
        ("375 (29) 123-45-67", "+375291234567"),
        ("00375291234567", "+375291234567"),
        (375291234567, "+375291234567"),
        ("48600100200", "+48600100200"),
    ],
)
def test_a_number_is_an_international_one(tenant: Tenant, phone: Any, expected: str) -> None:
    assert validated(Asked, {"phone": phone}, sender=tenant.sender).phone == expected


@pytest.mark.parametrize(
    "phone", ["80291234567890", "0291234567", "12", -375291234567, True, ["375291234567"]]
)
def test_what_is_none_is_refused(tenant: Tenant, phone: Any) -> None:
    with pytest.raises(ApiError) as refused:
        validated(Asked, {"phone": phone}, sender=tenant.sender)
    assert list(refused.value.errors) == ["phone"]


def test_eight_digits_and_less_are_read_as_the_native_api_reads_them(tenant: Tenant) -> None:
    tenant.set_rules(country="NO")
    assert validated(Asked, {"phone": "40612345"}, sender=tenant.sender).phone == "+4740612345"


@pytest.mark.parametrize("at", ["2026-04-10 09:00", "2026-04-10 09:00:00", "2026-04-10T09:00"])
def test_a_space_may_stand_between_date_and_time(tenant: Tenant, at: str) -> None:
    read = validated(Asked, {"at": at}, sender=tenant.sender).at
    assert read is not None
    assert read.at.isoformat() == "2026-04-10T07:00:00+00:00"


@pytest.mark.parametrize(
    "fields",
    [
        {"a": "1", "a[b]": "2"},
        {"a[b]": "2", "a": "1"},
        {"a[0]": "1", "a[0][b]": "2"},
        {"a[0][b]": "2", "a[0]": "1"},
        {"a[1]": "x", "a[01]": "y"},
        {"a[0][b][1]": "x", "a[0][b][001]": "y"},
        {"a[]": ["x"], "a[0]": "y"},
    ],
)
def test_one_place_with_two_values_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refused:
        nested(fields)
    assert refused.value.code == "malformed"
    assert "stands twice" in refused.value.message
