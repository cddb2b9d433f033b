"""POST /bitrix24/<token>/sms/: what a portal sends."""

from __future__ import annotations

from typing import Any

import pytest

from bitrix24.models import Portal, StatusPush
from messaging.models import Message
from messaging.services import opt_outs
from tests.bitrix24.conftest import posted
from tests.bitrix24.fake_portal import APPLICATION_TOKEN
from tests.conftest import Api, Tenant, refused

NUMBER = "+48600100200"
SOURCES = {
    "crm": {"bindings[0][OWNER_TYPE_ID]": "3", "bindings[0][OWNER_ID]": "123"},
    "bizproc": {"workflow_id": "", "document_id[0]": "crm", "document_id[2]": "DEAL_54"},
}


def sms(
    api: Api, token: str, message_id: str = "m1", number: str = NUMBER, text: str = "Hi",
    source: str = "crm", application_token: str = APPLICATION_TOKEN,
) -> Any:  # fmt: skip
    form = SOURCES[source] | {
        "module_id": source,
        "type": "SMS",
        "code": "smsgate",
        "message_id": message_id,
        "message_to": number,
        "message_body": text,
        "auth[application_token]": application_token,
    }
    return posted(api, token, "sms", form)


@pytest.mark.parametrize("source", list(SOURCES))
@pytest.mark.parametrize(
    ("number", "read"), [("+7 (999) 123-45-67", "+79991234567"), ("600 100 200", NUMBER)]
)
def test_it_is_accepted_as_it_was_written(
    api: Api, token: str, portal: Portal, source: str, number: str, read: str
) -> None:
    text = "Заказ №7 & доставка: 50% = 10 €"
    response = sms(api, token, number=number, text=text, source=source)
    message = Message.objects.get()
    assert (response.status_code, response.json()["id"]) == (200, message.pk)
    assert (message.phone, message.text, message.license_id) == (read, text, portal.license_id)
    assert StatusPush.objects.get().message_id == message.pk


def test_the_same_message_is_sent_once(api: Api, token: str, portal: Portal) -> None:
    first, again = (sms(api, token, text=text) for text in ("Hi", "changed"))
    assert first.json() == again.json()
    assert Message.objects.get().text == "Hi"
    assert StatusPush.objects.count() == 1


class Killed(BaseException): ...


def test_a_crash_leaves_no_message_that_the_portal_is_never_told_of(
    api: Api, token: str, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(**_: Any) -> None:
        assert Message.objects.exists()
        raise Killed

    with monkeypatch.context() as context:
        context.setattr(StatusPush.objects, "get_or_create", die)
        with pytest.raises(Killed):
            sms(api, token)
    assert not Message.objects.exists()
    sms(api, token)
    assert StatusPush.objects.get().message_id == Message.objects.get().pk


def test_only_the_portal_may_send(api: Api, token: str, portal: Portal) -> None:
    for wrong in ("wrong", "", portal.application_token_digest):
        refused(sms(api, token, application_token=wrong), 403, "forbidden")
    assert not Message.objects.exists()


def test_before_the_installation_nobody_may_send(api: Api, token: str) -> None:
    for wrong in ("wrong", ""):
        refused(sms(api, token, application_token=wrong), 403, "forbidden")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"number": "12"}, "invalid"),
        ({"text": ""}, "invalid"),
        ({"number": "+48600100209"}, "opted_out"),
    ],
)
def test_what_is_refused_is_taken_from_the_portal_and_told_as_failed(
    api: Api, token: str, portal: Portal, tenant: Tenant, fields: dict[str, str], code: str
) -> None:
    opt_outs.opt_out(tenant.keys.account_id, "+48600100209", opt_outs.Source.API)
    response = sms(api, token, **fields)
    assert (response.status_code, response.json()["code"]) == (200, code)
    assert StatusPush.objects.get().message_id is None


def test_without_a_message_id_nothing_is_sent(api: Api, token: str, portal: Portal) -> None:
    refused(sms(api, token, message_id=""), 400, "invalid", "message_id")
    assert not Message.objects.exists()
