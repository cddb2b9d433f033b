from __future__ import annotations

from typing import Any

import pytest

from messaging.models import Message, OptOut
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Tenant
from tests.dialects.smsend.conftest import NUMBER, Program

OTHER = "+48600100201"


def opted_out() -> list[str]:
    return list(OptOut.objects.order_by("phone").values_list("phone", flat=True))


@pytest.mark.parametrize("path", ["blacklist/sms", "contact/add_to_blacklist"])
@pytest.mark.parametrize("number", [NUMBER, "0048600100200"])
def test_a_number_on_it_is_sent_nothing_more(program: Program, path: str, number: str) -> None:
    waiting = program.send()["order_id"]
    response = program.call("POST", path, phoneNumber=number)
    assert (response.status_code, response.json()) == (200, True)
    assert program.states(waiting) == ["BLACKLISTED"]
    assert program.states(program.send()["order_id"]) == ["BLACKLISTED"]
    assert not Message.objects.filter(status="pending").exists()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("blacklist/smsbatch", [NUMBER, OTHER, NUMBER]),
        ("blacklist/smsbatch", {"phoneNumbers": [NUMBER, OTHER]}),
        ("blacklist/sms", {"phoneNumbers": [NUMBER, OTHER]}),
    ],
)
def test_several_numbers_are_put_on_it(program: Program, path: str, body: Any) -> None:
    assert program.post(path, body) == 2
    assert opted_out() == [NUMBER, OTHER]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("blacklist/smsbatch", [NUMBER, "+4812"]),
        ("blacklist/smsbatch", []),
        ("blacklist/smsbatch", {}),
        ("blacklist/smsbatch", [[NUMBER]]),
        ("blacklist/sms", {"phoneNumbers": ["+4812"]}),
        ("blacklist/sms", {}),
        ("contact/add_to_blacklist_batch", [999999]),
        ("contact/add_to_blacklist_batch", ["+48600100200"]),
    ],
)
def test_one_that_is_wrong_keeps_all_of_them_off_it(program: Program, path: str, body: Any) -> None:
    program.refused(program.call("POST", path, body), 400)
    assert opted_out() == []


@pytest.mark.parametrize(
    "body", [b"[", b'["a",]', b'[1], "x": [2]', b"[" * 20 + b"]" * 20, b'["\\u0000"]']
)
def test_a_broken_list_is_refused(program: Program, body: bytes) -> None:
    response = program.api.raw("/API/v1.0/REST/blacklist/smsbatch", body, **program.headers)
    program.refused(response, 400)
    assert response.json()["code"] == "MALFORMED"


def test_contacts_are_put_on_it_by_their_ids(program: Program) -> None:
    for phone in (NUMBER, OTHER, "+48600100202"):
        program.call("POST", "contact", {"phoneNumber": phone})
    ids = [contact["id"] for contact in program.get("contact")["contacts"]]
    assert program.post(f"contact/add_to_blacklist/{ids[2]}") is True
    assert opted_out() == ["+48600100202"]
    assert program.post("contact/add_to_blacklist_batch", [str(n) for n in ids[:2]]) == 2
    assert program.post("contacts/add_to_blacklist", {"contactIds": ids}) == 3
    assert opted_out() == [NUMBER, OTHER, "+48600100202"]


def test_another_accounts_contacts_are_not_there(
    program: Program, api: Api, other_tenant: Tenant
) -> None:
    bob = Program(api, other_tenant)
    bob.call("POST", "contact", {"phoneNumber": NUMBER})
    [contact] = bob.get("contact")["contacts"]
    response = program.call("POST", f"contact/add_to_blacklist/{contact['id']}")
    program.refused(response, 404)
    program.refused(program.call("POST", "contact/add_to_blacklist_batch", [contact["id"]]), 400)
    assert opted_out() == []


def test_the_list_says_when_and_why(
    program: Program, tenant: Tenant, manual_clock: ManualClock
) -> None:
    for phone, source in ((NUMBER, "sms"), (OTHER, "admin"), ("+34600100200", "api")):
        opt_outs.opt_out(tenant.keys.account_id, phone, opt_outs.Source(source))
        manual_clock.advance(days=1)
    shown = program.get("blacklist/sms")
    assert (shown["total"], shown["pageNumber"], shown["pageSize"]) == (3, 1, 10)
    assert shown["blacklist"][2] == {
        "phoneNumber": NUMBER,
        "addedDate": "20260409163200",
        "origin": "STOPSMS",
    }

    def listed(**query: str) -> list[str]:
        return [row["phoneNumber"] for row in program.get("blacklist/sms", **query)["blacklist"]]

    assert listed(origins="WEB,API") == ["+34600100200", OTHER]
    assert listed(number="+48600") == [OTHER, NUMBER]
    assert listed(**{"from": "2026-04-10 00:00:00", "to": "2026-04-10 23:59:59"}) == [OTHER]
    assert listed(pageNumber="3", pageSize="1") == [NUMBER]


def test_a_number_is_taken_off_it(program: Program) -> None:
    program.post("blacklist/smsbatch", [NUMBER])
    assert program.call("DELETE", f"blacklist/sms/{NUMBER}").json() is True
    program.refused(program.call("DELETE", f"blacklist/sms/{NUMBER}"), 404)
    assert program.states(program.send()["order_id"]) == ["WAITING"]
