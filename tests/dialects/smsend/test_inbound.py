from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from http_api import redis
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone
from tests.delivery import Wire
from tests.dialects.smsend.conftest import Program

pytestmark = pytest.mark.usefixtures("all_sms_kept")


@pytest.fixture
def wire(api: Api, phone: Phone) -> Wire:
    return Wire(api, phone)


def receive(wire: Wire, *texts: str) -> None:
    wire.report(
        *(
            {"event_id": str(uuid4()), "type": "received", "sender": "+48600100200", "text": text,
             "wall_time": "2026-04-09T14:32:00+00:00"}
            for text in texts
        )
    )  # fmt: skip


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["text"] for message in messages]


def test_new_messages_are_answered_once_and_in_order(
    program: Program, wire: Wire, phone: Phone, manual_clock: ManualClock
) -> None:
    assert program.get("newsrsmsmessage") == []
    receive(wire, "one", "two", "three")
    first = program.get("newsrsmsmessage", limit=2)
    assert first[0] == {
        "id": first[0]["id"],
        "phoneNumber": "+48600100200",
        "sender": "+48600100200",
        "text": "one",
        "receivedDate": "20260409163200",
        "sim": str(phone.device.pk),
    }
    assert texts(first) == ["one", "two"]
    assert program.call("HEAD", "newsrsmsmessage").content == b""  # shown to nobody
    assert texts(program.get("newsrsmsmessage")) == ["three"]
    assert program.get("newsrsmsmessage") == []


def test_a_phone_is_asked_for_by_its_id(
    program: Program, wire: Wire, tenant: Tenant, phone: Phone
) -> None:
    second = pair_phone(tenant, install_id="install-2")
    receive(wire, "to the first")
    receive(Wire(program.api, second), "to the second")
    one, two = phone.device.pk, second.device.pk
    assert texts(program.get(f"newsrsmsmessage/{one}")) == ["to the first"]
    assert texts(program.get(f"newsrsmsmessage/{two}")) == ["to the second"]
    history = program.get(f"srsmshistory/{one},{two}", **{"from": "20200101"})
    assert texts(history["messages"]) == ["to the second", "to the first"]
    for path in ("newsrsmsmessage/+48600100200", "srsmshistory/Vodafone?from=20200101"):
        program.refused(program.call("GET", path), 400, "id_sim")


def test_the_history_comes_in_pages(
    program: Program, wire: Wire, manual_clock: ManualClock
) -> None:
    receive(wire, "one")
    manual_clock.advance(hours=1)
    receive(wire, "two", "three")
    shown = program.get("srsmshistory", **{"from": "20260409", "pageSize": 2})
    assert (shown["total"], shown["pageNumber"], shown["pageSize"]) == (3, 1, 2)
    assert texts(shown["messages"]) == ["three", "two"]
    assert texts(
        program.get("srsmshistory", **{"from": "20260409", "to": "20260409170000"})["messages"]
    ) == ["one"]
    program.refused(program.call("GET", "srsmshistory"), 400, "from")


def test_what_came_after_a_message(program: Program, wire: Wire, phone: Phone) -> None:
    receive(wire, "one", "two", "three")
    first = program.get("newsrsmsmessage", limit=1)[0]["id"]
    path = f"srsmshistory/{phone.device.pk}/{first}"
    assert texts(program.get(path)) == ["two", "three"]
    assert texts(program.get(path, limit=1)) == ["two"]
    program.refused(program.call("GET", path, limit=101), 400, "limit")


def test_nobody_reads_what_another_account_received(
    program: Program, wire: Wire, phone: Phone, api: Api, other_tenant: Tenant
) -> None:
    receive(wire, "for Alice")
    bob = Program(api, other_tenant)
    assert bob.get("newsrsmsmessage") == []
    assert bob.get(f"srsmshistory/{phone.device.pk}/0") == []
    assert bob.get("srsmshistory", **{"from": "20200101"})["total"] == 0
    assert texts(program.get("newsrsmsmessage")) == ["for Alice"]


def test_where_the_mark_is_lost_they_come_again_and_none_is_lost(
    program: Program, wire: Wire
) -> None:
    receive(wire, "one")
    assert texts(program.get("newsrsmsmessage")) == ["one"]
    redis.client().flushdb()
    assert texts(program.get("newsrsmsmessage")) == ["one"]


def test_a_clients_spelling_of_a_phone_makes_no_mark_of_its_own(
    program: Program, wire: Wire, phone: Phone
) -> None:
    receive(wire, "one")
    number = phone.device.pk
    for sim in (f"{number}", f"0{number}", f"{number},{number}", f"00{number},0{number}"):
        program.get(f"newsrsmsmessage/{sim}")
    connection: Any = redis.client()
    [mark] = connection.keys("smsend:inbox:*")
    assert connection.ttl(mark) > 0
    many = ",".join(map(str, range(21)))
    program.refused(program.call("GET", f"newsrsmsmessage/{many}"), 400, "id_sim")
