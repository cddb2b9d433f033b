"""Hook links read the bodies of programs that can change no query string."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from licenses import tokens
from messaging.models import Message
from tests.conftest import Api, Tenant, refused

BODIES = Path(__file__).parent / "hook_bodies"
NUMBER, OTHER = "+48600100200", "+48600100209"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MULTIPART = "multipart/form-data; boundary=----form"
KUMA = "[Shop] [🔴 Down] getaddrinfo ENOTFOUND shop.example.com"


@pytest.fixture
def token(tenant: Tenant) -> str:
    return tokens.new_hook(tenant.license)


def posted(api: Api, token: str, body: Any, kind: str = JSON, **query: str) -> Any:
    """POST this body: bytes and strings as they are, else as JSON."""
    raw = body if isinstance(body, bytes | str) else json.dumps(body)
    path = f"/hooks/{token}/" + (f"?{urlencode(query)}" if query else "")
    return api.client.generic("POST", path, raw, content_type=kind)


def multipart(**fields: str) -> str:
    parts = (
        f'------form\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return "".join(parts) + "------form--\r\n"


def only() -> tuple[str, str]:
    message = Message.objects.get()
    return message.phone, message.text


def of_file(name: str) -> str:
    return (BODIES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["message", "msg", "text", "message_body", "title"])
@pytest.mark.parametrize("number", ["phone", "to", "message_to"])
@pytest.mark.parametrize("kind", ["json", "form", "multipart", "query"])
def test_a_text_and_a_number_have_many_names(
    api: Api, token: str, name: str, number: str, kind: str
) -> None:
    fields = {number: NUMBER, name: " Zażółć & co "}
    calls: dict[str, Callable[[], Any]] = {
        "json": lambda: posted(api, token, fields),
        "form": lambda: posted(api, token, urlencode(fields), FORM),
        "multipart": lambda: posted(api, token, multipart(**fields), MULTIPART),
        "query": lambda: api.client.get(f"/hooks/{token}/", fields),
    }
    response = calls[kind]()
    assert response.status_code == 201, response.content
    assert only() == (NUMBER, " Zażółć & co ")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"title": "Title", "message": "Text"}, "Text"),
        ({"title": "Title", "text": "Text", "message": ""}, "Text"),
        ({"title": "Title", "message": None}, "Title"),
        ({"msg": "a", "text": "b"}, "a"),
        ({"message": " ", "title": "Title"}, " "),
    ],
)
def test_the_title_is_sent_where_there_is_no_text(
    api: Api, token: str, fields: dict[str, Any], text: str
) -> None:
    assert posted(api, token, {"phone": NUMBER} | fields).status_code == 201
    assert only() == (NUMBER, text)


@pytest.mark.parametrize(
    ("query", "body", "sent"),
    [
        ({"phone": NUMBER}, {"phone": OTHER, "msg": "Hi"}, (NUMBER, "Hi")),
        ({"to": NUMBER}, {"phone": OTHER, "message": "Hi"}, (NUMBER, "Hi")),
        ({"message": "Hi"}, {"phone": NUMBER, "message": "other"}, (NUMBER, "Hi")),
        ({"title": "Hi"}, {"phone": NUMBER, "message": "other"}, (NUMBER, "Hi")),
        ({"phone": NUMBER, "msg": "Hi"}, {"phone": OTHER, "message": "other"}, (NUMBER, "Hi")),
    ],
)
def test_the_query_wins(
    api: Api, token: str, query: dict[str, str], body: dict[str, str], sent: tuple[str, str]
) -> None:
    assert posted(api, token, body, **query).status_code == 201
    assert only() == sent


def test_the_other_fields_may_stand_in_the_body_too(api: Api, token: str) -> None:
    body = {"phone": NUMBER, "message": "Hi", "external_id": 7, "send_after": "2036-04-10T09:00"}
    first, again = posted(api, token, body), posted(api, token, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    message = Message.objects.get()
    assert (message.external_id, message.send_after_given) == ("7", "2036-04-10T09:00")


def test_what_stands_beside_a_whole_query_says_nothing(api: Api, token: str) -> None:
    """A program's own field of such a name must not make an alert a repetition of another."""
    body = {"external_id": "same", "send_after": "2036-04-10T09:00"}
    for text in ("one", "two"):
        assert posted(api, token, body, phone=NUMBER, message=text).status_code == 201
    assert set(Message.objects.values_list("external_id", "status")) == {(None, "pending")}


@pytest.mark.parametrize(
    "body",
    [
        {"Message": "x"}, {"body": "x"}, {"content": "x"}, {"description": "x"}, {"subject": "x"},
        {"data": '{"msg": "x"}'}, {"heartbeat": {"msg": "x"}}, {"status": "firing"},
        {"status": "firing", "alerts": []}, {"status": "firing", "alerts": [{"labels": {}}]},
        {"status": "firing", "alerts": [{"annotations": {"summary": {"x": "x"}}}]}, {},
    ],
)  # fmt: skip
def test_an_unknown_field_is_never_sent(api: Api, token: str, body: dict[str, Any]) -> None:
    refused(posted(api, token, body, phone=NUMBER), 400, "invalid", "message")
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"message": {"a": "b"}, "phone": NUMBER}, "message"),
        ({"message": ["a"], "phone": NUMBER}, "message"),
        ({"message": "Hi", "to": [NUMBER]}, "phone"),
        ({"message": "Hi", "number": NUMBER}, "phone"),
        ({"message": "x" * 1531, "phone": NUMBER}, "message"),
    ],
)
def test_a_wrong_field_is_refused(api: Api, token: str, body: dict[str, Any], field: str) -> None:
    refused(posted(api, token, body), 400, "invalid", field)
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("{broken", JSON), (b"\xff\x00\xfe", "application/octet-stream"), ("[1]", JSON),
        ("--no-end", "multipart/form-data; boundary=x"), ('data={"msg":', FORM),
    ],
)  # fmt: skip
def test_a_body_that_is_needed_and_cannot_be_read_is_refused(
    api: Api, token: str, body: str | bytes, kind: str
) -> None:
    refused(posted(api, token, body, kind, phone=NUMBER), 400, "malformed")


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (of_file("alertmanager.json"), JSON, "[FIRING:2] Disk of db-1 is 95 % full"),
        (of_file("alertmanager_resolved.json"), JSON, "[RESOLVED:1] HostDown"),
        (of_file("grafana.json"), JSON, json.loads(of_file("grafana.json"))["message"]),
        (of_file("uptime_kuma.json"), JSON, KUMA),
        (multipart(data=of_file("uptime_kuma.json")), MULTIPART, KUMA),
        (urlencode({"data": of_file("uptime_kuma.json")}), FORM, KUMA),
        (of_file("bitrix24_sms.txt"), FORM, "Code: 1234"),
        (of_file("home_assistant.json"), JSON, "The cellar is wet"),
        (urlencode(json.loads(of_file("home_assistant.json"))), FORM, "The cellar is wet"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_the_bodies_of_programs_are_understood(
    api: Api, token: str, body: str, kind: str, text: str
) -> None:
    response = posted(api, token, body, kind, phone=NUMBER)
    assert response.status_code == 201, response.content
    assert only() == (NUMBER, text)


# As PHP encodes what Bitrix24's SMS provider posts: from a card, and from an automation rule.
PORTALS = {
    "crm": {
        "module_id": "crm", "bindings[0][OWNER_TYPE_ID]": "3", "bindings[0][OWNER_ID]": "123",
    },
    "bizproc": {
        "module_id": "bizproc", "workflow_id": "", "document_id[0]": "crm",
        "document_id[1]": "CCrmDocumentDeal", "document_id[2]": "DEAL_54",
        "document_type[0]": "crm", "document_type[1]": "CCrmDocumentDeal", "document_type[2]": "DEAL",
    },
}  # fmt: skip


def portals_form(source: str, number: str, text: str, message_id: str = "65575980fa53") -> str:
    return urlencode(
        PORTALS[source]
        | {
            "properties[phone_number]": number,
            "properties[message_text]": text,
            "type": "SMS",
            "code": "smsgate",
            "message_id": message_id,
            "message_to": number,
            "message_body": text,
            "ts": "1775742720",
            "auth[domain]": "example.bitrix24.com",
            "auth[member_id]": "a223c6b3710f85df22e9377d6c4f7553",
            "auth[application_token]": "51856fefc120afa4b628cc82d3935cce",
        }
    )


@pytest.mark.parametrize("source", list(PORTALS))
@pytest.mark.parametrize(
    ("number", "read"), [("+7 (999) 123-45-67", "+79991234567"), ("600 100 200", NUMBER)]
)
def test_bitrix24s_sms_is_sent_with_its_text_as_it_was_written(
    api: Api, token: str, source: str, number: str, read: str
) -> None:
    text = "Заказ №7 & доставка: 50% = 10 €\nДо завтра?"
    response = posted(api, token, portals_form(source, number, text), FORM)
    assert response.status_code == 201, response.content
    assert only() == (read, text)


def test_what_bitrix24_posts_twice_is_sent_once(api: Api, token: str) -> None:
    calls = [("Hello", "m1"), ("Hello", "m1"), ("Hello", "m2")]
    forms = [portals_form("crm", NUMBER, text, message_id) for text, message_id in calls]
    answers = [posted(api, token, form, FORM) for form in forms]
    assert [answer.status_code for answer in answers] == [201, 200, 201]
    assert answers[0].json() == answers[1].json()
    assert set(Message.objects.values_list("external_id", flat=True)) == {"b24-m1", "b24-m2"}


@pytest.mark.parametrize("message_id", ["", None])
def test_an_empty_message_id_of_bitrix24_identifies_nothing(
    api: Api, token: str, message_id: str | None
) -> None:
    body = {"message_to": NUMBER, "message_body": "Hello", "message_id": message_id}
    assert [posted(api, token, body).status_code for _ in range(2)] == [201, 201]


def test_a_message_id_of_another_program_identifies_nothing(api: Api, token: str) -> None:
    body = {"phone": NUMBER, "message": "Hello", "message_id": "1"}
    assert [posted(api, token, body).status_code for _ in range(2)] == [201, 201]


def test_uptime_kumas_get_is_understood(api: Api, token: str) -> None:
    told = json.loads(of_file("uptime_kuma.json"))
    query = {
        "phone": NUMBER, "msg": told["msg"], "heartbeat": json.dumps(told["heartbeat"]),
        "monitor": json.dumps(told["monitor"]),
    }  # fmt: skip
    assert api.client.get(f"/hooks/{token}/", query).status_code == 201
    assert only() == (NUMBER, KUMA)


def test_a_message_that_alertmanager_was_told_to_send_is_sent_as_it_is(
    api: Api, token: str
) -> None:
    """By a template in its URL, or by a payload of one's own."""
    body = of_file("alertmanager.json")
    assert posted(api, token, body, phone=NUMBER, message="Disk!").status_code == 201
    assert posted(api, token, json.loads(body) | {"text": "Own"}, phone=NUMBER).status_code == 201
    assert list(Message.objects.order_by("pk").values_list("text", flat=True)) == ["Disk!", "Own"]


def test_no_log_holds_what_was_in_a_body(
    api: Api, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    posted(api, token, {"phone": NUMBER, "message": "a secret text"})
    posted(api, token, {"phone": NUMBER, "message": ["a secret text"]})
    posted(api, token, '{"message": "a secret text",')
    assert any(record.name == "http_api.requests" for record in caplog.records)
    for secret in (token, NUMBER[1:], "a secret text"):
        assert secret not in caplog.text
