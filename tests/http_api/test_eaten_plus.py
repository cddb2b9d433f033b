"""A decoder of forms makes a space of each `+` that was sent as it stands: it is put back where a phone
number or a time is meant, in every form, query and path; never in JSON, never in a text."""

from __future__ import annotations

import datetime as dt
from base64 import b64encode

import pytest

from licenses import tokens
from messaging.models import Batch, Message, OptOut
from tests.conftest import Api, ManualClock, Tenant, refused

URL = "/api/messages/"
FORM = "application/x-www-form-urlencoded"
AT = "2026-04-10T09:00:00+02:00"  # as it stands: to be decoded as a space
DUE = dt.datetime(2026, 4, 10, 7, tzinfo=dt.UTC)

OFFSETS = ["+02:00", "+0200", "+02"]


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("clock", ["09:00", "09:00:00", "09:00:00.5"])
def test_an_offset_of_a_form_gets_its_plus_back(
    api: Api, tenant: Tenant, manual_clock: ManualClock, clock: str, offset: str
) -> None:
    at = f"2026-04-10T{clock}{offset}"
    body = f"license__key={tenant.keys.license_key}&external_id=a&phone=+48123456789&message=1+1"
    response = api.raw(URL, f"{body}&send_after={at}&send_before=2026-05-10T00:00:00+02:00", FORM)
    assert response.status_code == 201, response.content
    assert response.json()["send_after"] == at
    assert response.json()["message"] == "1 1"
    assert Message.objects.get().due_at.replace(microsecond=0) == DUE


@pytest.mark.parametrize("offset", OFFSETS)
def test_an_offset_of_a_query_gets_its_plus_back(
    api: Api, tenant: Tenant, manual_clock: ManualClock, offset: str
) -> None:
    api.post(URL, tenant.message())
    for since, count in ((f"2026-04-09T16:32:00{offset}", 1), (f"2026-04-09T16:32:01{offset}", 0)):
        response = api.client.get(f"{URL}?since={since}", headers=tenant.headers)
        assert response.status_code == 200, response.content
        assert len(response.json()["results"]) == count


def test_a_phone_of_a_query_and_of_a_path_gets_its_plus_back(api: Api, tenant: Tenant) -> None:
    api.post(URL, tenant.message())
    response = api.client.get(f"{URL}?phone=+48123456789", headers=tenant.headers)
    assert len(response.json()["results"]) == 1
    for path in ("+48123456789", "%2B48123456789", "%2048123456789", " 48123456789"):
        api.post("/api/opt-outs/", {"phone": "+48123456789"}, **tenant.headers)
        response = api.delete(f"/api/opt-outs/{path}/", tenant)
        assert response.status_code == 204, path
        assert not OptOut.objects.exists()


@pytest.mark.parametrize("priority", ["+7", " 7", "7 ", "%2B7"])
def test_a_whole_number_of_a_form_gets_its_plus_back(
    api: Api, tenant: Tenant, priority: str
) -> None:
    body = f"license__key={tenant.keys.license_key}&external_id=a&phone=+48123456789&message=x"
    assert api.raw(URL, f"{body}&priority={priority}", FORM).status_code == 201
    assert Message.objects.get().priority == 7


def test_in_json_a_space_is_a_space(api: Api, tenant: Tenant) -> None:
    body = tenant.message(send_after=AT.replace("+", " "))
    refused(api.post(URL, body), 400, "invalid", "send_after")


def test_a_text_that_looks_like_a_time_keeps_its_space(api: Api, tenant: Tenant) -> None:
    body = f"license__key={tenant.keys.license_key}&external_id=a&phone=+48123456789&message={AT}"
    assert api.raw(URL, body, FORM).json()["message"] == AT.replace("+", " ")


def test_a_hook_link_gets_its_plusses_back(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    token = tokens.issue(tokens.Kind.HOOK, tenant.license.pk)
    query = f"phone=+48123456789&message=1+1&send_after={AT}"
    assert api.client.get(f"/hooks/{token}/?{query}").status_code == 201
    message = Message.objects.get()
    assert (message.phone, message.text, message.due_at) == ("+48123456789", "1 1", DUE)


@pytest.mark.parametrize("at", [AT, AT.replace("T", " ")])
def test_sms_by_gets_its_plus_back_in_query_and_form(
    api: Api, tenant: Tenant, manual_clock: ManualClock, at: str
) -> None:
    fields = f"token={tenant.keys.token}&message=1+1&time={at}"
    assert api.client.get(f"/api/v1/createSmsMessage?{fields}").status_code == 200
    assert api.raw("/api/v1/createSmsMessage", fields, FORM).status_code == 200
    assert set(Batch.objects.values_list("text", "send_after")) == {("1 1", DUE)}


@pytest.mark.parametrize("at", [AT, AT.replace("T", " ")])
def test_massej_li_gets_its_plus_back_in_a_form(
    api: Api, tenant: Tenant, manual_clock: ManualClock, at: str
) -> None:
    body = f"to=+48123456789&message=1+1&schedule_time={at}"
    response = api.raw("/api/v1/send", body, FORM, X_API_Key=tenant.keys.license_key)
    assert response.status_code == 201, response.content
    assert Message.objects.get().due_at == DUE


def test_the_lists_of_sms_gateway_and_smsend_get_their_plus_back(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    from_to = f"from={AT}&to={AT}"
    basic = {"Authorization": f"Basic {basic_of(tenant)}"}
    response = api.client.get(f"/api/3rdparty/v1/messages?{from_to}", headers=basic)
    assert response.status_code == 200, response.content
    user, session = (
        api.client.get("/API/v1.0/REST/login", headers=basic).content.decode().split(";")
    )
    keys = {"user-key": user, "Session-Key": session}
    response = api.client.get(f"/API/v1.0/REST/smshistory?{from_to}", headers=keys)
    assert response.status_code == 200, response.content
    for path in ("+48123456789", "%2048123456789"):
        api.client.post("/API/v1.0/REST/blacklist/sms?phoneNumber=+48123456789", headers=keys)
        assert OptOut.objects.filter(phone="+48123456789").exists()
        listed = api.client.get("/API/v1.0/REST/blacklist/sms?number=+48123", headers=keys)
        assert listed.json()["total"] == 1
        response = api.client.delete(f"/API/v1.0/REST/blacklist/sms/{path}", headers=keys)
        assert response.status_code == 200, response.content


def basic_of(tenant: Tenant) -> str:
    return b64encode(f"{tenant.keys.username}:{tenant.keys.password}".encode()).decode()


@pytest.mark.parametrize("written", ["%20%2B48123456789", "++48123456789", "+%2B48123456789"])
def test_a_plus_that_has_come_through_is_not_put_back_a_second_time(
    api: Api, tenant: Tenant, written: str
) -> None:
    body = f"license__key={tenant.keys.license_key}&external_id=a&message=Hi&phone={written}"
    response = api.raw(URL, body, FORM)
    assert response.status_code == 201, response.content
    assert response.json()["phone"] == "+48123456789"
