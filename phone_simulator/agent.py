"""The agent's state machine: `Agent.step()` does one thing and says what it did.

It never waits, except for the answer to a request. Whoever drives it waits until `Step.wake_at`,
by sleeping or by `Agent.wait`. The rules are those of the protocol: nothing is sent twice, and
whatever is doubtful is reported as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from phone_simulator import wire
from phone_simulator.backoff import Backoff
from phone_simulator.clock import Clock
from phone_simulator.device import Device
from phone_simulator.failing_sims import SIM_FAILING
from phone_simulator.journal import AttemptState, Journal
from phone_simulator.journal_file import JournalCorruptError, JournalError
from phone_simulator.leased_message import LeasedMessage
from phone_simulator.pace import PACE_MS, SEGMENTS_PER_MINUTE, WINDOW_MS, Pace, Start
from phone_simulator.segments import count_parts
from phone_simulator.sms_sender import Report, Sms, SmsSender
from phone_simulator.step import Step, StepKind
from phone_simulator.transport import GaveUpError, Reply, Transport, TransportError
from protocol import constant

BUSY_SYNC_SECONDS = constant("busy_sync_seconds")
REPORT_SECONDS = constant("report_seconds")
LEAST_PAUSE_SECONDS = constant("least_pause_seconds")
LOOK_AGAIN_SECONDS = constant("look_again_seconds")
RETRY_SECONDS = constant("retry_seconds")
ANSWER_MS = constant("answer_seconds") * 1000
WAIT_TIMEOUT = float(constant("wait_timeout_seconds"))  # of real time


class Agent:
    """One phone. `checkpoint` is called with the name of each place where a crash is interesting:
    `claim` (its id is on disk, nothing asked), `reply` (an answer came, nothing is written),
    `accept` (it is written), `journal` (a start is written, the radio not called), `radio` (it
    was called), `result` (its answer is written)."""

    def __init__(
        self,
        journal: Journal,
        transport: Transport,
        sender: SmsSender,
        clock: Clock,
        *,
        device: Device | None = None,
        checkpoint: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.journal = journal
        self.is_caught_up = False  # the last sync asked for work and got none
        self._transport = transport
        self._sender = sender
        self._clock = clock
        self._device = device or Device()
        self._checkpoint = checkpoint
        self._pace = Pace([])
        self._is_recovered = False
        self._unwritten: list[Report] = []
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
                or Step(StepKind.IDLE, wake_at=self._wake_at())
            )
        )

    def wait(self, give_up: Callable[[], bool] | None = None) -> Step:
        """Hold one long poll open, for when `may_wait`. READY makes the next step a sync."""
        return self._guarded(lambda: self._long_poll(give_up))

    def _guarded(self, act: Callable[[], Step]) -> Step:
        try:
            return act()
        except JournalCorruptError:
            self.journal.set_aside()
            return Step(StepKind.STOPPED, "journal_corrupt")
        except JournalError as error:
            self._journal_failed = True
            wake_at = self._clock.monotonic() + RETRY_SECONDS
            return Step(StepKind.JOURNAL_FAILED, str(error), wake_at)

    @property
    def is_settled(self) -> bool:
        """Return True if nothing is leased, awaited or unreported, and the server had no more."""
        counts = self.journal.counts()
        is_busy = (
            AttemptState.LEASED in counts
            or AttemptState.SENDING in counts
            or self.journal.unreported()
        )
        return self.is_caught_up and not is_busy and self._sender.next_report_at() is None

    @property
    def may_wait(self) -> bool:
        """Return True if a long poll is better than sleep: idle, and phone and server are well."""
        is_busy = self.journal.leased() or self.journal.unreported() or self._was_unable
        return not is_busy and self._clock.monotonic() >= self._wait_at()

    # --- what a step may do, in order ----------------------------------------------------------

    def _recover(self) -> Step | None:
        if self._is_recovered:
            return None
        released, unknown = self.journal.recover()
        self._pace = Pace(self.journal.pace_history())
        self._pace.limit(
            int(self.journal.get("pace_ms") or PACE_MS),
            int(self.journal.get("segments_per_minute") or SEGMENTS_PER_MINUTE),
        )
        self._is_recovered = True
        if not released and not unknown:
            return None
        return Step(StepKind.RECOVERED, f"{len(released)} released, {len(unknown)} unknown")

    def _collect(self) -> Step | None:
        # Kept here until they are written: each report is handed out once.
        self._unwritten += self._sender.reports()
        if not self._unwritten:
            return None
        paused = self.journal.pauses().keys()
        self.journal.record(self._unwritten)
        what = [f"message {r.message_id} {r.type.removeprefix('part_')}" for r in self._unwritten]
        self._unwritten.clear()
        self._checkpoint("result")
        for sim in sorted(paused ^ self.journal.pauses().keys()):
            word = "can send again" if sim in paused else "cannot send: it is paused"
            what.append(f"SIM {sim + 1} {word}")
        return Step(StepKind.COLLECTED, ", ".join(what))

    def _give_up(self) -> Step | None:
        first = self.journal.first_started_ms()
        if first is None or first > self._now_ms() - ANSWER_MS:
            return None
        keys = self.journal.give_up(not_after_ms=self._now_ms() - ANSWER_MS)
        return Step(StepKind.GAVE_UP, ", ".join(str(message_id) for message_id, _ in keys))

    def _release(self) -> Step | None:
        """Release what may not be started any more; and what is for a SIM that cannot send, at once."""
        now_ms, failing = self._now_ms(), self._failing
        for message in self.journal.leased():
            is_expired = message.start_before_ms <= now_ms
            if is_expired or self._sender.slot(message.sim) in failing:
                full = "journal_full" if self._journal_failed else None
                code = full or self._blocked(message.sim) or "window_closed"
                self.journal.release(message, code)
                return Step(StepKind.RELEASED, f"{message.message_id} {code}")
        return None

    def _stop(self) -> Step | None:
        reason = self.journal.get("stopped")
        if reason is None and self.journal.get("token") is None:
            reason = "not_paired"
        return None if reason is None else Step(StepKind.STOPPED, reason)

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
        for message in self.journal.leased():
            ready_ms, parts = self._ready_at(message, now_ms)
            if ready_ms is None:
                continue
            if self._pace.segments_ready_at(parts, now_ms) > now_ms:
                return None
            if ready_ms <= now_ms:
                return self._start(message, parts)
        return None

    def _start(self, message: LeasedMessage, parts: int) -> Step | None:
        sim = self._sender.slot(message.sim)
        keep_ms = max(WINDOW_MS, self._pace.pace_ms)
        if not self.journal.start(message, parts, sim, self._now_ms(), keep_pace_ms=keep_ms):
            return None  # its lease ended this very moment: the next step releases it
        self._checkpoint("journal")
        if self._now_ms() >= message.start_before_ms:
            return self._overslept(message, parts)
        self._sender.send(
            Sms(message.message_id, message.attempt, message.phone, message.text, parts, sim)
        )
        # The pace goes by when the radio was really called: the disk may have been slow.
        self._pace.note(Start(self._now_ms(), sim, parts))
        self._checkpoint("radio")
        return Step(StepKind.SENT, f"message {message.message_id}, attempt {message.attempt}")

    def _overslept(self, message: LeasedMessage, parts: int) -> Step:
        """Report all parts as failed: the phone stood still between the journal and the radio, and
        the lease is over. The message may be another phone's by now; it was surely not sent."""
        self.journal.record(
            Report(message.message_id, message.attempt, part, parts, "part_failed", "window_closed")
            for part in range(1, parts + 1)
        )
        return Step(StepKind.RELEASED, f"{message.message_id} window_closed")

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
            answer = wire.read_sync(reply.body, int(asked_at * 1000))
        except wire.BadReplyError as error:
            return self._failed(self._sync_backoff, f"bad reply: {error}")
        new = self.journal.accept(answer)
        self._checkpoint("accept")
        self._remember(answer, new, asked_for=body["capacity"])
        self._was_unable = is_unable
        self.is_caught_up |= is_unable and not new
        return Step(StepKind.SYNCED, f"{new} new, {len(answer.acked)} acked")

    @property
    def _is_unable(self) -> bool:
        """Return True if nothing can be sent: then nothing is claimed, for another phone to have."""
        sims = (sim.slot for sim in self._device.sims)
        return self._journal_failed or all(self._blocked(sim) for sim in sims)

    @property
    def _failing(self) -> set[int]:
        """Return the SIMs that are paused and not to be tried again yet."""
        now_ms = self._now_ms()
        return {sim for sim, pause in self.journal.pauses().items() if pause.until_ms > now_ms}

    def _blocked(self, sim: int | None) -> str | None:
        """Return why nothing can be sent through this SIM now, or None."""
        return SIM_FAILING if self._sender.slot(sim) in self._failing else self._sender.blocked(sim)

    def _failing_sims(self) -> list[int | None]:
        """Return them as messages name them; None for those that name none."""
        failing: list[int | None] = [*sorted(self._failing)]
        return [*failing, None] if self._sender.slot(None) in failing else failing

    def _sync_body(self, *, can_send: bool) -> dict[str, Any]:
        leased = self.journal.leased()
        failing = self._failing_sims()
        body = {
            "claim_id": self.journal.claim_id(),
            "capacity": self._capacity(leased) if can_send else 0,
            "boot_id": self._clock.boot_id,
            "held": [
                {"message_id": message.message_id, "attempt": message.attempt}
                for message in leased[: wire.MAX_HELD]
            ],
            "events": [],
            "health": self._device.health(queue=len(leased), failing=self._failing),
        }
        if failing:
            body["failing_sims"] = failing
        if (number := self.journal.get("sync_number")) is not None:
            body["last_sync_number"] = int(number)
        return wire.fit_events(body, self.journal.outbox(wire.MAX_EVENTS))

    def _capacity(self, leased: list[LeasedMessage]) -> int:
        """Return how many more can be started before the next sync, at a guess: a dead phone
        shall hold few messages. One segment each is assumed; longer ones wait within their lease.
        """
        if self._is_paused:
            return 0
        least = 0 if leased else 1
        if self.journal.pauses().keys() - self._failing:  # one message shows whether it can send
            return least
        waiting = sum(count_parts(message.text) for message in leased)
        by_segments = self._pace.segments_per_minute * BUSY_SYNC_SECONDS // 60 - waiting
        by_pace = BUSY_SYNC_SECONDS * 1000 // self._pace.pace_ms - len(
            leased
        )  # one SIM's, at worst
        return max(least, min(by_segments, by_pace, wire.MAX_CAPACITY))

    def _remember(self, answer: wire.SyncReply, new: int, asked_for: int) -> None:
        now = self._clock.monotonic()
        pause = answer.next_sync_seconds
        if self.journal.leased():
            pause = min(pause, BUSY_SYNC_SECONDS)
        self._last_sync_at, self._next_sync_at = now, now + max(pause, LEAST_PAUSE_SECONDS)
        self._sync_backoff.reset()
        if self._was_ready and not new:  # or "ready" and an empty claim would chase each other
            self._wait_backoff.fail(now)
        self._was_ready = self._journal_failed = False
        self._is_paused = answer.is_paused
        self.is_caught_up = not new and (asked_for > 0 or answer.is_paused)
        self._pace.limit(int(answer.pace_seconds * 1000), answer.segments_per_minute)

    def _long_poll(self, give_up: Callable[[], bool] | None) -> Step:
        token = self.journal.get("token")
        began = self._clock.monotonic()
        try:
            reply = self._transport.request(
                "GET", wire.WAIT, token=token, timeout=WAIT_TIMEOUT, give_up=give_up
            )
        except GaveUpError:
            return Step(StepKind.QUIET)
        except TransportError as error:
            return self._failed(self._wait_backoff, str(error))
        now = self._clock.monotonic()
        if reply.status == 200:
            self._next_sync_at, self._was_ready = now, True
            return Step(StepKind.READY)
        if reply.status != 204:
            return self._refused(self._wait_backoff, reply)
        if now - began < LEAST_PAUSE_SECONDS:  # it does not hold the request: not in a loop
            self._wait_backoff.fail(now)
        else:
            self._wait_backoff.reset()
        return Step(StepKind.QUIET)

    def _refused(self, backoff: Backoff, reply: Reply) -> Step:
        if reply.status == 401:
            # Never paired anew by itself: the owner may have taken the phone's rights on purpose.
            self.journal.set("stopped", "unauthorized")
            return Step(StepKind.STOPPED, "unauthorized")
        _, message = wire.read_problem(reply.body)
        return self._failed(backoff, f"{reply.status} {message}".strip(), reply.retry_after())

    def _failed(self, backoff: Backoff, why: str, asked: float | None = None) -> Step:
        pause = backoff.fail(self._clock.monotonic(), asked)
        return Step(StepKind.SYNC_FAILED, f"{why}; again in {pause:g} s")

    # --- when ----------------------------------------------------------------------------------

    def _sync_at(self) -> float:
        at = self._next_sync_at
        if not self.journal.leased() and self.journal.unreported():
            at = min(at, self._last_sync_at + REPORT_SECONDS)
        return max(at, self._sync_backoff.until)

    def _wait_at(self) -> float:
        return max(self._sync_backoff.until, self._wait_backoff.until)

    def _wake_at(self) -> float:
        """Return the first moment at which there may be something to do; always after now."""
        now = self._clock.monotonic()
        moments = [self._sync_at(), *self._send_moments(now)]
        if (report_at := self._sender.next_report_at()) is not None:
            moments.append(report_at)
        if (first := self.journal.first_started_ms()) is not None:
            moments.append((first + ANSWER_MS) / 1000)
        if now < self._wait_at():
            moments.append(self._wait_at())
        if self._was_unable:
            moments.append(now + LOOK_AGAIN_SECONDS)
        probes = [pause.until_ms / 1000 for pause in self.journal.pauses().values()]
        moments += [at for at in probes if at > now]
        return max(min(moments), now + 0.001)

    def _send_moments(self, now: float) -> Iterator[float]:
        """Yield for each leased message when it may be started, and when it may no longer."""
        now_ms, fits_ms = int(now * 1000), 0
        for message in self.journal.leased():
            yield message.start_before_ms / 1000
            ready_ms, parts = self._ready_at(message, now_ms)
            if ready_ms is None:
                yield now + RETRY_SECONDS
            else:
                # Nobody overtakes one that waits for segments (see _send_one).
                fits_ms = max(fits_ms, self._pace.segments_ready_at(parts, now_ms))
                yield max(ready_ms, fits_ms) / 1000

    def _ready_at(self, message: LeasedMessage, now_ms: int) -> tuple[int | None, int]:
        """Return when its SIM is free (None: it is blocked), and its number of parts."""
        parts = count_parts(message.text)
        if self._blocked(message.sim) is not None:
            return None, parts
        return self._pace.sim_ready_at(self._sender.slot(message.sim), now_ms), parts

    def _now_ms(self) -> int:
        return int(self._clock.monotonic() * 1000)
