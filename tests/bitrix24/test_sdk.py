"""The vendor's own SDK takes our pretended portal for one: what the other tests rely on is no invention.

Each method that smsgate calls is called here, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from b24pysdk import BitrixApp, BitrixToken, BitrixWebhook
from b24pysdk.api.requesters import BitrixOAuthRequester
from b24pysdk.errors import BitrixAPIError

from tests.bitrix24.fake_portal import CLIENT_ID, CLIENT_SECRET, WEBHOOK, FakePortal, contact, error

CODE = "smsgate"
HANDLER = "https://sms.example.com/bitrix24/token/sms/"
QUICKLY = {"initial_retry_delay": 0.01, "retry_delay_increment": 0.01}


@pytest.fixture
def token(fake: FakePortal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BitrixToken:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "tls.pem"))
    for name, path in (("_OAUTH_TOKEN_URL", "/oauth/token/"), ("_APP_INFO_URL", "/rest/app.info/")):
        monkeypatch.setattr(BitrixOAuthRequester, name, f"{fake.url}{path}")
    return BitrixToken(
        domain=f"localhost:{fake.port}",
        auth_token=fake.access_token,
        refresh_token=fake.refresh_token,
        bitrix_app=BitrixApp(client_id=CLIENT_ID, client_secret=CLIENT_SECRET),
    )


@pytest.fixture
def client(token: BitrixToken) -> Any:
    return token.get_client()


def refused_as(code: str, request: Any) -> None:
    with pytest.raises(BitrixAPIError) as caught:
        _ = request.result
    assert caught.value.error == code


def test_it_registers_a_provider_and_changes_it(fake: FakePortal, client: Any) -> None:
    sender = client.messageservice.sender
    assert sender.add(CODE, "SMS", HANDLER, "smsgate", description="SMS").result is True
    refused_as("ERROR_SENDER_ALREADY_INSTALLED", sender.add(CODE, "SMS", HANDLER, "smsgate"))
    assert sender.update(CODE, handler=f"{HANDLER}?2", name="smsgate").result is True
    assert fake.senders == {CODE: f"{HANDLER}?2"}


def test_it_registers_a_rule_and_answers_a_workflow(fake: FakePortal, client: Any) -> None:
    robot = client.bizproc.robot
    phone = {"phone": {"Name": {"en": "Phone"}, "Type": "string", "Required": "Y"}}
    rule = {"use_subscription": True, "properties": phone}
    assert robot.add(CODE, HANDLER, {"en": "Send"}, **rule).result is True
    refused_as("ERROR_ACTIVITY_ALREADY_INSTALLED", robot.add(CODE, HANDLER, {"en": "Send"}, **rule))
    assert robot.update(CODE, {"HANDLER": f"{HANDLER}?2"}).result is True
    assert fake.rules[CODE]["HANDLER"] == f"{HANDLER}?2"
    fake.has_bizproc = False
    refused_as("insufficient_scope", robot.add("another", HANDLER, {"en": "Send"}))


def test_it_binds_the_end(fake: FakePortal, client: Any) -> None:
    event = client.event
    assert event.bind("ONAPPUNINSTALL", HANDLER).result is True
    refused_as("ERROR_CORE", event.bind("ONAPPUNINSTALL", HANDLER))
    assert event.unbind("ONAPPUNINSTALL", HANDLER).result == {"count": 1}
    assert fake.events == []
    assert event.bind("ONCRMCONTACTADD", HANDLER).result is True
    fake.has_crm = False
    refused_as("ERROR_EVENT_NOT_FOUND", event.bind("ONCRMCONTACTUPDATE", HANDLER))


def test_it_tells_statuses_in_a_batch(fake: FakePortal, token: BitrixToken, client: Any) -> None:
    client.messageservice.sender.add(CODE, "SMS", HANDLER, "smsgate").result  # noqa: B018
    fake.unknown_messages = {"m2"}
    update = "messageservice.message.status.update"
    answer = token.call_batch(
        {
            "s1": (update, {"CODE": CODE, "MESSAGE_ID": "m1", "STATUS": "sent"}),
            "s2": (update, {"CODE": CODE, "MESSAGE_ID": "m2", "STATUS": "sent"}),
            "s3": (update, {"CODE": CODE, "MESSAGE_ID": "m3", "STATUS": "read"}),
            "s4": (
                "bizproc.event.send",
                {"event_token": "t|1", "return_values": {"status": "sent", "id": "7"}},
            ),
        }
    )["result"]
    assert answer["result"] == {"s1": True, "s4": True}
    assert {name: each["error"] for name, each in answer["result_error"].items()} == {
        "s2": "ERROR_MESSAGE_NOT_FOUND",
        "s3": "ERROR_MESSAGE_STATUS_INCORRECT",
    }
    assert (fake.statuses, fake.answers) == ([("m1", "sent")], [("t|1", "sent", "7")])


def test_it_lists_contacts_by_pages(fake: FakePortal, client: Any) -> None:
    fake.contacts = [contact(n, f"+48600100{n:03}") for n in range(1, 61)]

    def page(after: int, wanted: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        request = client.crm.contact.list(
            select=["ID", "NAME", "LAST_NAME", "PHONE"],
            filter=wanted or {">ID": after},
            order={"ID": "ASC"},
            start=-1,
        )
        found: list[dict[str, Any]] = request.result
        return found

    assert [len(page(0)), len(page(50)), len(page(60))] == [50, 10, 0]
    assert page(59)[0]["PHONE"][0]["VALUE"] == "+48600100060"
    assert [each["ID"] for each in page(0, {"@ID": [7, 99, 3]})] == ["3", "7"]
    fake.has_crm = False
    with pytest.raises(BitrixAPIError):
        page(0)


def test_it_lists_contacts_by_an_incoming_webhook(fake: FakePortal, token: BitrixToken) -> None:
    fake.contacts = [contact(1, "+48600100001")]
    domain, secret = token.domain, WEBHOOK.removeprefix("/rest/").rstrip("/")
    contacts = BitrixWebhook(domain=domain, webhook_token=secret).get_client().crm.contact
    query: dict[str, Any] = {"filter": {">ID": 0}, "order": {"ID": "ASC"}, "start": -1}
    assert [each["ID"] for each in contacts.list(select=["ID"], **query).result] == ["1"]
    wrong = BitrixWebhook(domain=domain, webhook_token="1/wrong").get_client().crm.contact
    refused_as("INVALID_CREDENTIALS", wrong.list(select=["ID"], **query))


def test_it_renews_a_token_that_has_expired_and_keeps_the_new_pair(
    fake: FakePortal, token: BitrixToken, client: Any
) -> None:
    for number in (1, 2):
        fake.expire()
        assert client.event.unbind("ONAPPUNINSTALL", HANDLER).result == {"count": 0}
        assert fake.renewals == number
    assert (token.auth_token, token.refresh_token) == ("access-2", "refresh-2")


def test_it_exchanges_a_code_for_tokens(fake: FakePortal, token: BitrixToken) -> None:
    query = f"client_id={CLIENT_ID}&state=x"
    code = fake.authorize(f"{fake.url}/oauth/authorize/?{query}")["code"]
    given = token.get_oauth_token(code)
    assert given.oauth_token.access_token == fake.access_token
    assert (given.member_id, given.client_endpoint) == (fake.member_id, fake.client_endpoint)
    with pytest.raises(BitrixAPIError):
        token.get_oauth_token(code)


def test_it_is_told_whose_a_token_is(fake: FakePortal, token: BitrixToken) -> None:
    install = token.get_app_info().result.install
    assert (install.member_id, install.client_endpoint) == (fake.member_id, fake.client_endpoint)


def test_it_tries_again_where_the_portal_is_too_busy(fake: FakePortal, token: BitrixToken) -> None:
    fake.next_answers = [error(503, "QUERY_LIMIT_EXCEEDED")]
    values = {"event": "ONAPPUNINSTALL", "handler": HANDLER}
    answer = token.call_method("event.unbind", values, **QUICKLY)
    assert (answer["result"], len(fake.calls)) == ({"count": 0}, 2)
