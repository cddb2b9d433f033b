"""Who waits for an account's events, in one web process: by long poll, or by a stream. Native async.

A listener subscribes first and looks then, so nothing falls between. What it looks with is an ordinary
request, answered by Django: this only knows when it is worth to ask again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Final

from http_api.error_codes import ErrorCode
from http_api.errors import ApiError
from http_api.subscription import Subscription
from webhooks.announcing import CHANNEL

# An account's listeners; each costs a connection and a look at each event.
MAX_OF_ACCOUNT: Final = 1_000

# Rate limit against a thundering herd, when all listeners look: Redis has come back.
_LOOKS_A_SECOND = 200


class Listeners:
    """All listeners of this process, by account, and the subscription that wakes them."""

    def __init__(self) -> None:
        self._by_account: defaultdict[int, set[asyncio.Event]] = defaultdict(set)
        self.is_closing = False
        self.subscription = Subscription(CHANNEL, self._wake, self._wake_slowly, "listeners")

    def join(self, account_id: int) -> asyncio.Event:
        """Return what is set when the account has something new, until `leave`. Raise ApiError
        `too_many_requests` where too many are there already."""
        if len(self._by_account.get(account_id, ())) >= MAX_OF_ACCOUNT:
            words = f"This account has {MAX_OF_ACCOUNT} listeners already: end some of them first."
            raise ApiError(ErrorCode.TOO_MANY_REQUESTS, words, retry_after=30)
        woken = asyncio.Event()
        self._by_account[account_id].add(woken)
        return woken

    def leave(self, account_id: int, woken: asyncio.Event) -> None:
        listeners = self._by_account[account_id]
        listeners.discard(woken)
        if not listeners:
            del self._by_account[account_id]

    async def rest(self, woken: asyncio.Event, seconds: float) -> None:
        """Return when there may be something new, this process stops, or time is up."""
        if self.is_closing:
            return
        try:
            await asyncio.wait_for(woken.wait(), min(seconds, self.subscription.patience(seconds)))
        except TimeoutError:
            return
        finally:
            woken.clear()

    def start(self) -> None:
        self.subscription.start()

    def release(self) -> None:
        """Let all listeners go, each with its answer: the process is about to stop."""
        self.is_closing = True
        for listeners in self._by_account.values():
            for woken in listeners:
                woken.set()

    async def stop(self) -> None:
        self.release()
        await self.subscription.stop()

    def _wake(self, account_id: int) -> None:
        for woken in self._by_account.get(account_id, ()):
            woken.set()

    def _wake_slowly(self) -> None:
        loop = asyncio.get_running_loop()
        everybody = [woken for listeners in self._by_account.values() for woken in listeners]
        for number, woken in enumerate(everybody):
            loop.call_later(number / _LOOKS_A_SECOND, woken.set)
