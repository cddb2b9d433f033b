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

from companion_api.wait import LOOKS_A_SECOND, Owner, Waiters, _Poll, look
from http_api import clock
from http_api.errors import ApiError
from licenses import services
from messaging.drafts import ClientTime, Draft
from messaging.models import Message
from messaging.services.accept import REFUSE, accept
from messaging.services.leasing import Outlook
from tests.conftest import Api, ManualClock, Tenant, pair_phone
from tests.freezing_proxy import address_of, freezing_proxy

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
            waiters = Waiters(lambda turn, is_known, look: loop.run_in_executor(threads, look))
            waiters.start()
            try:
                return await scene(waiters)
            finally:
                await waiters.stop()

        return asyncio.run(main())

    return run


def _accept(tenant: Tenant, external_id: str, **fields: Any) -> Message:
    return accept(tenant.sender, [Draft("+48123456789", "x", external_id, **fields)], REFUSE).only


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
        while sum(map(len, waiters._by_license.values())) < 4 or not waiters.subscription.is_up:
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
    monkeypatch.setattr("http_api.subscription.LOOK_WITHOUT_REDIS", 0.05)
    tenant = Tenant(services.provision("Waits"))
    phone = pair_phone(tenant)

    async def scene(waiters: Waiters) -> Any:
        waiting = asyncio.create_task(waiters.wait(phone.token, longest=10))
        await asyncio.get_running_loop().run_in_executor(threads, _accept, tenant, "a-1")
        return await waiting

    assert play(scene) is True


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_wrong_token_is_refused(play: Callable[[Scene], Any], token: str) -> None:
    with pytest.raises(ApiError) as refused:
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
    with pytest.raises(ApiError):
        play(lambda waiters: waiters.wait(phone.token))


def test_a_phone_that_is_replaced_while_it_waits_is_told(
    play: Callable[[Scene], Any], threads: ThreadPoolExecutor
) -> None:
    tenant = Tenant(services.provision("Waits"))
    phone = pair_phone(tenant)
    code = services.new_pairing_code(tenant.license, replaces=phone.device).code

    async def scene(waiters: Waiters) -> Any:
        waiting = asyncio.create_task(waiters.wait(phone.token))
        while not (waiters._by_license and waiters.subscription.is_up):
            await asyncio.sleep(0)
        in_thread = asyncio.get_running_loop().run_in_executor
        await in_thread(threads, lambda: services.pair(code, install_id="new install"))
        await in_thread(threads, _accept, tenant, "a-1")  # for the new install, not for this one
        return await asyncio.wait_for(waiting, 5)

    with pytest.raises(ApiError) as refused:
        play(scene)
    assert refused.value.code == "device_unknown"


def test_outside_the_sending_hours_it_knows_the_next_that_may_go(
    tenant: Tenant, manual_clock: ManualClock
) -> None:
    """What became due before it and has to wait for the opening does not hide it."""
    now = manual_clock.now
    tenant.set_rules(sending_hours="18:00-20:00")  # it is 16:32
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


def test_known_phones_are_looked_up_apart_from_tokens_that_nobody_has_shown_before(
    threads: ThreadPoolExecutor,
) -> None:
    """Whose turn a look-up takes: a stranger's tokens all take that of his address."""
    tenant = Tenant(services.provision("Waits"))
    phone = pair_phone(tenant)
    looks: list[tuple[Any, bool]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def in_thread(turn: Any, is_known: bool, look: Callable[[], Any]) -> Any:
            looks.append((turn, is_known))
            return await loop.run_in_executor(threads, look)

        waiters = Waiters(in_thread)
        for token in ("wrong 1", "wrong 2"):
            with pytest.raises(ApiError):
                await waiters.wait(token, "192.0.2.1")
        for _ in range(2):
            assert not await waiters.wait(phone.token, "192.0.2.1", longest=0.0)

    asyncio.run(main())
    stranger, known = ("192.0.2.1", False), (tenant.keys.account_id, True)
    assert looks == [stranger, stranger, stranger, known, known]


def test_of_a_phones_polls_two_are_kept_and_the_older_ones_end(
    play: Callable[[Scene], Any],
) -> None:
    phone = pair_phone(Tenant(services.provision("Waits")))

    async def scene(waiters: Waiters) -> Any:
        polls = [asyncio.create_task(waiters.wait(phone.token)) for _ in range(5)]
        while not (waiters.subscription.is_up and sum(poll.done() for poll in polls) == 3):
            await asyncio.sleep(0.01)
        done = [poll.done() and poll.result() for poll in polls]
        waiters.release()
        return done, await asyncio.wait_for(asyncio.gather(*polls), 5), waiters._by_device

    done, answers, left = play(scene)
    assert sorted(map(str, done)) == ["False"] * 5
    assert answers == [False] * 5
    assert not left


def test_stopping_lets_a_thousand_phones_go_without_a_look(play: Callable[[Scene], Any]) -> None:
    async def scene(waiters: Waiters) -> Any:
        async def no_look(*_: Any) -> Any:
            looks.append(1)
            return Outlook(False, None)

        waiters._in_thread = no_look
        tokens = [str(number) for number in range(1000)]
        waiters._owners = {
            hash(token): Owner(device_id=number, license_id=1, account_id=1)
            for number, token in enumerate(tokens)
        }
        waiting = [asyncio.create_task(waiters.wait(token)) for token in tokens]
        while len(looks) < 1000 or not waiters.subscription.is_up:
            await asyncio.sleep(0)
        looks.clear()
        waiters.release()
        answers = await asyncio.wait_for(asyncio.gather(*waiting), 5)
        return answers, looks, await waiters.wait("1")

    looks: list[int] = []
    answers, looks_while_stopping, late = play(scene)
    assert answers == [False] * 1000
    assert looks_while_stopping == []
    assert late is False


@pytest.mark.parametrize("fault", ["freeze", "lose"])
def test_a_redis_that_is_silent_is_noticed_and_everything_else_goes_on(
    threads: ThreadPoolExecutor, settings: Any, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Its connection stays open: nothing comes, no end and no error."""
    monkeypatch.setattr("http_api.subscription.SILENCE", 0.3)
    monkeypatch.setattr("http_api.subscription.LOOK_WITHOUT_REDIS", 0.1)
    tenant = Tenant(services.provision("Waits"))
    phone = pair_phone(tenant)

    async def scene(waiters: Waiters) -> int:
        await _until(lambda: waiters.subscription.is_up)
        connections_before = proxy.accepted
        getattr(proxy, fault)()
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.01)

        counting = asyncio.create_task(count_turns())
        waiting = asyncio.create_task(waiters.wait(phone.token, longest=20))
        await _until(lambda: not waiters.subscription.is_up or proxy.accepted > connections_before)
        await asyncio.get_running_loop().run_in_executor(threads, _accept, tenant, "a-1")
        assert await asyncio.wait_for(waiting, 10) is True
        proxy.thaw()
        await _until(lambda: waiters.subscription.is_up)
        counting.cancel()
        return turns

    with freezing_proxy(address_of(settings.REDIS_URL)) as proxy:
        settings.REDIS_URL = proxy.url(settings.REDIS_URL)

        async def main() -> int:
            loop = asyncio.get_running_loop()
            waiters = Waiters(lambda turn, is_known, look: loop.run_in_executor(threads, look))
            waiters.start()
            try:
                return await scene(waiters)
            finally:
                await waiters.stop()

        assert asyncio.run(main()) > 5


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not is_so():
            await asyncio.sleep(0.01)


def test_redis_return_spreads_the_looks_of_those_who_wait() -> None:
    async def main() -> list[int]:
        waiters = Waiters(lambda *_: asyncio.sleep(0))
        polls = [_Poll() for _ in range(100)]
        waiters._by_license[1] = set(polls)
        waiters._wake_slowly()
        woken = []
        for _ in range(4):
            await asyncio.sleep(100 / LOOKS_A_SECOND / 3)
            woken.append(sum(poll.woken.is_set() for poll in polls))
        return woken

    first, *_, last = asyncio.run(main())
    assert 0 < first < 100
    assert last == 100
