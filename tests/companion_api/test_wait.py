"""GET /companion/wait/: the long poll."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from companion_api.wait import Waiters, look
from http_api import clock
from http_api.errors import Refusal
from licenses import services
from messaging.drafts import ClientTime, Draft
from messaging.models import Message
from messaging.services.accept import accept_one
from tests.conftest import Api, ManualClock, Tenant, pair_phone

pytestmark = pytest.mark.django_db(transaction=True)

Scene = Callable[[Waiters], Awaitable[Any]]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool
        pool.submit(connections.close_all)


@pytest.fixture
def play(threads: ThreadPoolExecutor) -> Callable[[Scene], Any]:
    """Runs a scene on an event loop of its own, with the wake-ups listening."""

    def run(scene: Scene) -> Any:
        async def main() -> Any:
            loop = asyncio.get_running_loop()
            waiters = Waiters(lambda *work: loop.run_in_executor(threads, *work))
            waiters.start()
            try:
                return await scene(waiters)
            finally:
                await waiters.stop()

        return asyncio.run(main())

    return run


def _accept(tenant: Tenant, external_id: str, **fields: Any) -> Message:
    return accept_one(tenant.sender, Draft("+48123456789", "x", external_id, **fields))


def test_it_answers_at_once_where_there_is_something(play: Callable[[Scene], Any]) -> None:
    tenant = Tenant(services.provision("Waits"))
    phone = pair_phone(tenant)
    _accept(tenant, "a-1")
    began = time.monotonic()
    assert play(lambda waiters: waiters.wait(phone.token)) is True
    assert time.monotonic() - began < 5


def test_it_says_no_after_its_time(play: Callable[[Scene], Any]) -> None:
    phone = pair_phone(Tenant(services.provision("Waits")))
    assert play(lambda waiters: waiters.wait(phone.token, longest=0.05)) is False


def test_a_commit_wakes_the_phones_of_its_licence_and_no_others(
    play: Callable[[Scene], Any], threads: ThreadPoolExecutor
) -> None:
    tenant, other = Tenant(services.provision("A")), Tenant(services.provision("B"))
    phones = [pair_phone(tenant, f"install-{number}") for number in range(3)]
    stranger = pair_phone(other)

    async def scene(waiters: Waiters) -> Any:
        waiting = [asyncio.create_task(waiters.wait(phone.token)) for phone in phones]
        strange = asyncio.create_task(waiters.wait(stranger.token))
        while sum(map(len, waiters._by_license.values())) < 4 or not waiters._is_subscribed:
            await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(threads, _accept, tenant, "a-1")
        answers = await asyncio.wait_for(asyncio.gather(*waiting), 4)
        is_waiting = not strange.done()
        strange.cancel()
        return answers, is_waiting

    assert play(scene) == ([True, True, True], True)


def test_whatever_brings_a_message_wakes_its_phones(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[int] = []
    monkeypatch.setattr("messaging.wakeup._notify", woken.append)
    person = {"name": "Jan", "phone": "+48123456789", "message": "Hi"}
    person["send_after"] = "2026-01-01T00:00:00"
    for path, body in (
        ("messages", tenant.message("a")),
        ("messages/bulk", tenant.bulk([tenant.message("b"), tenant.message("c")])),
        ("contacts/contacts", tenant.with_keys(**person)),
        ("contacts/contacts/bulk", tenant.with_keys(contacts=[person | {"message": "Ho"}])),
    ):
        assert Api().post(f"/api/{path}/", body).status_code in {200, 201}
        assert woken == [tenant.keys.license_id], path
        woken.clear()
    Message.objects.update(status="uncertain")
    resolve = f"/api/messages/{Message.objects.first().pk}/resolve/"  # type: ignore[union-attr]
    assert Api().post(resolve, {"as": "again"}, **tenant.headers).status_code == 200
    assert woken == [tenant.keys.license_id]
    woken.clear()
    Api().post("/api/messages/bulk/", tenant.bulk([tenant.message("a")]))  # a duplicate
    assert woken == []


def test_a_scheduled_message_wakes_it_when_it_is_due(play: Callable[[Scene], Any]) -> None:
    tenant = Tenant(services.provision("Waits"))
    phone = pair_phone(tenant)
    soon = clock.now() + dt.timedelta(milliseconds=600)
    _accept(tenant, "a-1", send_after=ClientTime(soon, "soon"))
    assert play(lambda waiters: waiters.wait(phone.token, longest=10)) is True
    assert clock.now() >= soon


def test_without_redis_it_looks_by_itself(
    play: Callable[[Scene], Any],
    threads: ThreadPoolExecutor,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr("companion_api.wait.LOOK_WITHOUT_REDIS", 0.05)
    tenant = Tenant(services.provision("Waits"))
    phone = pair_phone(tenant)

    async def scene(waiters: Waiters) -> Any:
        waiting = asyncio.create_task(waiters.wait(phone.token, longest=10))
        await asyncio.get_running_loop().run_in_executor(threads, _accept, tenant, "a-1")
        return await waiting

    assert play(scene) is True


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_wrong_token_is_refused(play: Callable[[Scene], Any], token: str) -> None:
    with pytest.raises(Refusal) as refused:
        play(lambda waiters: waiters.wait(token))
    assert refused.value.code == "device_unknown"


def test_a_paused_or_unpaired_phone_gets_nothing(play: Callable[[Scene], Any]) -> None:
    tenant = Tenant(services.provision("Waits"))
    phone = pair_phone(tenant)
    _accept(tenant, "a-1")
    phone.device.is_paused = True
    phone.device.save()
    assert play(lambda waiters: waiters.wait(phone.token, longest=0.05)) is False
    services.revoke(phone.device)
    with pytest.raises(Refusal):
        play(lambda waiters: waiters.wait(phone.token))


def test_a_phone_that_is_replaced_while_it_waits_is_told(
    play: Callable[[Scene], Any], threads: ThreadPoolExecutor
) -> None:
    tenant = Tenant(services.provision("Waits"))
    phone = pair_phone(tenant)
    code = services.new_pairing_code(tenant.license, replaces=phone.device).code

    async def scene(waiters: Waiters) -> Any:
        waiting = asyncio.create_task(waiters.wait(phone.token))
        while not (waiters._by_license and waiters._is_subscribed):
            await asyncio.sleep(0)
        in_thread = asyncio.get_running_loop().run_in_executor
        await in_thread(threads, lambda: services.pair(code, install_id="new install"))
        await in_thread(threads, _accept, tenant, "a-1")  # for the new install, not for this one
        return await asyncio.wait_for(waiting, 5)

    with pytest.raises(Refusal) as refused:
        play(scene)
    assert refused.value.code == "device_unknown"


def test_outside_the_sending_hours_it_knows_the_next_that_may_go(
    tenant: Tenant, manual_clock: ManualClock
) -> None:
    """What became due before it and has to wait for the opening does not hide it."""
    now = manual_clock.now
    tenant.set_rules(opens_at=dt.time(18), closes_at=dt.time(20))  # it is 16:32
    phone = pair_phone(tenant)
    _accept(tenant, "waits", send_after=ClientTime(now + dt.timedelta(hours=2, minutes=1), ""))
    Message.objects.update(due_at=now - dt.timedelta(minutes=1))
    soon = now + dt.timedelta(seconds=20)
    _accept(tenant, "chosen", send_after=ClientTime(soon, ""))
    found = look(phone.token)
    assert (found.is_ready, found.next_due) == (False, soon)


def test_a_process_that_stops_lets_its_phones_go(play: Callable[[Scene], Any]) -> None:
    phone = pair_phone(Tenant(services.provision("Waits")))

    async def scene(waiters: Waiters) -> Any:
        waiting = asyncio.create_task(waiters.wait(phone.token))
        while not waiters._by_license:
            await asyncio.sleep(0)
        waiters.release()
        return await asyncio.wait_for(waiting, 5)

    assert play(scene) is False


def test_it_stops_at_whatever_moment_of_connecting(play: Callable[[Scene], Any]) -> None:
    async def scene(waiters: Waiters) -> None:
        for turns in range(120):
            another = Waiters(waiters._in_thread)
            another.start()
            for _ in range(turns):
                await asyncio.sleep(0)
            await asyncio.wait_for(another.stop(), 5)

    play(scene)
