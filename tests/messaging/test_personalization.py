"""messaging.personalization: a text is measured before its values are put in."""

from __future__ import annotations

import re
from typing import Any

import pytest

from http_api.errors import ApiError
from messaging.personalization import MessagePersonalizationService, TooLong, render
from messaging.segments import LONGEST
from tests.conftest import Api, Tenant

NAME = re.compile(r"\{(name)\}")


class _Unbuilt:
    """A placeholder's pattern that must not be used to build."""

    finditer = staticmethod(NAME.finditer)

    def sub(self, *_: Any) -> str:
        raise AssertionError("the text was built")


def test_what_would_be_too_long_is_never_built() -> None:
    unbuilt: Any = _Unbuilt()
    with pytest.raises(TooLong) as raised:
        render("{name}" * 2700, unbuilt, {"name": "N" * 255}, longest=1530)
    assert raised.value.length == 2700 * 255


@pytest.mark.parametrize("count", range(4))
def test_the_length_is_that_of_the_text(count: int) -> None:
    template = "Hi {name}, {nam} " + "{name}" * count
    text = render(template, NAME, {"name": "{name}"}, longest=100)
    assert text == template
    assert render(template, NAME, {"name": "Jan"}, longest=len(template) - 3 * (count + 1))
    with pytest.raises(TooLong):
        render(template, NAME, {"name": "Jan"}, longest=len(template) - 3 * (count + 1) - 1)


def test_what_can_be_counted_is_built_and_more_is_refused() -> None:
    service = MessagePersonalizationService()
    assert len(service.render("{name}" * 60, name="N" * 255)) == LONGEST
    with pytest.raises(ApiError) as refused:
        service.render("{name}" * 60 + "x", name="N" * 255)
    assert refused.value.errors == {
        "message": ["has at least 101 parts with its values; an SMS may have at most 10"]
    }


@pytest.mark.django_db
def test_both_contact_routes_refuse_it_by_field(api: Api, tenant: Tenant) -> None:
    person = {
        "name": "N" * 255, "phone": "+48600100200", "message": "{name}" * 2700,
        "send_after": "2030-01-01T00:00:00",
    }  # fmt: skip
    single = api.post("/api/contacts/contacts/", tenant.with_keys(**person))
    assert (single.status_code, list(single.json()["errors"])) == (400, ["message"])
    bulk = api.post("/api/contacts/contacts/bulk/", tenant.with_keys(contacts=[person] * 3))
    assert [list(skip["errors"]) for skip in bulk.json()["skipped"]] == [["message"]] * 3
