"""The phone's mind: `Agent.step()` does one thing and says what it did.

It never waits, except for the answer to a request. Whoever drives it waits until `Step.wake_at`,
by sleeping or by `Agent.wait`. The rules are those of the protocol: nothing is sent twice, and
whatever is doubtful is reported as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from phone import wire
from phone.clock import Clock
from phone.device import Device
from phone.journal import Held, Journal, JournalCorruptError, JournalError
from phone.pace import PACE_MS, SEGMENTS_PER_MINUTE, WINDOW_MS, Pace, Start
from phone.radio import Dispatch, Radio, RadioResult
from phone.segments import count_parts
from phone.transport import GaveUpError, Reply, Transport, TransportError

BACKOFF_SECONDS = (5, 10, 15, 20, 30, 45, 60, 120)
BUSY_SYNC_SECONDS = 60  # while there is something to send
REPORT_SECONDS = 5  # between two calls that are made only because there is something to report
LOOK_AGAIN_SECONDS = 60  # while nothing can be sent at all, between two looks whether that is over
RETRY_SECONDS = 5  # before what the SIM or the disk refused is tried again
ANSWER_MS = 15 * 60 * 1000  # how long the radio may take to answer
WAIT_TIMEOUT = 60.0  # real seconds; the server answers within 55


class Did(StrEnum):
    """What a step did."""

    RECOVERED = "recovered"  # after a crash or reboot: released and unknown ones were journaled
    COLLECTED = "heard"  # the radio's and the network's words were journaled
    GAVE_UP = "gave_up"  # started 15 minutes ago, no answer: unknown
    RELEASED = "released"  # held, and may not be started any more
    SYNCED = "synced"
    SYNC_FAILED = "sync_failed"
    STARTED = "started"  # one message went to the radio, which has not answered yet
    IDLE = "idle"  # nothing to do before wake_at
    STOPPED = "stopped"  # nothing to do until the owner decides; detail says why
    JOURNAL_FAILED = "journal_failed"  # the disk refused; nothing was started
    READY = "ready"  # the long poll: there is something to claim
    QUIET = "quiet"  # the long poll: nothing


@dataclass(frozen=True, slots=True)
class Step:
    did: Did
    detail: str = ""
    wake_at: float | None = None  # monotonic seconds; for IDLE and JOURNAL_FAILED


class Backoff:
    """A pause that grows with each failure; what the server asks for goes before the list."""

    def __init__(self) -> None:
        self.until = float("-inf")
        self._failures = 0

    def fail(self, now: float, asked: float | None = None) -> float:
        """Answers the pause in seconds."""
        pause: float = BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)]
        self._failures += 1
        if asked is not None:
            pause = max(asked, BACKOFF_SECONDS[0])  # "0" would be asked in a loop
        self.until = now + pause
        return pause

    def reset(self) -> None:
        self._failures = 0


class Agent:
    """One phone. `checkpoint` is called with the name of each place where a crash is interesting:
    `claim` (its id is on disk, nothing asked), `reply` (an answer came, nothing is written),
    `accept` (it is written), `journal` (a start is written, the radio not called), `radio` (it
    was called), `result` (its answer is written)."""

    def __init__(
        self,
        journal: Journal,
        transport: Transport,
        radio: Radio,
        clock: Clock,
        *,
        device: Device | None = None,
        checkpoint: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.journal = journal
        self.is_caught_up = False  # the last sync asked for work and got none
        self._transport = transport
        self._radio = radio
        self._clock = clock
        self._device = device or Device()
        self._checkpoint = checkpoint
        self._pace: Pace | None = None  # None: not recovered yet
        self._unwritten: list[RadioResult] = []
        self._journal_failed = False
        self._is_paused = False
        self._was_unable = False  # the last sync asked for nothing, since nothing can be sent
        self._next_sync_at = self._last_sync_at = float("-inf")
        self._sync_backoff, self._wait_backoff = Backoff(), Backoff()
        self._was_ready = False

    def step(self) -> Step:
        """Do the first thing in this order that there is to do."""
        return self._guarded(
            lambda: (
                self._recover()
                or self._collect()
                or self._give_up()
                or self._release()
                or self._stop()
                or self._sync_if_due()
                or self._send_one()
                or Step(Did.IDLE, wake_at=self._wake_at())
            )
        )

    def wait(self, give_up: Callable[[], bool] | None = None) -> Step:
        """One long poll, for when `may_wait`. READY makes the next step a sync."""
        return self._guarded(lambda: self._long_poll(give_up))

    def _guarded(self, act: Callable[[], Step]) -> Step:
        try:
            return act()
        except JournalCorruptError:
            self.journal.set_aside()
            return Step(Did.STOPPED, "journal_corrupt")
        except JournalError as error:
            self._journal_failed = True
            wake_at = self._clock.monotonic() + RETRY_SECONDS
            return Step(Did.JOURNAL_FAILED, str(error), wake_at)

    @property
    def is_settled(self) -> bool:
        """Nothing held, nothing awaited, nothing unreported, and the server had no more."""
        counts = self.journal.counts()
        is_busy = counts.get("held") or counts.get("started") or self.journal.unreported()
        return self.is_caught_up and not is_busy and self._radio.next_result_at() is None

    @property
    def may_wait(self) -> bool:
        """Is a long poll better than sleep: nothing to send or report, and phone and server are well?"""
        is_busy = self.journal.held() or self.journal.unreported() or self._was_unable
        return not is_busy and self._clock.monotonic() >= self._wait_at()

    # --- what a step may do, in order ----------------------------------------------------------

    def _recover(self) -> Step | None:
        if self._pace is not None:
            return None
        released, unknown = self.journal.recover()
        self._pace = Pace(self.journal.pace_history())
        self._pace.limit(
            int(self.journal.get("pace_ms") or PACE_MS),
            int(self.journal.get("segments_per_minute") or SEGMENTS_PER_MINUTE),
        )
        if not released and not unknown:
            return None
        return Step(Did.RECOVERED, f"{len(released)} released, {len(unknown)} unknown")

    def _collect(self) -> Step | None:
        # Kept here until they are written: the radio says a thing only once.
        self._unwritten += self._radio.results()
        if not self._unwritten:
            return None
        self.journal.record(self._unwritten)
        what = ", ".join(
            f"message {r.message_id} {r.type.removeprefix('part_')}" for r in self._unwritten
        )
        self._unwritten.clear()
        self._checkpoint("result")
        return Step(Did.COLLECTED, what)

    def _give_up(self) -> Step | None:
        first = self.journal.first_started_ms()
        if first is None or first > self._now_ms() - ANSWER_MS:
            return None
        keys = self.journal.give_up(not_after_ms=self._now_ms() - ANSWER_MS)
        return Step(Did.GAVE_UP, ", ".join(str(message_id) for message_id, _ in keys))

    def _release(self) -> Step | None:
        expired = self.journal.expired(self._now_ms())
        if not expired:
            return None
        held = expired[0]
        full = "journal_full" if self._journal_failed else None
        code = full or self._radio.blocked(held.sim) or "window_closed"
        self.journal.release(held, code)
        return Step(Did.RELEASED, f"{held.message_id} {code}")

    def _stop(self) -> Step | None:
        reason = self.journal.get("stopped")
        if reason is None and self.journal.get("token") is None:
            reason = "not_paired"
        return None if reason is None else Step(Did.STOPPED, reason)

    def _sync_if_due(self) -> Step | None:
        if self._was_unable and not self._is_unable:
            self._next_sync_at = min(self._next_sync_at, self._clock.monotonic())
        return self._sync() if self._clock.monotonic() >= self._sync_at() else None

    def _send_one(self) -> Step | None:
        """Start the first message whose SIM is free; service, SIM and pace come before the journal.

        One that waits for the segments of the last minute makes all others wait: were they let
        past, a long text might never find room.
        """
        now_ms = self._now_ms()
        for held in self.journal.held():
            ready_ms, parts = self._ready_at(held, now_ms)
            if ready_ms is None:
                continue
            if self._pacing.segments_ready_at(parts, now_ms) > now_ms:
                return None
            if ready_ms <= now_ms:
                return self._start(held, parts)
        return None

    def _start(self, held: Held, parts: int) -> Step | None:
        sim = self._radio.slot(held.sim)
        keep_ms = max(WINDOW_MS, self._pacing.pace_ms)
        if not self.journal.start(held, parts, sim, self._now_ms(), keep_pace_ms=keep_ms):
            return None  # its lease ended this very moment: the next step releases it
        self._checkpoint("journal")
        if self._now_ms() >= held.start_before_ms:
            return self._overslept(held, parts)
        self._radio.send(Dispatch(held.message_id, held.attempt, held.phone, held.text, parts, sim))
        # The pace goes by when the radio was really called: the disk may have been slow.
        self._pacing.note(Start(self._now_ms(), sim, parts))
        self._checkpoint("radio")
        return Step(Did.STARTED, f"message {held.message_id}, attempt {held.attempt}")

    def _overslept(self, held: Held, parts: int) -> Step:
        """The phone stood still between the journal and the radio, and the lease is over: the
        message may be somebody else's by now. It was surely not sent, so it has failed."""
        self.journal.record(
            RadioResult(held.message_id, held.attempt, part, parts, "part_failed", "window_closed")
            for part in range(1, parts + 1)
        )
        return Step(Did.RELEASED, f"{held.message_id} window_closed")

    # --- sync ----------------------------------------------------------------------------------

    def _sync(self) -> Step:
        is_unable = self._is_unable
        body = self._sync_body(can_send=not is_unable)
        self._checkpoint("claim")
        asked_at = self._clock.monotonic()
        try:
            reply = self._transport.request(
                "POST", wire.SYNC, token=self.journal.get("token"), body=body
            )
        except TransportError as error:
            return self._failed(self._sync_backoff, str(error))
        self._checkpoint("reply")
        if reply.status != 200:
            return self._refused(self._sync_backoff, reply)
        try:
            answer = wire.read_sync(reply.body)
        except wire.BadReplyError as error:
            return self._failed(self._sync_backoff, f"bad reply: {error}")
        new = self.journal.accept(answer, int(asked_at * 1000))
        self._checkpoint("accept")
        self._remember(answer, new, asked_for=body["capacity"])
        self._was_unable = is_unable
        self.is_caught_up |= is_unable and not new
        return Step(Did.SYNCED, f"{new} new, {len(answer.acked)} acked")

    @property
    def _is_unable(self) -> bool:
        """Can nothing be sent, whatever it is? Then nothing is claimed: another phone may have it."""
        sims = (sim.slot for sim in self._device.sims)
        return self._journal_failed or all(self._radio.blocked(sim) for sim in sims)

    def _sync_body(self, *, can_send: bool) -> dict[str, Any]:
        held = self.journal.held()
        body = {
            "claim_id": self.journal.claim_id(),
            "capacity": self._capacity(held) if can_send else 0,
            "boot_id": self._clock.boot_id,
            "held": [
                {"message_id": h.message_id, "attempt": h.attempt} for h in held[: wire.MAX_HELD]
            ],
            "events": [],
            "health": self._device.health(queue=len(held)),
        }
        return wire.fit_events(body, self.journal.outbox(wire.MAX_EVENTS))

    def _capacity(self, held: list[Held]) -> int:
        """How many more can be started before the next sync, as far as one can know: a dead phone
        shall hold few messages. One segment each is assumed; longer ones wait within their lease.
        """
        if self._is_paused:
            return 0
        waiting = sum(count_parts(h.text) for h in held)
        by_segments = self._pacing.segments_per_minute * BUSY_SYNC_SECONDS // 60 - waiting
        by_pace = BUSY_SYNC_SECONDS * 1000 // self._pacing.pace_ms - len(
            held
        )  # all may be for one SIM
        least = 0 if held else 1
        return max(least, min(by_segments, by_pace, wire.MAX_CAPACITY))

    def _remember(self, answer: wire.SyncReply, new: int, asked_for: int) -> None:
        now = self._clock.monotonic()
        pause = answer.next_sync_seconds
        if self.journal.held():
            pause = min(pause, BUSY_SYNC_SECONDS)
        self._last_sync_at, self._next_sync_at = now, now + max(pause, 1)
        self._sync_backoff.reset()
        if self._was_ready and not new:  # or "ready" and an empty claim would chase each other
            self._wait_backoff.fail(now)
        self._was_ready = self._journal_failed = False
        self._is_paused = answer.is_paused
        self.is_caught_up = not new and (asked_for > 0 or answer.is_paused)
        self._pacing.limit(int(answer.pace_seconds * 1000), answer.segments_per_minute)

    def _long_poll(self, give_up: Callable[[], bool] | None) -> Step:
        token = self.journal.get("token")
        began = self._clock.monotonic()
        try:
            reply = self._transport.request(
                "GET", wire.WAIT, token=token, timeout=WAIT_TIMEOUT, give_up=give_up
            )
        except GaveUpError:
            return Step(Did.QUIET)
        except TransportError as error:
            return self._failed(self._wait_backoff, str(error))
        now = self._clock.monotonic()
        if reply.status == 200:
            self._next_sync_at, self._was_ready = now, True
            return Step(Did.READY)
        if reply.status != 204:
            return self._refused(self._wait_backoff, reply)
        if now - began < 1:  # a server that does not hold the request must not be asked in a loop
            self._wait_backoff.fail(now)
        else:
            self._wait_backoff.reset()
        return Step(Did.QUIET)

    def _refused(self, backoff: Backoff, reply: Reply) -> Step:
        if reply.status == 401:
            # Never paired anew by itself: the owner may have taken the phone's rights on purpose.
            self.journal.set("stopped", "unauthorized")
            return Step(Did.STOPPED, "unauthorized")
        _, message = wire.read_problem(reply.body)
        return self._failed(backoff, f"{reply.status} {message}".strip(), reply.retry_after())

    def _failed(self, backoff: Backoff, why: str, asked: float | None = None) -> Step:
        pause = backoff.fail(self._clock.monotonic(), asked)
        return Step(Did.SYNC_FAILED, f"{why}; again in {pause:g} s")

    # --- when ----------------------------------------------------------------------------------

    def _sync_at(self) -> float:
        at = self._next_sync_at
        if not self.journal.held() and self.journal.unreported():
            at = min(at, self._last_sync_at + REPORT_SECONDS)
        return max(at, self._sync_backoff.until)

    def _wait_at(self) -> float:
        return max(self._sync_backoff.until, self._wait_backoff.until)

    def _wake_at(self) -> float:
        """The first moment at which there may be something to do; always after now."""
        now = self._clock.monotonic()
        moments = [self._sync_at(), *self._send_moments(now)]
        if (result_at := self._radio.next_result_at()) is not None:
            moments.append(result_at)
        if (first := self.journal.first_started_ms()) is not None:
            moments.append((first + ANSWER_MS) / 1000)
        if now < self._wait_at():
            moments.append(self._wait_at())
        if self._was_unable:
            moments.append(now + LOOK_AGAIN_SECONDS)
        return max(min(moments), now + 0.001)

    def _send_moments(self, now: float) -> Iterator[float]:
        """For each held message: when it may be started, and when it may no longer."""
        now_ms, fits_ms = int(now * 1000), 0
        for held in self.journal.held():
            yield held.start_before_ms / 1000
            ready_ms, parts = self._ready_at(held, now_ms)
            if ready_ms is None:
                yield now + RETRY_SECONDS
            else:
                # Nobody overtakes one that waits for segments (see _send_one).
                fits_ms = max(fits_ms, self._pacing.segments_ready_at(parts, now_ms))
                yield max(ready_ms, fits_ms) / 1000

    def _ready_at(self, held: Held, now_ms: int) -> tuple[int | None, int]:
        """When its SIM is free (None: it is blocked), and its number of parts."""
        parts = count_parts(held.text)
        if self._radio.blocked(held.sim) is not None:
            return None, parts
        return self._pacing.sim_ready_at(self._radio.slot(held.sim), now_ms), parts

    @property
    def _pacing(self) -> Pace:
        assert self._pace is not None, "step() has recovered before anything else"
        return self._pace

    def _now_ms(self) -> int:
        return int(self._clock.monotonic() * 1000)
