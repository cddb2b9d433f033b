"""`2fa/request` and `2fa/verify`."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from redis import ConnectionError

from dialects.smsend import words
from http_api import redis
from messaging.models import Message
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Tenant
from tests.dialects.smsend.conftest import NUMBER, Program


def asked(program: Program, **fields: Any) -> str:
    """The PIN that a message was queued with."""
    answer = program.post("2fa/request", {"recipient": NUMBER, "sender": "Shop"} | fields)
    assert answer == {"status": "OK", "result": "OK", "pin_length": 6}
    match = re.search(r"[0-9]{6}", Message.objects.latest("pk").text)
    assert match is not None
    return match[0]


def verified(program: Program, pin: str, recipient: str = NUMBER) -> Any:
    return program.post("2fa/verify", {"recipient": recipient, "pin": pin})


def wrong(pin: str) -> str:
    return f"{(int(pin) + 1) % 10**6:06}"


def test_the_right_pin_is_good_once(program: Program) -> None:
    pin = asked(program)
    assert verified(program, pin, "0048600100200") == {"status": "OK", "result": "success"}
    again = program.call("POST", "2fa/verify", {"recipient": NUMBER, "pin": pin})
    program.refused(again, 400, "recipient")


def test_it_stands_where_the_text_wants_it_and_goes_before_mailings(
    program: Program, manual_clock: ManualClock
) -> None:
    pin = asked(program, messageBody="Code: %PIN% (shop)", expiry=5)
    message = Message.objects.get()
    assert message.text == f"Code: {pin} (shop)"
    assert message.priority == words.PIN_PRIORITY > 10
    assert message.send_before == manual_clock.now + dt.timedelta(minutes=5)
    pin = asked(program, messageBody="Code:")
    assert Message.objects.latest("pk").text == f"Code: {pin}"


def test_a_wrong_pin_costs_a_try_and_three_end_it(program: Program) -> None:
    pin = asked(program)
    for left in (2, 1, 0):
        answer = {"status": "ERROR", "result": "error", "tries": left}
        assert verified(program, wrong(pin)) == answer
    response = program.call("POST", "2fa/verify", {"recipient": NUMBER, "pin": pin})
    program.refused(response, 400, "recipient")


def test_a_new_pin_ends_the_one_before(program: Program) -> None:
    first, second = asked(program), asked(program)
    if first != second:
        assert verified(program, first)["status"] == "ERROR"
    assert verified(program, second)["status"] == "OK"


def test_a_pin_is_for_one_number_of_one_licence(
    program: Program, api: Api, other_tenant: Tenant
) -> None:
    pin = asked(program)
    others = {"recipient": "+48600100201", "pin": pin}
    program.refused(program.call("POST", "2fa/verify", others), 400, "recipient")
    bob = Program(api, other_tenant)
    response = bob.call("POST", "2fa/verify", {"recipient": NUMBER, "pin": pin})
    bob.refused(response, 400, "recipient")
    assert verified(program, pin)["status"] == "OK"


def test_it_ends_with_its_time_and_is_kept_as_a_digest(program: Program) -> None:
    pin = asked(program, expiry=2)
    connection = redis.client()
    [key] = connection.keys("smsend:pin:*")
    assert 100 < connection.ttl(key) <= 120
    kept = repr((key, connection.hgetall(key)))
    assert pin not in kept
    assert NUMBER[1:] not in kept


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"recipient": "+4812"}, "recipient"),
        ({"recipient": None}, "recipient"),
        ({"expiry": 0}, "expiry"),
        ({"expiry": "soon"}, "expiry"),
        ({"messageBody": "x" * 1001}, "messageBody"),
    ],
)
def test_a_wrong_request_sends_nothing(
    program: Program, fields: dict[str, Any], named: str
) -> None:
    response = program.call("POST", "2fa/request", {"recipient": NUMBER} | fields)
    program.refused(response, 400, named)
    assert not Message.objects.exists()


def test_the_rules_of_every_message_hold(program: Program, tenant: Tenant) -> None:
    opt_outs.opt_out(tenant.keys.account_id, NUMBER, opt_outs.Source.API)
    program.refused(
        program.call("POST", "2fa/request", {"recipient": NUMBER}),
        400,
        "recipient: the recipient has opted out",
    )
    opt_outs.opt_in(tenant.keys.account_id, NUMBER)
    tenant.set_rules(max_daily_sms=0)
    program.refused(program.call("POST", "2fa/request", {"recipient": NUMBER}), 400, "limit")
    assert not Message.objects.exists()


def test_without_redis_no_pin_is_sent_that_nobody_could_verify(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> Any:
        raise ConnectionError

    monkeypatch.setattr(redis, "client", gone)
    monkeypatch.setattr(redis, "_gone_since", None)
    program.refused(program.call("POST", "2fa/request", {"recipient": NUMBER}), 503)
    monkeypatch.setattr(redis, "_gone_since", None)
    response = program.call("POST", "2fa/verify", {"recipient": NUMBER, "pin": "123456"})
    program.refused(response, 503)
    assert not Message.objects.exists()
    monkeypatch.setattr(redis, "_gone_since", None)
