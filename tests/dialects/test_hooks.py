"""GET and POST /hooks/<token>/: a send for programs that have nothing but a URL field."""

from __future__ import annotations

import datetime as dt
import io
import json
import logging
import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from http_api.errors import ApiError
from licenses import tokens
from licenses.lookup import sender_by_token
from licenses.models import License, Token
from messaging.models import Message
from messaging.services import opt_outs
from tests.conftest import Api, ManualClock, Tenant, pair_phone, refused
from tests.delivery import Wire, sent

NUMBER = "+48600100200"
TEXT = "Zażółć gęślą jaźń & co"

# What Bitrix24's webhook robot posts, whatever stands in the URL.
BITRIX24 = urlencode(
    {
        "document_id[0]": "crm",
        "document_id[1]": "CCrmDocumentDeal",
        "document_id[2]": "DEAL_54",
        "auth[domain]": "example.bitrix24.com",
        "auth[member_id]": "0123456789abcdef",
    }
)


@pytest.fixture
def token(tenant: Tenant) -> str:
    return tokens.new_hook(tenant.license)


def called(api: Api, token: str, query: str = "", method: str = "GET", **fields: str) -> Any:
    query = query or urlencode({"phone": NUMBER, "message": TEXT} | fields)
    return api.client.generic(method, f"/hooks/{token}/?{query}")


def test_a_get_sends(api: Api, token: str, tenant: Tenant) -> None:
    response = called(api, token)
    assert response.status_code == 201
    message = Message.objects.get()
    assert response.json() == {"id": message.pk, "status": "pending"}
    assert (message.phone, message.text) == (NUMBER, TEXT)
    assert message.license_id == tenant.keys.license_id
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (BITRIX24, "application/x-www-form-urlencoded"),
        ('{"phone": "+48999999999", "message": "another"}', "application/json"),
        ("{broken", "application/json"),
        (b"\xff\x00\xfe", "application/octet-stream"),
        ("--no-end", "multipart/form-data; boundary=x"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_post_sends_whatever_its_body(
    api: Api, token: str, body: str | bytes, content_type: str, slash: str
) -> None:
    path = f"/hooks/{token}{slash}?{urlencode({'phone': NUMBER, 'message': TEXT})}"
    response = api.client.generic("POST", path, body, content_type=content_type)
    assert response.status_code == 201, response.content
    assert Message.objects.get().text == TEXT


def as_bitrix24_encodes(handler: str) -> str:
    """What its webhook activity makes of the line in its field: all but delimiters is encoded."""
    parts = re.split(r"(://|:\d+/|/|\?|=|&)", handler)
    return "".join(part if n % 2 else quote(part, safe="") for n, part in enumerate(parts))


@pytest.mark.parametrize("text", ["Zażółć: 50% taniej? Tak!", "a=b/c", "+1 €", "дела {{ID}}"])
def test_bitrix24s_robot_sends_the_text_as_it_was_written(api: Api, token: str, text: str) -> None:
    query = as_bitrix24_encodes(f"phone={NUMBER}&external_id=deal-54&message={text}")
    path = f"/hooks/{token}/?{query}"
    form = "application/x-www-form-urlencoded"
    response = api.client.generic("POST", path, BITRIX24, content_type=form)
    assert response.status_code == 201, response.content
    message = Message.objects.get()
    assert (message.phone, message.text) == (NUMBER, text)


def test_the_plus_that_the_url_ate_is_restored(api: Api, token: str) -> None:
    query = f"phone={NUMBER}&message=Hello&send_after=2036-04-10T09:00:00+02:00"
    assert called(api, token, query).status_code == 201
    message = Message.objects.get()
    assert message.phone == NUMBER
    assert message.send_after == dt.datetime(2036, 4, 10, 7, tzinfo=dt.UTC)


def test_a_repeated_external_id_sends_once_and_tells_the_first(
    api: Api, token: str, tenant: Tenant
) -> None:
    first = called(api, token, external_id="deal-54")
    again = called(api, token, external_id="deal-54", message="changed since")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    wire = Wire(api, pair_phone(tenant))
    wire.claim()
    wire.report(*sent(Message.objects.get().pk))
    assert called(api, token, external_id="deal-54").json()["status"] == "sent"
    assert Message.objects.get().text == TEXT


def test_without_an_external_id_each_call_sends(api: Api, token: str) -> None:
    assert [called(api, token).status_code for _ in range(2)] == [201, 201]
    assert Message.objects.count() == 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("message=Hello", "phone"),
        (f"phone={NUMBER}", "message"),
        (f"phone={NUMBER}&message=", "message"),
        ("phone=%2B4812&message=Hello", "phone"),
        (f"phone={NUMBER}&message=Hello&send_after=soon", "send_after"),
        (f"phone={NUMBER}&message=Hello&external_id={'x' * 256}", "external_id"),
        (f"phone={NUMBER}&message={'x' * 1531}", "message"),
    ],
)
def test_a_wrong_field_is_refused(api: Api, token: str, query: str, field: str) -> None:
    refused(called(api, token, query), 400, "invalid", field)
    assert not Message.objects.exists()


@pytest.mark.parametrize("message", ["%ff", "a%00b"])
def test_a_query_that_is_no_text_is_refused(api: Api, token: str, message: str) -> None:
    query = f"phone={NUMBER}&message={message}"
    refused(called(api, token, query), 400, "malformed")


def test_the_rules_hold(api: Api, token: str, tenant: Tenant, manual_clock: ManualClock) -> None:
    opt_outs.opt_out(tenant.keys.account_id, NUMBER, opt_outs.Source.API)
    refused(called(api, token), 400, "opted_out", "phone")
    tenant.set_rules(max_daily_sms=0)
    refused(called(api, token, phone="+48600100201"), 403, "daily_limit_exceeded")
    tenant.set_rules(max_daily_sms=None, sending_hours="08:00-12:00")
    assert called(api, token, phone="+48600100201").status_code == 201
    assert Message.objects.get().status == "scheduled"


def test_an_unknown_or_revoked_link_is_not_found(
    api: Api, token: str, tenant: Tenant, other_tenant: Tenant
) -> None:
    other = tokens.new_hook(tenant.license)
    row = Token.objects.order_by("pk").first()
    assert row is not None
    assert not tokens.revoke(other_tenant.keys.license_id, row.public_id)
    assert called(api, token).status_code == 201
    assert tokens.revoke(tenant.keys.license_id, row.public_id)
    for wrong in (token, "x" * 43, tenant.keys.token, tenant.keys.license_key):
        refused(called(api, wrong), 404, "invalid_key")
    assert called(api, other).status_code == 201


def test_only_a_hook_link_sends_and_it_does_nothing_else(
    api: Api, token: str, tenant: Tenant
) -> None:
    session = tokens.issue(tokens.Kind.SESSION, tenant.keys.license_id)
    refused(called(api, session), 404, "invalid_key")
    with pytest.raises(ApiError):
        sender_by_token(token)
    for path in ("/api/messages/", "/3rdparty/v1/messages"):
        headers = {"Authorization": f"Bearer {token}"}
        assert api.client.get(path, headers=headers).status_code in {400, 401}


def test_an_inactive_licence_sends_nothing(api: Api, token: str) -> None:
    License.objects.update(is_active=False)
    refused(called(api, token), 403, "license_inactive")


def test_guessing_links_is_slowed_down(api: Api, token: str, settings: LazySettings) -> None:
    settings.FAILED_KEYS_PER_MINUTE = 1
    called(api, "wrong")
    refused(called(api, "wrong"), 429, "too_many_requests")
    assert called(api, token).status_code == 201


def test_a_licence_that_calls_too_often_is_throttled(
    api: Api, token: str, settings: LazySettings, manual_clock: ManualClock
) -> None:
    settings.LICENSE_RATE_PER_MINUTE = 1
    assert [called(api, token).status_code for _ in range(3)] == [201, 201, 429]
    assert Message.objects.count() == 2


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE"])
def test_no_other_method_sends(api: Api, token: str, method: str) -> None:
    assert called(api, token, method=method).status_code == 405
    assert not Message.objects.exists()


def test_no_log_holds_the_token_or_what_was_sent(
    api: Api, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    called(api, token)
    called(api, token, "phone=%2B4812&message=Hello")
    called(api, token, method="PUT")
    called(api, f"{token}/more")
    assert any(record.name == "http_api.requests" for record in caplog.records)
    for secret in (token, NUMBER[1:], TEXT):
        assert secret not in caplog.text


def test_the_command_makes_a_link_that_works(api: Api, tenant: Tenant) -> None:
    out = io.StringIO()
    call_command("hook", str(tenant.keys.license_id), "--json", stdout=out)
    made = json.loads(out.getvalue())
    assert list(made) == ["token", "url"]
    assert made["url"].endswith(f"/hooks/{made['token']}/")
    assert len(made["token"]) >= 22  # 128 bits
    assert called(api, made["token"]).status_code == 201
    assert not Token.objects.filter(digest__contains=made["token"]).exists()


def test_the_disable_command_revokes_all_of_a_licence(
    api: Api, token: str, tenant: Tenant, other_tenant: Tenant
) -> None:
    bobs = tokens.new_hook(other_tenant.license)
    call_command("disable", str(tenant.keys.license_id), "--hooks", stdout=io.StringIO())
    assert called(api, token).status_code == 404
    assert called(api, bobs).status_code == 201
