"""Who waits for events hears them at once, holds no thread, and is let go when the server stops."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

from http_api import clock
from http_api.errors import ApiError
from messaging.drafts import Draft
from messaging.services.accept import REFUSE
from messaging.services.accept import accept as accept_drafts
from outbox import recording
from outbox.models import DeletedEvents
from outbox.types import EventType
from smsgate.web.http_connection import HttpConnection
from tests.conftest import Tenant, in_threads
from tests.http_api.live import Server, Wire, running_server, server
from webhooks import announcing, listening, publishing
from webhooks.listening import Listeners

__all__ = ["server"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _without_redis(monkeypatch: pytest.MonkeyPatch, tenant: Tenant) -> None:
    """The server of the tests subscribes to nothing: its listeners look by themselves."""
    monkeypatch.setattr("http_api.subscription.LOOK_WITHOUT_REDIS", 0.05)
    recording.begin(tenant.keys.account_id)


def send(tenant: Tenant, external_id: str) -> None:
    draft = Draft(phone="+48600100200", text="Zażółć", external_id=external_id)
    accept_drafts(tenant.sender, [draft], REFUSE)


def key(tenant: Tenant) -> str:
    return f"Authorization: Bearer {tenant.keys.license_key}"


def later(server: Server, tenant: Tenant, path: str, external_id: str) -> tuple[Any, float]:
    """The answer to this request, during which a message is sent; and how long it took."""

    def ask() -> Any:
        return server.request("GET", path, b"", key(tenant))

    def act() -> Any:
        _until(lambda: bool(server.root._listeners._by_account))
        send(tenant, external_id)

    began = time.monotonic()
    answer, _ = in_threads([ask, act], threads=2)
    return answer, time.monotonic() - began


def _until(is_so: Any) -> None:
    for _ in range(2_000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


@pytest.mark.parametrize("after", ["0", "latest"])
def test_who_waits_hears_at_once(server: Server, tenant: Tenant, after: str) -> None:
    answer, seconds = later(server, tenant, f"/api/events/?after={after}&wait=50", "a-1")
    assert answer.status == 200
    [event] = answer.json["results"]
    assert event["data"]["external_id"] == "a-1"
    assert answer.json["after"] == event["id"]
    assert seconds < 25
    assert not server.root._listeners._by_account


def test_what_is_there_is_answered_without_waiting(server: Server, tenant: Tenant) -> None:
    send(tenant, "a-1")
    began = time.monotonic()
    answer = server.request("GET", "/api/events/?after=0&wait=50", b"", key(tenant))
    assert len(answer.json["results"]) == 1
    assert time.monotonic() - began < 25


def test_where_nothing_comes_the_answer_is_empty_when_time_is_up(
    server: Server, tenant: Tenant, other_tenant: Tenant
) -> None:
    recording.begin(other_tenant.keys.account_id)
    send(other_tenant, "of another")
    began = time.monotonic()
    answer = server.request("GET", "/api/events/?wait=1", b"", key(tenant))
    assert (answer.status, answer.json["results"]) == (200, [])
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("path", ["/api/events/?wait=50", "/api/events/stream/"])
@pytest.mark.parametrize(
    ("header", "status"), [("Authorization: Bearer ABCDEFGHJKLM", 401), ("A: b", 400)]
)
def test_a_wrong_key_waits_for_nothing(
    server: Server, tenant: Tenant, path: str, header: str, status: int
) -> None:
    assert server.request("GET", path, b"", header).status == status


def test_a_stream_that_begins_at_what_is_deleted_says_so(server: Server, tenant: Tenant) -> None:
    DeletedEvents.objects.create(account=tenant.account, newest=7)
    for header, status in (("Last-Event-ID: 6", 410), ("Last-Event-ID: x", 400)):
        answer = server.request("GET", "/api/events/stream/", b"", key(tenant), header)
        assert answer.status == status
    answer = server.request("GET", "/api/events/?after=6&wait=50", b"", key(tenant))
    assert (answer.status, answer.json["code"]) == (410, "events_deleted")


def test_a_stream_is_only_read(server: Server, tenant: Tenant) -> None:
    answer = server.request("POST", "/api/events/stream/", b"", key(tenant))
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


@contextmanager
def stream(server: Server, tenant: Tenant, query: str = "", *headers: str) -> Iterator[Wire]:
    with server.wire() as wire:
        lines = [
            f"GET /api/events/stream/{query} HTTP/1.1",
            "Host: a",
            key(tenant),
            *headers,
            "",
            "",
        ]
        wire.send("\r\n".join(lines).encode())
        answer = wire.answer()
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        yield wire


def next_event(wire: Wire) -> dict[str, Any]:
    """The next one of a stream, by the lines of its fields."""
    fields: dict[str, str] = {}
    while (line := wire.file.readline().decode().rstrip("\r\n")) or "data" not in fields:
        name, is_field, value = line.partition(": ")
        if is_field and name in {"id", "event", "data"}:
            fields[name] = value
    data: dict[str, Any] = json.loads(fields["data"])
    assert (fields["id"], fields["event"]) == (str(data["id"]), data["type"])
    return data


def test_a_stream_goes_on_where_its_client_was(server: Server, tenant: Tenant) -> None:
    send(tenant, "before")
    with stream(server, tenant) as wire:
        for number in range(3):
            send(tenant, f"a-{number}")
            event = next_event(wire)
            assert event["data"]["external_id"] == f"a-{number}"
            assert event["data"]["message"] == "Zażółć"
    _until(lambda: not server.root._listeners._by_account)
    send(tenant, "meanwhile")
    with stream(server, tenant, "", f"Last-Event-ID: {event['id']}") as wire:
        assert next_event(wire)["data"]["external_id"] == "meanwhile"


def test_a_stream_has_what_was_asked_for(server: Server, tenant: Tenant) -> None:
    with stream(server, tenant, "?after=0&type=webhook.test") as wire:
        send(tenant, "a-1")
        told = recording.Told(EventType.WEBHOOK_TEST, data={"endpoint": 0})
        recording.record(tenant.keys.account_id, [told], clock.now())
        assert next_event(wire)["type"] == "webhook.test"


def test_who_goes_away_is_listened_for_no_more(server: Server, tenant: Tenant) -> None:
    with server.wire() as wire:
        wire.send(f"GET /api/events/?wait=50 HTTP/1.1\r\nHost: a\r\n{key(tenant)}\r\n\r\n".encode())
        _until(lambda: bool(server.root._listeners._by_account))
    _until(lambda: not server.root._listeners._by_account)


def test_one_that_reads_nothing_does_not_hold_up_the_stop(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsgate.web.http_connection.UNREAD_SECONDS_AT_END", 0.2)
    paused = threading.Semaphore(0)
    pause = HttpConnection.pause_writing

    def note_and_pause(connection: HttpConnection) -> None:
        paused.release()
        pause(connection)

    monkeypatch.setattr(HttpConnection, "pause_writing", note_and_pause)
    told = recording.Told(EventType.WEBHOOK_TEST, data={"endpoint": 1, "padding": "x" * 3_000})
    for _ in range(12):  # more than the sockets of both sides hold
        recording.record(tenant.keys.account_id, [told] * 500, clock.now())
        publishing.publish(tenant.keys.account_id)
    with ExitStack() as client, running_server() as server:
        wire = client.enter_context(server.wire())  # which goes away after the server
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        path = "/api/events/stream/?after=0"
        wire.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n{key(tenant)}\r\n\r\n".encode())
        assert paused.acquire(timeout=20)


# --- by themselves -----------------------------------------------------------------------------


def test_all_are_let_go_when_the_server_stops() -> None:
    async def story() -> list[None]:
        listeners = Listeners()
        resting = [
            asyncio.create_task(listeners.rest(listeners.join(account), 50))
            for account in range(2_000)
        ]
        await asyncio.sleep(0)
        listeners.release()
        return await asyncio.wait_for(asyncio.gather(*resting), 20)

    assert len(asyncio.run(story())) == 2_000


def test_one_account_has_no_more_listeners_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "MAX_OF_ACCOUNT", 2)

    async def story() -> None:
        listeners = Listeners()
        first = listeners.join(1)
        listeners.join(1)
        with pytest.raises(ApiError) as refusal:
            listeners.join(1)
        assert refusal.value.retry_after
        listeners.join(2)
        listeners.leave(1, first)
        listeners.join(1)

    asyncio.run(story())


def test_what_is_published_wakes_its_account_and_no_other(tenant: Tenant) -> None:
    def publish() -> None:
        send(tenant, "a-1")
        publishing.publish(tenant.keys.account_id)

    async def story() -> bool:
        listeners = Listeners()
        mine, others = listeners.join(tenant.keys.account_id), listeners.join(0)
        listeners.start()
        while not listeners.subscription.is_up:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # all look once, since something may have been missed
        mine.clear()
        others.clear()
        await sync_to_async(publish, thread_sensitive=False)()
        await asyncio.wait_for(mine.wait(), 20)
        is_other_woken = others.is_set()
        await listeners.stop()
        return is_other_woken

    assert not asyncio.run(story())


def test_nothing_is_announced_that_is_undone(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced: list[int] = []
    monkeypatch.setattr(announcing, "_publish", lambda account_id, _: announced.append(account_id))
    with transaction.atomic():
        announcing.after_commit(1)
        transaction.set_rollback(True)
    announcing.after_commit(2)
    assert announced == [2]
