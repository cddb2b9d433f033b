"""The stream by which a page hears that something has changed: who may, what it says, when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.test import Client

from members.models import Member
from outbox.models import DeletedEvents
from tests.conftest import Api, Tenant
from tests.console.conftest import logged_in, person
from tests.delivery import accept
from tests.http_api.live import Server, Wire, server

__all__ = ["server"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of the tests subscribes to nothing: its listeners look by themselves."""
    monkeypatch.setattr("http_api.subscription.LOOK_WITHOUT_REDIS", 0.05)


@contextmanager
def stream(server: Server, client: Client) -> Iterator[Wire]:
    cookie = client.cookies["sessionid"].value
    with server.wire() as wire:
        head = (
            f"GET /console/live/stream/ HTTP/1.1\r\nHost: a\r\nCookie: sessionid={cookie}\r\n\r\n"
        )
        wire.send(head.encode())
        yield wire


def next_lines(wire: Wire, number: int) -> list[str]:
    """The next lines that hold a field, without the parts of chunks and comments."""
    found: list[str] = []
    while len(found) < number:
        line = wire.file.readline().decode().strip()
        if line.startswith(("event: ", "data: ")):
            found.append(line)
    return found


def test_a_member_hears_that_something_has_changed_and_not_what(
    server: Server, api: Api, tenant: Tenant
) -> None:
    with stream(server, logged_in(person("olga", tenant))) as wire:
        assert wire.answer(has_body=False).status == 200
        wire.file.readline()  # it looks: what comes from now on is new
        accept(api, tenant)
        event, data = next_lines(wire, 2)
    assert event == "event: changed"
    assert "601" not in data
    assert "message" not in data


def test_who_is_no_member_hears_nothing(server: Server, tenant: Tenant) -> None:
    with stream(server, logged_in(person("nobody"))) as wire:
        assert wire.answer().status == 403
    answer = server.request("GET", "/console/live/stream/")
    assert answer.status == 302


def test_a_member_who_was_removed_hears_nothing_more(
    server: Server, api: Api, tenant: Tenant
) -> None:
    with stream(server, logged_in(person("olga", tenant))) as wire:
        assert wire.answer(has_body=False).status == 200
        Member.objects.all().delete()
        while wire.file.readline() != b"0\r\n":
            pass  # the last chunk: it ends by itself


def test_an_account_that_has_a_member_listening_hears_nothing_of_another(
    server: Server, api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    with stream(server, logged_in(person("bob", other_tenant))) as wire:
        assert wire.answer(has_body=False).status == 200
        wire.file.readline()
        accept(api, tenant)
        looks = [wire.file.readline() for _ in range(30)]
        assert b": nothing new\n" in looks
        assert not any(line.startswith(b"event") for line in looks)
        accept(api, other_tenant)
        assert next_lines(wire, 1) == ["event: changed"]


def test_a_page_that_slept_longer_than_events_are_kept_is_told_to_look(tenant: Tenant) -> None:
    DeletedEvents.objects.create(account=tenant.account, newest=7)
    client = logged_in(person("olga", tenant))
    for after, changed in (("6", ["changed"]), ("7", [])):
        answer = client.get("/console/live/", {"after": after})
        assert answer.status_code == 200
        assert [each["type"] for each in answer.json()["results"]] == changed
