"""`GET /companion/wait/`: a phone's long poll, native async. Ten thousand of them are ten thousand
small objects, not threads: one Redis subscription serves them all.

A waiter subscribes first and looks then, so nothing falls between. It looks again when its licence
is woken, when its next scheduled message becomes due, and every 5 s while Redis is gone
(http_api.subscription).
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from http_api import clock
from http_api.subscription import Subscription
from licenses.lookup import waiting_phone
from messaging.services.leasing import Outlook, look_ahead
from messaging.wakeup import CHANNEL
from protocol import constant

LONGEST_WAIT = float(constant("wait_seconds"))
POLLS_A_PHONE = 2  # a reconnecting phone leaves its dead poll open; beyond this the oldest ends

# Rate limit against a thundering herd, when all waiting phones check the queue: Redis has come back.
LOOKS_A_SECOND = 200

# Whoever asks a process that is about to stop waits for so long, and asks another then.
REST_SECONDS = 1.0

_REMEMBERED = 20_000


class InThread(Protocol):
    """Runs a look-up in a thread, in the turn of this caller; who is known does not wait for others."""

    def __call__(
        self, turn: Hashable, is_known: bool, look: Callable[[], Any], /
    ) -> Awaitable[Any]: ...


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose token it is. A token never comes to another phone."""

    device_id: int
    license_id: int
    account_id: int


class _Poll:
    """One waiting request."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.is_let_go = False

    def let_go(self) -> None:
        self.is_let_go = True
        self.woken.set()


def owner_of(token: str) -> Owner:
    """Runs in a thread. Raises ApiError `device_unknown`."""
    phone = waiting_phone(token)
    return Owner(phone.pk, phone.license_id, phone.account_id)


def look(token: str) -> Outlook:
    """Runs in a thread: is there something for this phone to claim? Raises `device_unknown`."""
    return look_ahead(waiting_phone(token), clock.now(), dt.timedelta(seconds=LONGEST_WAIT))


class Waiters:
    """All waiting phones of this process, by licence, and the subscription that wakes them."""

    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread
        self._by_license: defaultdict[int, set[_Poll]] = defaultdict(set)
        self._by_device: defaultdict[int, list[_Poll]] = defaultdict(list)
        self._owners: dict[int, Owner] = {}  # by the hash of a token that was right
        self._is_closing = False
        self.subscription = Subscription(CHANNEL, self._wake, self._wake_slowly, "waiting phones")

    async def wait(self, token: str, turn: Hashable = None, longest: float = LONGEST_WAIT) -> bool:
        """True as soon as there is something to claim; False after `longest` seconds, or where the
        phone has asked anew twice, or this process stops.

        `turn` is whose turn the look-up of a token takes that was not seen before.
        Raises ApiError `device_unknown`.
        """
        owner = self._owners.get(hash(token)) or await self._identify(token, turn)
        if self._is_closing:
            await asyncio.sleep(REST_SECONDS)
            return False
        poll = _Poll()
        polls = self._by_device[owner.device_id]
        polls.append(poll)
        for older in polls[:-POLLS_A_PHONE]:
            older.let_go()
        self._by_license[owner.license_id].add(poll)
        try:
            return await self._watch(token, owner, poll, longest)
        finally:
            polls.remove(poll)
            if not polls:
                del self._by_device[owner.device_id]
            waiters = self._by_license[owner.license_id]
            waiters.discard(poll)
            if not waiters:
                del self._by_license[owner.license_id]

    async def _identify(self, token: str, turn: Hashable) -> Owner:
        owner: Owner = await self._in_thread(turn, False, partial(owner_of, token))
        if len(self._owners) >= _REMEMBERED:
            self._owners.clear()
        self._owners[hash(token)] = owner
        return owner

    async def _watch(self, token: str, owner: Owner, poll: _Poll, longest: float) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + longest
        while not (self._is_closing or poll.is_let_go):
            poll.woken.clear()
            found: Outlook = await self._in_thread(owner.account_id, True, partial(look, token))
            if found.is_ready:
                return True
            left = deadline - loop.time()
            if left <= 0:
                return False
            if self._is_closing or poll.is_let_go:
                break
            try:
                await asyncio.wait_for(poll.woken.wait(), min(left, self._patience(found)))
            except TimeoutError:
                continue
        return False

    def _patience(self, found: Outlook) -> float:
        """Seconds until it is worth looking again, unless woken before."""
        patience = self.subscription.patience(LONGEST_WAIT)
        if found.next_due is not None:
            until_due = (found.next_due - clock.now()).total_seconds()
            patience = min(patience, max(until_due, 0.05))
        return patience

    def start(self) -> None:
        self.subscription.start()

    def release(self) -> None:
        """Let all phones go, each with its answer: the process is about to stop."""
        self._is_closing = True
        self._wake(None)

    async def stop(self) -> None:
        self.release()
        await self.subscription.stop()

    def _wake(self, license_id: int | None) -> None:
        """Let this licence's phones look again; None: all of them."""
        if license_id is None:
            woken = [poll for polls in self._by_license.values() for poll in polls]
        else:
            woken = list(self._by_license.get(license_id, ()))
        for poll in woken:
            poll.woken.set()

    def _wake_slowly(self) -> None:
        """Let all phones look again, but not all at once: others are at work."""
        loop = asyncio.get_running_loop()
        everybody = [poll for polls in self._by_license.values() for poll in polls]
        for number, poll in enumerate(everybody):
            loop.call_later(number / LOOKS_A_SECOND, poll.woken.set)
