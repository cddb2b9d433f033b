from __future__ import annotations

import pytest

from messaging.models import Message
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Tenant
from tests.dialects.smsend.conftest import NUMBER, Program


def test_orders_are_listed_newest_first_as_the_client_said_them(
    program: Program, manual_clock: ManualClock
) -> None:
    first = program.send(sender="MyShop", message_type="TI")["order_id"]
    manual_clock.advance(hours=1)
    later = {"scheduled_delivery_time": "20260410090000"}
    second = program.send("+48600100201", "+48600100202", **later)["order_id"]
    # one client asks up to `now`, another for pages of fifty
    shown = program.get("smshistory", **{"from": "20260401", "to": "now", "pageSize": "50"})
    assert shown == {
        "result": "OK",
        "total": 2,
        "pageNumber": 1,
        "pageSize": 50,
        "smshistory": [
            {
                "order_id": second,
                "create_time": "20260409173200",
                "schedule_time": "20260410090000",
                "message_type": "N",
                "sender": "",
                "num_recipients": 2,
            },
            {
                "order_id": first,
                "create_time": "20260409163200",
                "schedule_time": "",
                "message_type": "TI",
                "sender": "MyShop",
                "num_recipients": 1,
            },
        ],
    }


def test_a_list_is_narrowed_and_told_in_the_zone_that_is_asked_for(
    program: Program, manual_clock: ManualClock
) -> None:
    early = program.send()["order_id"]
    manual_clock.advance(hours=1)
    late = program.send()["order_id"]

    def listed(start: str, **query: str) -> list[str]:
        shown = program.get("smshistory", **{"from": start}, **query)["smshistory"]
        return [order["order_id"] for order in shown]

    assert listed("20260409170000") == [late]
    assert listed("20260409", to="20260409170000") == [early]
    assert listed("20260409150000", timezone="UTC") == [late]
    [order] = program.get("smshistory", **{"from": "20260409170000"}, pageSize=1)["smshistory"]
    assert order["create_time"] == "20260409173200"
    utc = program.get("smshistory", **{"from": "20260409"}, timezone="UTC")["smshistory"]
    assert [order["create_time"] for order in utc] == ["20260409153200", "20260409143200"]


def test_a_page_has_ten_unless_another_size_is_asked_for(program: Program) -> None:
    ids = [program.send()["order_id"] for _ in range(12)][::-1]

    def listed(**query: int) -> list[str]:
        shown = program.get("smshistory", **{"from": "20200101"}, **query)
        assert shown["total"] == 12
        return [order["order_id"] for order in shown["smshistory"]]

    assert listed() == ids[:10]
    assert listed(pageNumber=2) == ids[10:]
    assert listed(pageNumber=3, pageSize=5) == ids[10:]
    assert listed(pageNumber=1000) == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({}, "from"),
        ({"from": "last week"}, "from"),
        ({"from": "20200101", "to": "later"}, "to"),
        ({"from": "20200101", "pageNumber": "0"}, "pageNumber"),
        ({"from": "20200101", "pageSize": "1001"}, "pageSize"),
        ({"from": "20200101", "timezone": "Mars"}, "timezone"),
    ],
)
def test_a_wrong_question_is_refused(program: Program, query: dict[str, str], named: str) -> None:
    program.refused(program.call("GET", "smshistory", **query), 400, named)


def test_what_one_recipient_was_sent_has_numbers_for_states(
    program: Program, tenant: Tenant
) -> None:
    waiting = program.send(NUMBER, "+48600100201", sender="MyShop")["order_id"]
    for status in ("expired", "failed"):
        program.send()
        newest = Message.objects.order_by("-pk")[:1]
        Message.objects.filter(pk__in=newest).update(status=status)
    opt_outs.opt_out(tenant.keys.account_id, NUMBER, opt_outs.Source.API)
    refused = program.send()["order_id"]
    question = {"from": "20200101", "recipient": NUMBER, "pageSize": 1000}
    shown = program.get("rcptHistory", **question)
    assert (shown["result"], shown["total"]) == ("OK", 4)
    assert [message["status"] for message in shown["rcpthistory"]] == [9, 9, 10, 9]
    assert shown["rcpthistory"][0]["order_id"] == refused
    assert shown["rcpthistory"][3]["order_id"] == waiting
    assert shown["rcpthistory"][3]["sender"] == "MyShop"
    program.refused(program.call("GET", "rcptHistory", **{"from": "20200101"}), 400, "recipient")


def test_a_plus_that_the_decoder_ate_is_put_back(program: Program) -> None:
    program.send()
    response = program.call("GET", f"rcptHistory?from=20200101&recipient={NUMBER}")
    assert response.json()["total"] == 1


def test_nobody_sees_what_another_account_sent(
    program: Program, api: Api, other_tenant: Tenant
) -> None:
    program.send()
    bob = Program(api, other_tenant)
    assert bob.get("rcptHistory", **{"from": "20200101", "recipient": NUMBER})["total"] == 0
    assert bob.get("smshistory", **{"from": "20200101"})["total"] == 0
