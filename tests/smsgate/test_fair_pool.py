"""smsgate.web.fair_pool and smsgate.web.callers: whose turn it is, and how many threads it may take."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from http_api.addresses import network_of
from http_api.batching import batched
from http_api.patience import GaveWay, give_way, may_wait, without_waiting
from smsgate.web.callers import Callers
from smsgate.web.fair_pool import FairPool, Lane, TooLate
from smsgate.web.lanes import Lanes

WIDE = Lane("wide", 4, 4)


@pytest.fixture
def pool() -> Iterator[FairPool]:
    found = FairPool(4, "test")
    yield found
    found.shutdown()


class Work:
    """Jobs that note their order, and the most that ran at once for each name."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.most: dict[str, int] = {}
        self._running: dict[str, int] = {}
        self._lock = threading.Lock()

    def of(self, name: str, gate: threading.Event | None = None) -> Callable[[], str]:
        def run() -> str:
            with self._lock:
                self.order.append(name)
                self._running[name] = self._running.get(name, 0) + 1
                self.most[name] = max(self.most.get(name, 0), self._running[name])
            if gate is not None:
                assert gate.wait(20)
            with self._lock:
                self._running[name] -= 1
            return name

        return run


def test_who_asks_once_waits_for_one_of_a_hundred_jobs_of_another(pool: FairPool) -> None:
    work, gate = Work(), threading.Event()
    narrow = Lane("narrow", 1, 1)

    async def main() -> None:
        first = pool.submit(narrow, "busy", work.of("busy", gate))
        queued = [pool.submit(narrow, "busy", work.of("busy")) for _ in range(100)]
        quiet = pool.submit(narrow, "quiet", work.of("quiet"))
        gate.set()
        await asyncio.gather(first, quiet, *queued)

    asyncio.run(main())
    assert work.order.index("quiet") <= 2
    assert len(work.order) == 102


def test_a_lane_and_a_caller_have_no_more_threads_than_they_may(pool: FairPool) -> None:
    work, gate = Work(), threading.Event()
    lane = Lane("bulks", 2, 1)

    async def main() -> list[Any]:
        held = [pool.submit(lane, name, work.of(name, gate)) for name in "aaabbbccc"]
        # the other threads are free, though nine jobs wait
        assert await asyncio.wait_for(pool.submit(WIDE, "d", work.of("d")), 10) == "d"
        gate.set()
        return await asyncio.gather(*held)

    assert asyncio.run(main()) == list("aaabbbccc")
    assert {name: most for name, most in work.most.items() if name != "d"} == dict.fromkeys(
        "abc", 1
    )


def test_every_job_is_done_once_whatever_was_passed_over(pool: FairPool) -> None:
    lanes = [Lane("one", 1, 1), Lane("two", 2, 1), WIDE]
    work = Work()

    async def main() -> None:
        jobs = [
            pool.submit(lanes[number % 3], number % 7, work.of(str(number)))
            for number in range(3000)
        ]
        assert await asyncio.wait_for(asyncio.gather(*jobs), 30) == [str(n) for n in range(3000)]

    asyncio.run(main())
    assert sorted(map(int, work.order)) == list(range(3000))


def test_what_waited_for_too_long_is_not_begun() -> None:
    pool, work, gate = FairPool(1, "test", patience=-1), Work(), threading.Event()

    async def main() -> None:
        with pytest.raises(TooLate):
            await pool.submit(WIDE, "a", work.of("a", gate))

    asyncio.run(main())
    pool.shutdown()
    assert work.order == []


def test_a_caller_begins_nothing_new_before_the_loop_has_taken_his_answer() -> None:
    pool, work, last = FairPool(1, "test"), Work(), threading.Event()
    narrow = Lane("narrow", 1, 1)

    async def main() -> None:
        jobs = [
            pool.submit(narrow, "a", work.of("a1")),
            pool.submit(narrow, "a", work.of("a2")),
            pool.submit(WIDE, "b", work.of("b1")),
            pool.submit(WIDE, "b", last.set),
        ]
        assert last.wait(20)  # the loop stands still
        assert work.order == ["a1", "b1"]
        await asyncio.gather(*jobs)

    asyncio.run(main())
    pool.shutdown()
    assert work.order == ["a1", "b1", "a2"]


def test_what_waits_goes_together_in_turns_and_each_gets_its_own_result() -> None:
    pool, sizes = FairPool(2, "test"), list[int]()
    begun, gate = threading.Event(), threading.Event()
    lane = Lane("sends", 1, 2, together=4)

    def begin() -> bool:
        begun.set()
        return gate.wait(20)

    def double_all(numbers: Sequence[int], *, may_wait: bool) -> list[int]:
        sizes.append(len(numbers))
        return [2 * number for number in numbers]

    double = batched(double_all)

    async def main() -> None:
        first = pool.submit(lane, "a", begin)
        assert begun.wait(20)
        busy = [pool.submit(lane, "a", partial(double, number)) for number in range(5)]
        quiet = pool.submit(lane, "b", partial(double, 50))
        wrong = pool.submit(lane, "c", lambda: 1 / 0)
        gate.set()
        assert await first
        assert await asyncio.gather(*busy, quiet) == [0, 2, 4, 6, 8, 100]
        with pytest.raises(ZeroDivisionError):
            await wrong

    asyncio.run(main())
    pool.shutdown()
    assert sizes == [
        3,
        2,
        1,
    ]  # two of a, one of b, and the one that is wrong; then two of a, and one


def test_an_error_is_its_callers_and_the_thread_lives_on(pool: FairPool) -> None:
    async def main() -> None:
        for _ in range(10):
            with pytest.raises(ZeroDivisionError):
                await pool.submit(WIDE, "a", lambda: 1 / 0)
        assert await pool.submit(WIDE, "a", lambda: 7) == 7

    asyncio.run(main())


# --- callers -------------------------------------------------------------------------------------


def request(path: str = "/api/messages/", address: str = "192.0.2.1", **given: str) -> Any:
    headers = [
        (name.replace("_", "-").encode(), value.encode())
        for name, value in given.items()
        if name != "query"
    ]
    query = given.get("query", "").encode()
    return {
        "path": path, "query_string": query, "headers": headers, "client": (address, 1),
        "method": "POST",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "body"),
    [
        (request(), b'{"phone": "1", "license__key": "ABCDEF"}'),
        (request(), b'{"key":"ABCDEF","api_key":"X"}'),
        (request(), b"phone=1&license__key=ABCDEF"),
        (request(), b'--x\r\ncontent-disposition: form-data; name="token"\r\n\r\nABCDEF\r\n--x--'),
        (request(authorization="Bearer ABCDEF"), b""),
        (request(x_license_key="ABCDEF"), b""),
        (request(query="token=ABCDEF"), b""),
        (request("/hooks/ABCDEF/", query="phone=1"), b""),
        (request(query="username=a&password=b"), b""),
    ],
)
def test_a_key_that_was_right_takes_its_accounts_turn_from_any_address(
    scope: Any, body: bytes
) -> None:
    callers = Callers()
    first = callers.identify(scope, body)
    assert (first.turn, first.is_known) == ("192.0.2.1", False)
    callers.remember(first, 7)
    again = callers.identify({**scope, "client": ("198.51.100.1", 2)}, body)
    assert (again.turn, again.is_known) == (7, True)


def test_what_a_hook_links_body_says_is_no_key() -> None:
    """It is some program's own, with fields of any name: the link alone says whose call it is."""
    callers, scope = Callers(), request("/hooks/ABCDEF/")
    callers.remember(callers.identify(scope, b'{"key": "a"}'), 7)
    assert callers.identify(scope, b'{"key": "b", "token": "c"}').turn == 7


def test_keys_that_were_never_right_share_the_turn_of_their_network() -> None:
    callers = Callers()
    invented = [request(authorization=f"Bearer {n}", address=f"2001:db8::{n}") for n in range(9)]
    assert {callers.identify(scope).turn for scope in invented} == {"2001:db8::/64"}


def test_a_key_that_stands_where_nobody_looks_gives_others_no_turn_of_its_account() -> None:
    callers = Callers()
    callers.remember(callers.identify(request(), b" " * 9000 + b'{"key": "ABCDEF"}'), 7)
    assert not callers.identify(request(), b"").is_known


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:C000:201", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("x" * 999, "x" * 45),
    ],
)
def test_a_network_is_counted_however_its_address_is_written(address: str, network: str) -> None:
    assert network_of(address) == network


# --- lanes ---------------------------------------------------------------------------------------


def test_kinds_of_work_have_their_own_lanes() -> None:
    lanes, callers = Lanes(8), Callers()
    known = request(authorization="Bearer k")
    callers.remember(callers.identify(known), 1)

    def of(scope: Any, body: bytes = b"{}") -> list[str]:
        return [lane.name for lane in lanes.of(scope, callers.identify(scope, body), body)]

    reading = {**known, "method": "GET"}
    assert of(known) == ["sends", "programs", "bulks"]
    assert of(known, b" " * 5000) == ["programs", "bulks"]
    assert of(reading) == ["programs", "bulks"]
    assert of(request()) == ["strangers", "bulks"]
    assert of(known, b" " * 100_000) == ["bulks"]
    assert of({**known, "path": "/api/messages/bulk/"}) == ["bulks"]
    assert of(request("/admin/login/")) == ["logins", "bulks"]
    assert of(request("/admin/auth/user/1/password/")) == ["logins", "bulks"]
    assert of({**request("/admin/login/"), "method": "GET"}) == ["strangers", "bulks"]
    once = request(authorization="Bearer k", idempotency_key="1")
    callers.remember(callers.identify(once), 1)
    assert of(once) == ["programs", "bulks"]
    for threads in (1, 2, 3, 8, 64):
        for one in vars(Lanes(threads)).values():
            assert 1 <= one.threads <= threads
            assert 1 <= one.a_caller <= max(one.threads, one.together)


def test_a_request_gives_way_where_it_may_not_wait_and_nowhere_else() -> None:
    def answers_all_the_same() -> str:
        assert not may_wait()
        with pytest.raises(GaveWay):
            give_way()
        return "503"

    assert may_wait()
    assert without_waiting(answers_all_the_same) is None
    assert without_waiting(lambda: "201") == "201"
    assert may_wait()
