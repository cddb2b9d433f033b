"""Clients of Skebby and Mobyt as they are published, and the vendor's samples, repaired where
the document lost lines: only base URL and keys are ours."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pymobyt import mobyt
from skebby_sdk import client as skebby
from skebby_sdk import exceptions
from skebby_sdk.api.base import BaseApi

from tests.dialects.clients.service import Service
from tests.support.installs import install

HERE = Path(__file__).parent
BASE = "/API/v1.0/REST"
NUMBER = "+48600100210"


@pytest.fixture
def sdk(service: Service, monkeypatch: pytest.MonkeyPatch) -> skebby.SkebbyClient:
    monkeypatch.setattr(BaseApi, "BASE_URL", service.url + BASE)
    return skebby.SkebbyClient(service.keys["username"], service.keys["password"])


def text() -> str:
    return f"Zażółć gęślą jaźń {uuid4()}"


def recipients(shown: Any, number: str = NUMBER) -> list[str]:
    assert {recipient["destination"] for recipient in shown["recipients"]} == {number}
    return [recipient["status"] for recipient in shown["recipients"]]


def test_skebbys_sdk_sees_its_message_delivered(service: Service, sdk: skebby.SkebbyClient) -> None:
    said, order_id = text(), f"order-{uuid4().hex[:20]}"
    sent = sdk.sms.send_sms(said, [NUMBER], sender="MyShop", order_id=order_id, validity_period=60)
    assert (sent["result"], sent["order_id"], sent["total_sent"]) == ("OK", order_id, 1)
    assert recipients(sdk.sms.get_message_state(order_id)) == ["WAITING"]
    service.deliver()
    assert recipients(sdk.sms.get_message_state(order_id)) == ["DLVRD"]
    assert service.texts_sent().count(said) == 1
    today = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    orders = sdk.sms.get_history(today)["smshistory"]
    assert [o["sender"] for o in orders if o["order_id"] == order_id] == ["MyShop"]
    messages = sdk.sms.get_recipient_history(NUMBER, today)["rcpthistory"]
    assert [m["status"] for m in messages if m["order_id"] == order_id] == [4]
    assert {row["type"] for row in sdk.user.get_status()["sms"]} >= {"GP", "TI", "SI"}


def test_skebbys_sdk_sends_personal_texts_and_to_groups(
    service: Service, sdk: skebby.SkebbyClient
) -> None:
    greeting, news = text(), text()
    people = [{"recipient": NUMBER, "name": "Anna"}]
    personal = sdk.sms.send_parametric_sms(greeting + " ${name}", people)
    name = f"Group {uuid4()}"
    sdk.contacts.create_group(name)
    groups = sdk.contacts.get_groups(page_size=1000)["groups"]
    [group_id] = [group["id"] for group in groups if group["name"] == name]
    sdk.contacts.add_contact(NUMBER, name="Anna", surname="Nowak", group_ids=[str(group_id)])
    to_group = sdk.sms.send_sms_to_group(news, [str(group_id)])
    service.deliver()
    for order in (personal, to_group):
        assert recipients(sdk.sms.get_message_state(order["order_id"])) == ["DLVRD"]
    assert service.texts_sent().count(greeting + " Anna") == 1
    assert service.texts_sent().count(news) == 1
    sdk.contacts.remove_contact_from_group(group_id, NUMBER)
    with pytest.raises(exceptions.SkebbyValidationException, match="nobody"):
        sdk.sms.send_sms_to_group(news, [str(group_id)])
    sdk.contacts.add_contact_to_group(group_id, NUMBER)
    sdk.contacts.update_group(group_id, name=f"{name}, renamed")
    sdk.contacts.delete_group(group_id)
    assert sdk.contacts.add_multiple_contacts([{"phoneNumber": NUMBER}]) == 1
    [anna] = [c for c in sdk.contacts.get_contacts()["contacts"] if c["phoneNumber"] == NUMBER]
    assert sdk.contacts.get_contact(anna["id"])["name"] == "Anna Nowak"


def test_skebbys_sdk_takes_back_what_is_scheduled(
    service: Service, sdk: skebby.SkebbyClient
) -> None:
    said = text()
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    one, two = (
        sdk.sms.send_sms(said, [NUMBER], scheduled_delivery_time=later)["order_id"]
        for _ in range(2)
    )
    assert recipients(sdk.sms.get_message_state(one)) == ["SCHEDULED"]
    assert sdk.sms.delete_scheduled_message(one)["order_id"] == one
    assert recipients(sdk.sms.get_message_state(one)) == ["KO"]
    assert sdk.sms.delete_all_scheduled_messages()["result"] == "OK"
    assert recipients(sdk.sms.get_message_state(two)) == ["KO"]
    with pytest.raises(exceptions.SkebbyNotFoundException):
        sdk.sms.delete_scheduled_message("no-such-order")


def test_skebbys_sdk_keeps_its_blacklist_and_verifies_pins(
    service: Service, sdk: skebby.SkebbyClient
) -> None:
    unwanted = "+48600100211"
    assert sdk.blacklist.add_phone_number(unwanted) is True
    assert sdk.blacklist.add_multiple_phone_numbers([unwanted]) == 1
    assert unwanted in {row["phoneNumber"] for row in sdk.blacklist.get_blacklist()["blacklist"]}
    order_id = sdk.sms.send_sms(text(), [unwanted])["order_id"]
    assert recipients(sdk.sms.get_message_state(order_id), unwanted) == ["BLACKLISTED"]
    assert sdk.contacts.blacklist_remove(unwanted) is True
    mark = str(uuid4())
    assert sdk.two_factor.request_pin(NUMBER, messageBody=f"{mark} %PIN%")["result"] == "OK"
    service.deliver()
    [pin] = [said.split()[1] for said in service.texts_sent() if said.startswith(mark)]
    assert sdk.two_factor.verify_pin(NUMBER, pin)["result"] == "success"
    assert sdk.received.get_new_messages() == []


def test_skebbys_sdk_reads_our_refusals(service: Service, sdk: skebby.SkebbyClient) -> None:
    with pytest.raises(exceptions.SkebbyValidationException, match=r"^recipient\.0: ") as refused:
        sdk.sms.send_sms("Hello", ["+4812"])
    assert refused.value.error_code == "INVALID"
    user_key, session_key = sdk.auth.login(service.keys["username"], service.keys["password"])
    logged_in = skebby.SkebbyClient(user_key=user_key, session_key=session_key)
    assert logged_in.user.get_status()["money"] is None
    wrong = skebby.SkebbyClient(user_key=user_key, session_key="wrong")
    with pytest.raises(exceptions.SkebbyAuthException, match="not valid"):
        wrong.user.get_status()
    with pytest.raises(exceptions.SkebbyAuthException, match="404"):
        skebby.SkebbyClient("nobody", "wrong")


def test_mobyts_client_sees_its_message_delivered(
    service: Service, sdk: skebby.SkebbyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no call for a state: the other client reads it."""
    monkeypatch.setattr(mobyt, "BASEURL", f"{service.url}{BASE}/")
    said = text()
    sent = mobyt.Mobyt(service.keys["username"], service.keys["password"]).send_sms(
        said, NUMBER, sender="MyShop", scheduled_delivery_time=dt.datetime(2026, 1, 1, 9)
    )
    service.deliver()
    assert recipients(sdk.sms.get_message_state(sent["order_id"])) == ["DLVRD"]
    assert service.texts_sent().count(said) == 1


# --- the vendor's own samples ---------------------------------------------------------------------

Sample = Callable[..., Any]


@pytest.fixture
def python() -> Sample:
    return lambda *arguments: _answer([sys.executable, HERE / "python/smsend.py", *arguments])


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    install("dialects/clients/install_java.sh")
    gson = list((HERE / "java/lib").glob("gson-*.jar"))
    if shutil.which("javac") is None or not gson:
        pytest.skip("needs a JDK, and Maven to fetch Gson with")
    classes = tmp_path_factory.mktemp("java")
    _run(["javac", "-cp", gson[0], "-d", classes, HERE / "java/Smsend.java"])
    path = f"{gson[0]}:{classes}"
    return lambda *arguments: _answer(["java", "-Xshare:auto", "-cp", path, "Smsend", *arguments])


def _answer(command: list[Any]) -> Any:
    return json.loads(_run(command))


def _run(command: list[Any]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check(service: Service, sample: Sample, *, can_schedule: bool) -> None:
    """The document's flow: log in, send; then ask what became of it."""
    keys = service.keys
    said = text()
    call = (f"{service.url}{BASE}/", keys["username"], keys["password"])
    sent = sample(*call, "send", NUMBER, said, "0")
    assert (sent["result"], sent["total_sent"]) == ("OK", 1)
    service.deliver()
    assert recipients(sample(*call, "state", sent["order_id"])) == ["DLVRD"]
    assert service.texts_sent().count(said) == 1
    if can_schedule:
        tomorrow = sample(*call, "send", NUMBER, text(), str(24 * 60))
        assert recipients(sample(*call, "state", tomorrow["order_id"])) == ["SCHEDULED"]


def test_the_python_sample_sees_its_message_delivered(service: Service, python: Sample) -> None:
    check(service, python, can_schedule=True)


def test_the_java_sample_sees_its_message_delivered(service: Service, java: Sample) -> None:
    check(service, java, can_schedule=True)


def test_the_node_sample_sees_its_message_delivered(service: Service, node: Sample) -> None:
    """Its time stands in it, and is long past."""
    check(service, lambda *arguments: node("smsend.js", *arguments), can_schedule=False)
