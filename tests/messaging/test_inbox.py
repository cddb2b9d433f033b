"""GET /api/inbox/"""

from __future__ import annotations

from typing import Any
from unittest import mock
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from messaging.models import InboundMessage, OptOut
from tests.conftest import Api, ManualClock, Phone, Tenant, pair_phone, refused

URL = "/api/inbox/"

pytestmark = pytest.mark.usefixtures("all_sms_kept")


def receive(api: Api, phone: Phone, text: str, sender: str = "+48600100200", **more: Any) -> None:
    event = {"event_id": str(uuid4()), "type": "received", "sender": sender, "text": text} | more
    response = api.post("/companion/sync/", {"events": [event]}, **phone.headers)
    assert response.status_code == 200, response.content


def test_it_shows_what_the_phones_received(
    api: Api, tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    receive(api, phone, " Zażółć 😀\n", sim=1)
    for path in (URL, "/api/inbox"):
        response = api.get(path, tenant)
        assert response.status_code == 200
        assert response.json() == {
            "next": None,
            "results": [
                {
                    "id": InboundMessage.objects.get().pk,
                    "sender": "+48600100200",
                    "text": " Zażółć 😀\n",
                    "device_id": phone.device.pk,
                    "sim": 1,
                    "sent_at": None,
                    "arrived_at": None,
                    "received_at": "2026-04-09T14:32:00Z",
                }
            ],
        }


@pytest.mark.parametrize(
    ("sender", "shown"),
    [("600100200", "+48600100200"), ("BANK", "BANK"), ("7255", "7255"), ("+48 600", "+48 600")],
)
def test_a_sender_that_is_a_number_is_shown_in_e164(
    api: Api, tenant: Tenant, phone: Phone, sender: str, shown: str
) -> None:
    receive(api, phone, "Hi", sender)
    assert api.get(URL, tenant).json()["results"][0]["sender"] == shown


def test_it_shows_only_what_is_asked_for(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone, manual_clock: ManualClock
) -> None:
    receive(api, phone, "one", "BANK")
    first = InboundMessage.objects.get().pk
    manual_clock.advance(minutes=1)
    receive(api, phone, "two", "+48600100200")
    receive(api, pair_phone(other_tenant, "install-2"), "theirs", "BANK")

    def texts(**query: str) -> list[str]:
        response = api.get(URL, tenant, **query)
        assert response.status_code == 200, response.content
        return [shown["text"] for shown in response.json()["results"]]

    assert texts(after=str(first)) == ["two"]
    assert texts(after="0") == ["two", "one"]
    assert texts(after=str(10**17)) == []
    assert texts(since="2026-04-09T14:32:01Z") == ["two"]
    assert texts(since="2026-04-09T16:32:00") == ["two", "one"]
    for sender in ("+48600100200", " 48600100200", "600 100 200"):
        assert texts(sender=sender) == ["two"], sender
    assert texts(sender="BANK") == ["one"]
    assert texts(sender="nobody") == []
    assert texts(until="2026-04-09T14:33:00Z") == ["one"]
    assert texts(until="2026-04-09T16:33:01") == ["two", "one"]
    assert texts(since="2026-04-09T14:32:00Z", until="2026-04-09T14:32:00Z") == []
    broken = {
        "since": "yesterday", "until": "tomorrow", "after": "-1", "sender": "x" * 65, "device": "x",
    }  # fmt: skip
    for name, value in broken.items():
        refused(api.get(URL, tenant, **{name: value}), 400, "invalid", name)


def test_it_shows_what_one_phone_received(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone
) -> None:
    second, theirs = pair_phone(tenant, "install-2"), pair_phone(other_tenant, "install-3")
    receive(api, phone, "one")
    receive(api, second, "two", "BANK")
    receive(api, phone, "three", "BANK")
    receive(api, theirs, "theirs")

    def texts(**query: Any) -> list[str]:
        return [shown["text"] for shown in api.get(URL, tenant, **query).json()["results"]]

    assert texts(device=phone.device.pk) == ["three", "one"]
    assert texts(device=second.device.pk, sender="BANK") == ["two"]
    assert texts(device=theirs.device.pk) == []


def test_a_phone_that_received_little_is_looked_for_page_by_page(
    api: Api, tenant: Tenant, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("http_api.pagination.MOST", 3)
    quiet = pair_phone(tenant, "install-2")
    receive(api, quiet, "old")
    for number in range(6):
        receive(api, phone, f"text {number}")
    pages: list[list[str]] = []
    path, query = URL, f"device={quiet.device.pk}"
    while path:
        page = api.client.get(f"{path}?{query}", headers=tenant.headers).json()
        pages.append([shown["text"] for shown in page["results"]])
        following = urlsplit(page["next"] or "")
        path, query = following.path, following.query
    assert pages == [[], [], ["old"]]


def test_it_shows_the_newest_first_in_cursor_pages(api: Api, tenant: Tenant, phone: Phone) -> None:
    for number in range(5):
        receive(api, phone, f"text {number}")
    texts: list[str] = []
    path, query = URL, "limit=2"
    while path:
        page = api.client.get(f"{path}?{query}", headers=tenant.headers).json()
        texts += [shown["text"] for shown in page["results"]]
        following = urlsplit(page["next"] or "")
        path, query = following.path, following.query
    assert texts == [f"text {number}" for number in range(4, -1, -1)]


def test_a_page_ends_early_where_its_texts_are_long_and_none_is_left_out(
    api: Api, tenant: Tenant, phone: Phone
) -> None:
    for number in range(4):
        receive(api, phone, f"{number}" + "ż" * 39_000)
    pagination = "http_api.pagination.MAX_PAGE_BYTES"
    pages: list[list[str]] = []
    path, query = URL, "limit=3"
    with mock.patch(pagination, 100_000):
        while path:
            page = api.client.get(f"{path}?{query}", headers=tenant.headers).json()
            pages.append([shown["text"][0] for shown in page["results"]])
            following = urlsplit(page["next"] or "")
            path, query = following.path, following.query
        assert pages == [["3"], ["2"], ["1"], ["0"]]
    with mock.patch(pagination, 1):
        assert len(api.get(URL, tenant).json()["results"]) == 1


def test_it_shows_all_phones_of_the_account_and_no_others(
    api: Api, tenant: Tenant, other_tenant: Tenant, phone: Phone
) -> None:
    receive(api, phone, "one")
    receive(api, pair_phone(tenant, "install-2"), "two")
    receive(api, pair_phone(other_tenant), "not mine")
    assert [shown["text"] for shown in api.get(URL, tenant).json()["results"]] == ["two", "one"]


@pytest.mark.parametrize("text", ["STOP", "„Stop!”", "rezygnuję."])
def test_a_stop_word_is_shown_and_opts_out(
    api: Api, tenant: Tenant, phone: Phone, text: str
) -> None:
    receive(api, phone, text)
    assert api.get(URL, tenant).json()["results"][0]["text"] == text
    assert OptOut.objects.get().phone == "+48600100200"
    receive(api, phone, "START")
    assert not OptOut.objects.exists()


def test_an_unknown_key_is_401(api: Api, db: None) -> None:
    response = api.client.get(URL, headers={"X-License-Key": "ABCDEF"})
    refused(response, 401, "license_not_found")
